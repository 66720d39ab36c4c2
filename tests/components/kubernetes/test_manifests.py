"""Every object of the pods' components is one that the API server takes, in each version and in those to come."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from scale.testing import run
from tests.components.kubernetes.cluster_building import (
    DEPLOYMENT,
    SCALED_OBJECT,
    VARIANTS,
    VPA,
    build,
    built,
    manifest,
    parsed,
)
from tests.components.kubernetes.schemas import KNOWN, VERSIONS, is_defined, objects, problems
from tests.components.kubernetes.test_platform import CLASS, POOL, managed

# The last one has every sidecar.
CASES = [*((variant, 8000) for variant in VARIANTS), ("pooled", 8001)]


def test_the_next_version_is_looked_at_too_as_far_as_there_are_schemas() -> None:
    """kubernetes-validate knows 1.37, one after the newest that EKS has here."""
    assert KNOWN[: len(VERSIONS)] == list(VERSIONS)
    assert len(KNOWN) > len(VERSIONS)
    assert KNOWN[KNOWN.index("1.35") + 1 : KNOWN.index("1.35") + 3] == ["1.36", "1.37"]


@pytest.mark.parametrize("version", KNOWN)
@pytest.mark.parametrize(("variant", "gunicorn_port"), CASES)
def test_every_object_is_valid(variant: str, gunicorn_port: int, version: str) -> None:
    found = objects(built(variant, gunicorn_port))
    assert len(found) > 10
    assert [f"{each['kind']}: {problem}" for each in found for problem in problems(each, version)] == []


def test_the_objects_of_other_kinds_are_held_to_their_own_definitions() -> None:
    found = [*built("keda").all(SCALED_OBJECT), *built("keda").all(VPA), *managed().all(POOL), *managed().all(CLASS)]
    assert {each.type.rpartition(":")[2] for each in found} == {
        "ScaledObject",
        "VerticalPodAutoscaler",
        "NodePool",
        "EC2NodeClass",
    }
    assert all(is_defined(manifest(each)) for each in found)
    assert [problem for each in found for problem in problems(manifest(each), "1.35")] == []


WRONG = [
    (DEPLOYMENT, ("spec", "template", "spec", "containers", 0, "livenessProbe", "periodSecond"), 3),
    (DEPLOYMENT, ("spec", "replicas"), "three"),
    (SCALED_OBJECT, ("spec", "minReplicas"), 3),
    (SCALED_OBJECT, ("spec", "triggers", 0, "metadata", "value"), 70),
    (VPA, ("spec", "updatePolicy", "updateMode"), "Always"),
    (VPA, ("spec", "resourcePolicy", "containerPolicies", 0, "controlled"), ["cpu"]),
]


@pytest.mark.parametrize(("kind", "path", "value"), WRONG, ids=lambda each: each if isinstance(each, str) else None)
def test_a_wrong_object_is_refused(kind: str, path: tuple[Any, ...], value: object) -> None:
    wrong = copy.deepcopy(manifest(built("keda").all(kind)[0]))
    place: Any = wrong
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert list(problems(wrong, "1.35"))


def test_a_preview_registers_what_an_update_does() -> None:
    for variant in VARIANTS:
        preview = run(build(parsed(**VARIANTS[variant])), "preview")
        assert list(preview.resources) == list(built(variant).resources)
