"""Budgets of disruption: what must be able to go, so that a cluster can be updated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from policies import tokens as t
from policies.rule import Rule
from policies.view import Resource, Stack


def _blocking_budget(budget: Resource, stack: Stack) -> Iterator[str]:
    # A number of pods, or a share of them as text: the engine hands numbers over as fractions.
    if budget.number("spec.maxUnavailable") == 0 or budget.text("spec.maxUnavailable") == "0%":
        yield "lets no pod go: maxUnavailable is 0"
    if budget.text("spec.minAvailable") == "100%":
        yield "lets no pod go: minAvailable is 100%"
    least = budget.number("spec.minAvailable")
    if least is not None:
        for workload in _selected(budget, stack):
            fewest = _fewest(workload, stack)
            if fewest <= least:
                yield f"lets no pod of {workload.name} go while it has its fewest, {fewest}: minAvailable is {least:g}"


def _selected(budget: Resource, stack: Stack) -> Iterator[Resource]:
    """Yield the workloads whose pods the budget is for."""
    wanted = _labels(budget, "spec.selector.matchLabels").items()
    for workload in stack.of(t.DEPLOYMENT, t.STATEFUL_SET):
        same = workload.text("metadata.namespace") == budget.text("metadata.namespace")
        if same and wanted <= _labels(workload, "spec.template.metadata.labels").items():
            yield workload


def _labels(resource: Resource, path: str) -> dict[str, str]:
    found = resource.value(path)
    if not isinstance(found, Mapping):
        return {}
    return {key: str(value) for key, value in cast("Mapping[str, object]", found).items()}


def _fewest(workload: Resource, stack: Stack) -> int:
    """Return how many pods a workload has at the fewest: its scaler's bound, else its own replicas, else one."""
    name, namespace = workload.text("metadata.name"), workload.text("metadata.namespace")
    for kind, key in ((t.HPA, "spec.minReplicas"), (t.SCALED_OBJECT, "spec.minReplicaCount")):
        for scaler in stack.of(kind):
            same = scaler.text("metadata.namespace") == namespace
            if same and scaler.text("spec.scaleTargetRef.name") == name:
                bound = scaler.number(key)
                # Left out, an HPA's is 1 and a ScaledObject's 0.
                return int(bound) if bound is not None else int(kind == t.HPA)
    replicas = workload.number("spec.replicas")
    return 1 if replicas is None else int(replicas)


RULES = (
    Rule(
        "blocking-budget",
        "A budget that lets no pod go keeps every node for ever, and with it every update of the cluster.",
        "maxUnavailable above 0; minAvailable below the fewest pods.",
        (t.BUDGET,),
        _blocking_budget,
        across=True,
    ),
)
