"""What the API server would say of an object: Kubernetes' own schemas, and those of the definitions beside it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast, get_args

import kubernetes_validate  # pyright: ignore[reportMissingTypeStubs]
import yaml
from jsonschema import Draft202012Validator

from model.eks import Version
from scale.testing import Recording
from tests.components.kubernetes.cluster_building import RELEASE, manifest
from tests.components.kubernetes.definitions import SPECIFICATIONS, definition

_FOLDER = Path(__file__).parents[2] / "data" / "crds"

VERSIONS: tuple[str, ...] = get_args(Version)
"""Every version that a stack may have."""

NEXT = [f"1.{int(VERSIONS[-1].partition('.')[2]) + step}" for step in (1, 2)]
"""The two after the newest of them."""

KNOWN = [version for version in (*VERSIONS, *NEXT) if f"{version}.0" <= kubernetes_validate.latest_version()]
"""Those that have schemas here."""


@cache
def _definitions() -> dict[tuple[str, str], Draft202012Validator]:
    """Return a validator by group and version, and kind."""
    found = {kind: Draft202012Validator(definition(spec)) for kind, spec in SPECIFICATIONS.items()}
    for path in sorted(_FOLDER.glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            spec = document["spec"]
            for version in spec["versions"]:
                schema = _closed(version["schema"]["openAPIV3Schema"])
                found[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = Draft202012Validator(schema)
    return found


def _closed(schema: Any, *, top: bool = True) -> Any:
    """Return a schema that refuses what the API server would prune: properties that it does not name."""
    if isinstance(schema, list):
        return [_closed(each, top=False) for each in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    given = cast("dict[str, Any]", schema)
    if given.get("x-kubernetes-int-or-string"):
        # OpenAPI has this instead of a type, and patterns hold for the text alone.
        return {"type": ["integer", "string"]}
    closed = {key: _closed(value, top=False) if key != "enum" else value for key, value in given.items()}
    open_ended = given.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in given
    if isinstance(closed.get("properties"), dict) and given.get("type") == "object" and not open_ended:
        closed["additionalProperties"] = False
    if top:
        # Not in a definition's schema, and in every object.
        closed["properties"]["metadata"] = {"type": "object"}
    return closed


def objects(plan: Recording) -> list[dict[str, Any]]:
    """Return the objects that the API server gets, secrets revealed: a Helm release is the provider's own."""
    found = [each for each in plan.all() if each.custom and each.type.startswith("kubernetes:")]
    return [manifest(each) for each in found if each.type != RELEASE]


def is_defined(manifest: dict[str, Any]) -> bool:
    """Return whether the object's kind has a definition here."""
    return (manifest["apiVersion"], manifest["kind"]) in _definitions()


def problems(manifest: dict[str, Any], version: str) -> Iterator[str]:
    """Yield what is wrong with an object in a cluster of `version` (`1.35`)."""
    validator = _definitions().get((manifest["apiVersion"], manifest["kind"]))
    if validator is not None:
        found: Any = validator
        yield from (f"{error.json_path}: {error.message}" for error in found.iter_errors(manifest))
        return
    try:
        kubernetes_validate.validate(manifest, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        yield f"{error.json_path}: {error.message}"
