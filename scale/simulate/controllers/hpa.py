"""The replica count that Kubernetes' HorizontalPodAutoscaler (autoscaling/v2) asks for, from each type of metric.

Source: Kubernetes documentation, "Horizontal Pod Autoscaling", algorithm details; where it is silent, what
kube-controller-manager does (pkg/controller/podautoscaler, replica calculator), as of 1.33: tolerances by direction.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

CPU_INITIALIZATION_SECONDS = 300.0
"""--horizontal-pod-autoscaler-cpu-initialization-period's default."""

INITIAL_READINESS_SECONDS = 30.0
"""--horizontal-pod-autoscaler-initial-readiness-delay's default."""


@dataclass(frozen=True)
class Tolerance:
    """The band around a ratio of 1, edges included, in which nothing is changed."""

    up: float = 0.1
    down: float = 0.1

    def holds(self, ratio: float) -> bool:
        """Return whether the ratio of usage to target is within the band."""
        # A ratio is a quotient of floats: the band's own edge must not fall out of it by the last bit.
        return 1 - self.down - 1e-12 <= ratio <= 1 + self.up + 1e-12


@dataclass(frozen=True)
class Sample:
    """A pod's usage of a resource or its value of a metric, over the `window` seconds before `at`."""

    value: float
    at: float = math.inf
    window: float = 0.0


@dataclass(frozen=True)
class Pod:
    """A pod as the autoscaler sees it, or `count` pods alike. Times in seconds; `changed` is when its readiness did."""

    ready: bool = True
    started: float = -math.inf
    changed: float = -math.inf
    request: float = 1.0
    """Its containers' request of the resource, in the resource's unit."""
    gone: bool = False
    """Whether it failed or is being deleted."""
    pending: bool = False
    """Whether it has no node yet, or its containers have not started."""
    count: int = 1
    """How many pods are just like this one, their samples too."""


@dataclass(frozen=True)
class Metric:
    """One entry of an HPA's `metrics`. Exactly one of the three targets is set.

    A Resource metric (ContainerResource alike) takes `utilization` (percent of the request) or `average`; Pods takes
    `average`; Object and External take `value`, or `average` to be divided by the pods.
    """

    kind: Literal["Resource", "Pods", "Object", "External"]
    name: str
    utilization: int | None = None
    average: float | None = None
    value: float | None = None

    def __post_init__(self) -> None:
        """Refuse a target that the type does not have."""
        allowed = {"Resource": ("utilization", "average"), "Pods": ("average",)}.get(self.kind, ("value", "average"))
        given = [name for name in ("utilization", "average", "value") if getattr(self, name) is not None]
        if len(given) != 1 or given[0] not in allowed:
            raise ValueError(
                f"a {self.kind} metric takes one of {', '.join(allowed)}, not {', '.join(given) or 'none'}"
            )


class MetricError(ValueError):
    """A metric from which no replica count follows; the others may still scale up."""


@dataclass(frozen=True)
class Workload:
    """What is scaled: the pods of the selector and the replicas that the workload's scale says."""

    replicas: int
    pods: Sequence[Pod]

    @property
    def ready(self) -> int:
        """Pods that are ready."""
        return sum(pod.count for pod in self.pods if pod.ready and not pod.gone)


def replicas_for(
    metric: Metric,
    workload: Workload,
    *,
    now: float,
    tolerance: Tolerance,
    samples: Sequence[Sample | None] = (),
    value: float | None = None,
) -> int:
    """Return the replicas that one metric asks for.

    `samples` holds a value for each of the workload's pods, None where it is missing (Resource, Pods); `value` is the
    metric of an object or from outside. Raises MetricError where there is nothing to reckon with.
    """
    if metric.kind in ("Resource", "Pods"):
        return _from_pods(metric, workload, samples, now, tolerance)
    if value is None:
        raise MetricError(f"{metric.name} has no value")
    if metric.average is not None:
        return _from_average(metric.average, value, workload.replicas, tolerance)
    assert metric.value is not None  # noqa: S101 - Metric holds exactly one target
    ratio = value / metric.value
    if workload.replicas == 0:
        return math.ceil(ratio)
    return workload.replicas if tolerance.holds(ratio) else _ceil(ratio * workload.ready)


def _from_average(target: float, value: float, replicas: int, tolerance: Tolerance) -> int:
    if replicas > 0 and tolerance.holds(value / (target * replicas)):
        return replicas
    return _ceil(value / target)


def _ceil(count: float) -> int:
    # 10 pods at 1.1 times the target are 11, not the 12 that a float's last bit would make of them.
    return math.ceil(round(count, 9))


def _from_pods(
    metric: Metric, workload: Workload, samples: Sequence[Sample | None], now: float, tolerance: Tolerance
) -> int:
    measured: dict[int, float] = {}
    unready: list[int] = []
    missing: list[int] = []
    for place, (pod, sample) in enumerate(zip(workload.pods, samples, strict=True)):
        if pod.gone:
            continue
        if pod.pending or (
            metric.kind == "Resource"
            and metric.name == "cpu"
            and sample is not None
            and _initializing(pod, sample, now)
        ):
            unready.append(place)
        elif sample is None:
            missing.append(place)
        else:
            measured[place] = sample.value
    if not measured:
        raise MetricError(f"{metric.name}: no pod that counts has a value")
    current, ready = workload.replicas, _count(workload.pods, measured)
    ratio = _ratio(metric, workload.pods, measured)
    adding_unready = bool(unready) and ratio > 1
    if not adding_unready and not missing:
        return current if tolerance.holds(ratio) else _ceil(ratio * ready)
    if missing and ratio < 1:
        measured |= {place: _full(metric, workload.pods[place]) for place in missing}
    elif missing and ratio > 1:
        measured |= dict.fromkeys(missing, 0.0)
    if adding_unready:
        measured |= dict.fromkeys(unready, 0.0)
    again = _ratio(metric, workload.pods, measured)
    if tolerance.holds(again) or (ratio < 1 < again) or (again < 1 < ratio):
        return current
    wanted = _ceil(again * _count(workload.pods, measured))
    if (again < 1 and wanted > current) or (again > 1 and wanted < current):
        return current
    return wanted


def _initializing(pod: Pod, sample: Sample, now: float) -> bool:
    """Return whether a pod's CPU says nothing yet: it starts, or the value is from before it was ready."""
    if now < pod.started + CPU_INITIALIZATION_SECONDS:
        return not pod.ready or sample.at < pod.changed + sample.window
    return not pod.ready and pod.changed < pod.started + INITIAL_READINESS_SECONDS


def _count(pods: Sequence[Pod], places: Iterable[int]) -> int:
    return sum(pods[place].count for place in places)


def _ratio(metric: Metric, pods: Sequence[Pod], measured: Mapping[int, float]) -> float:
    total = sum(value * pods[place].count for place, value in measured.items())
    if metric.utilization is not None:
        requested = sum(pods[place].request * pods[place].count for place in measured)
        if requested <= 0:
            raise MetricError(f"{metric.name}: the pods request none of it")
        return 100 * total / requested / metric.utilization
    assert metric.average is not None  # noqa: S101 - Metric holds exactly one target
    return total / _count(pods, measured) / metric.average


def _full(metric: Metric, pod: Pod) -> float:
    """Return what a pod without a value is taken to use when the others ask for fewer."""
    if metric.utilization is not None:
        return pod.request * max(100, metric.utilization) / 100
    assert metric.average is not None  # noqa: S101 - Metric holds exactly one target
    return metric.average
