"""Scaling policies: their targets and steps, and none besides them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scale.operate.verify.difference import UNDO, Danger, Difference, write
from scale.operate.verify.look import Field, Look, compare, entries, missing, named, shown
from scale.plan.recording import Resource

POLICY = "aws:autoscaling/policy:Policy"
_TRACKING = "targetTrackingConfiguration", "TargetTrackingConfiguration"
_METRIC = "predefinedMetricSpecification", "PredefinedMetricSpecification"

_FIELDS = (
    Field("policyType", "PolicyType", "kind of policy", Danger.SCALING),
    Field(
        f"{_TRACKING[0]}.targetValue", f"{_TRACKING[1]}.TargetValue", "target value", Danger.SCALING, write("scaling")
    ),
    Field(f"{_TRACKING[0]}.disableScaleIn", f"{_TRACKING[1]}.DisableScaleIn", "scale-in switched off", Danger.SCALING),
    Field(
        f"{_TRACKING[0]}.{_METRIC[0]}.predefinedMetricType",
        f"{_TRACKING[1]}.{_METRIC[1]}.PredefinedMetricType",
        "metric",
        Danger.SCALING,
    ),
    Field(
        f"{_TRACKING[0]}.{_METRIC[0]}.resourceLabel",
        f"{_TRACKING[1]}.{_METRIC[1]}.ResourceLabel",
        "load balancer that is measured",
        Danger.SCALING,
    ),
    Field("adjustmentType", "AdjustmentType", "kind of step", Danger.SCALING),
    Field("minAdjustmentMagnitude", "MinAdjustmentMagnitude", "smallest step", Danger.SCALING),
    Field("predictiveScalingConfiguration.mode", "PredictiveScalingConfiguration.Mode", "mode", Danger.SCALING),
)


def differences(look: Look) -> Iterator[Difference]:
    """Yield what differs on the policies."""
    if look.group is None:
        return  # A group that is gone takes its policies with it, and is told by itself.
    found = look.policies
    known: set[str] = set()
    for resource in look.plan.all(POLICY):
        described = named(resource, found, "PolicyName")
        if described is None:
            yield missing(resource, Danger.SCALING, "scaling policy")
            continue
        known.add(described["PolicyName"])
        yield from compare(look, resource, described, _FIELDS)
        yield from _steps(look, resource, described)
        if described.get("Enabled") is False:
            yield Difference(Danger.SCALING, resource.name, "policy", "enabled", "disabled", "enable it in the console")
    for name in sorted({each["PolicyName"] for each in found} - known):
        yield Difference(Danger.SCALING, look.finder.group or "", f"scaling policy {name}", "none", "there", UNDO)


def _steps(look: Look, resource: Resource, described: dict[str, Any]) -> Iterator[Difference]:
    ours = [_step(each, "metricInterval", "scaling") for each in entries(look.wanted(resource).get("stepAdjustments"))]
    theirs = [_step(each, "MetricInterval", "Scaling") for each in described.get("StepAdjustments", [])]
    key = "adjustmentType"
    if sorted(ours, key=str) != sorted(theirs, key=str):
        unit = "%" if look.wanted(resource).get(key) == "PercentChangeInCapacity" else ""
        told = [_told(each, unit) for each in (ours, theirs)]
        yield Difference(Danger.SCALING, resource.name, "steps", *told, mend=write("scaling"))


Step = tuple[float | None, float | None, float]
"""Lower and upper bound above the alarm's threshold, and the change."""


def _step(step: Mapping[str, Any], bound: str, change: str) -> Step:
    low, high = (step.get(f"{bound}{side}Bound") for side in ("Lower", "Upper"))
    return (_number(low), _number(high), float(step[f"{change}Adjustment"]))


def _told(steps: list[Step], unit: str) -> str:
    """Return steps in words: `from 0 to 20: +10%, from 20: +30%`, bounds above the alarm's threshold."""
    parts = [
        f"{f'from {shown(low)}' if low is not None else 'below'}{f' to {shown(high)}' if high is not None else ''}: "
        f"{change:+g}{unit}"
        for low, high, change in steps
    ]
    return ", ".join(parts) or "none"


def _number(bound: Any) -> float | None:
    return None if bound is None else float(bound)
