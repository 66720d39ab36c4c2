"""How fast an HPA may go: bounds, stabilization windows, rate policies; and the autoscaler that puts them together.

Source: Kubernetes documentation, "Horizontal Pod Autoscaling", configurable scaling behavior; its order of work is
kube-controller-manager's.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from scale.simulate.controllers.hpa import Metric, MetricError, Sample, Tolerance, Workload, replicas_for

SYNC_SECONDS = 15.0
"""--horizontal-pod-autoscaler-sync-period's default."""


@dataclass(frozen=True)
class Rate:
    """A policy: at most so many pods, or percent of the pods, within a period."""

    kind: Literal["Pods", "Percent"]
    value: int
    period_seconds: int


@dataclass(frozen=True)
class Rules:
    """One direction's behaviour."""

    stabilization_seconds: int
    rates: tuple[Rate, ...]
    select: Literal["Max", "Min", "Disabled"] = "Max"
    tolerance: float = 0.1


DEFAULT_UP = Rules(0, (Rate("Percent", 100, 15), Rate("Pods", 4, 15)))
DEFAULT_DOWN = Rules(300, (Rate("Percent", 100, 15),))


@dataclass(frozen=True)
class HpaSpec:
    """A HorizontalPodAutoscaler."""

    minimum: int
    maximum: int
    metrics: tuple[Metric, ...]
    up: Rules = DEFAULT_UP
    down: Rules = DEFAULT_DOWN


@dataclass(frozen=True)
class Reading:
    """What the metrics API answers for one metric: a sample for each pod, or one value."""

    samples: Sequence[Sample | None] = ()
    value: float | None = None


class _Lowest:
    """The lowest recommendation of a window that moves with time: what a later and lower one hides is forgotten."""

    def __init__(self) -> None:
        self._kept: deque[tuple[float, int]] = deque()

    def add(self, now: float, count: int) -> None:
        while self._kept and self._kept[-1][1] >= count:
            self._kept.pop()
        self._kept.append((now, count))

    def with_new(self, now: float, count: int, window_seconds: float) -> int:
        """Return the lowest of the window and of `count`, and remember it."""
        while self._kept and self._kept[0][0] <= now - window_seconds:
            self._kept.popleft()
        lowest = min(count, self._kept[0][1]) if self._kept else count
        self.add(now, count)
        return lowest


class Hpa:
    """An autoscaler with its memory: past recommendations, and the changes it made."""

    def __init__(self, spec: HpaSpec) -> None:
        """Start without a memory."""
        self.spec = spec
        self.reason = ""
        self._begun = False
        self._lowest, self._highest = _Lowest(), _Lowest()
        self._changes: deque[tuple[float, int]] = deque()
        self._longest = max((rate.period_seconds for rate in (*spec.up.rates, *spec.down.rates)), default=0)

    def decide(self, now: float, workload: Workload, readings: Mapping[str, Reading]) -> int:
        """Return the replicas to set at `now` seconds, given a reading by each metric's name."""
        spec, current = self.spec, workload.replicas
        if not self._begun:
            # What runs when the autoscaler begins is its first recommendation: it does not scale down at once.
            self._begun = True
            self._lowest.add(now, current)
            self._highest.add(now, -current)
        if current == 0 and spec.minimum > 0:
            self.reason = "scaled to zero by hand: inactive"
            return 0
        if not spec.minimum <= current <= spec.maximum:
            self.reason = "outside the bounds"
            desired = max(spec.minimum, min(spec.maximum, current))
        else:
            wanted = self._wanted(now, workload, readings)
            if wanted is None:
                return current
            desired = self.limited(now, current, self.stabilized(now, current, wanted))
        if desired != current:
            self._changes.append((now, desired - current))
        return desired

    def _wanted(self, now: float, workload: Workload, readings: Mapping[str, Reading]) -> int | None:
        """Return the largest replica count of all metrics; None where a failed one forbids to say."""
        tolerance = Tolerance(self.spec.up.tolerance, self.spec.down.tolerance)
        best: int | None = None
        failed = ""
        for metric in self.spec.metrics:
            reading = readings.get(metric.name, Reading())
            samples = reading.samples or [None] * len(workload.pods)
            try:
                count = replicas_for(
                    metric, workload, now=now, tolerance=tolerance, samples=samples, value=reading.value
                )
            except MetricError as error:
                failed = str(error)
                continue
            if best is None or count > best:
                best, self.reason = count, metric.name
        if best is None or (failed and best < workload.replicas):
            self.reason = failed
            return None
        return best

    def stabilized(self, now: float, current: int, wanted: int) -> int:
        """Return the count nearest the current one that both windows' recommendations agree to, and remember."""
        up = self._lowest.with_new(now, wanted, self.spec.up.stabilization_seconds)
        down = -self._highest.with_new(now, -wanted, self.spec.down.stabilization_seconds)
        return min(max(current, up), down)

    def limited(self, now: float, current: int, desired: int) -> int:
        """Return the count after the rate policies and the bounds."""
        spec = self.spec
        while self._changes and self._changes[0][0] <= now - self._longest:
            self._changes.popleft()
        if desired > current:
            limit = max(current, self._limit(now, current, spec.up, up=True))
            return min(desired, spec.maximum, limit)
        if desired < current:
            limit = min(current, self._limit(now, current, spec.down, up=False))
            return max(desired, spec.minimum, limit)
        return desired

    def _limit(self, now: float, current: int, rules: Rules, *, up: bool) -> int:
        if rules.select == "Disabled" or not rules.rates:
            return current
        limits = [_reach(rate, current - self._changed(now, rate.period_seconds), up=up) for rate in rules.rates]
        furthest = (rules.select == "Max") == up
        return max(limits) if furthest else min(limits)

    def _changed(self, now: float, seconds: float) -> int:
        """Return by how many replicas the count has changed in the last `seconds`."""
        return sum(change for at, change in self._changes if at > now - seconds)


def _reach(rate: Rate, start: int, *, up: bool) -> int:
    """Return how far a policy lets the count go from `start`: a percentage rounds away from it."""
    if rate.kind == "Pods":
        return start + rate.value if up else start - rate.value
    if up:
        return math.ceil(round(start * (1 + rate.value / 100), 9))
    return math.floor(round(start * (1 - rate.value / 100), 9))
