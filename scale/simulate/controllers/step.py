"""Step and simple scaling policies of an Auto Scaling group.

Source: Amazon EC2 Auto Scaling user guide, "Step and simple scaling policies": step adjustments, adjustment types
with their rounding, warm-up of step policies, cool-down of simple ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from model.scaling import Interval

AdjustmentType = Literal["ChangeInCapacity", "ExactCapacity", "PercentChangeInCapacity"]


def rounded(change: float) -> int:
    """Return a percentage's change of capacity in whole servers.

    Beyond one server it is cut towards zero (12.7 is 12, -6.67 is -6); between it is one whole server (.67 is 1,
    -.58 is -1).
    """
    if change == 0:
        return 0
    if abs(change) < 1:
        return 1 if change > 0 else -1
    return math.trunc(round(change, 9))


def adjusted(capacity: int, change: int, kind: AdjustmentType, minimum_magnitude: int = 0) -> int:
    """Return the capacity after an adjustment, before the group's bounds.

    `minimum_magnitude` is MinAdjustmentMagnitude: the least change of a percentage, in servers.
    """
    if kind == "ExactCapacity":
        return change
    if kind == "ChangeInCapacity":
        return capacity + change
    by = rounded(capacity * change / 100)
    if change and abs(by) < minimum_magnitude:
        by = minimum_magnitude if change > 0 else -minimum_magnitude
    return capacity + by


@dataclass(frozen=True)
class StepInterval:
    """A step's range relative to the threshold, None for infinity, and its change of capacity."""

    lower: float | None
    upper: float | None
    change: int


def step_for(steps: Sequence[StepInterval], beyond: float) -> StepInterval | None:
    """Return the step for a value `beyond` the threshold; None where no step covers it.

    At or above the threshold the lower bound belongs to a step and the upper does not; below it the reverse.
    """
    for step in steps:
        low = -math.inf if step.lower is None else step.lower
        high = math.inf if step.upper is None else step.upper
        if low <= beyond < high if beyond >= 0 and high > 0 else low < beyond <= high:
            return step
    return None


@dataclass(frozen=True)
class StepScaling:
    """A step scaling policy. It may act on each alarm, even while servers are starting."""

    steps: tuple[StepInterval, ...]
    threshold: float
    kind: AdjustmentType = "PercentChangeInCapacity"
    minimum_magnitude: int = 0

    @classmethod
    def adding(cls, intervals: Sequence[Interval], threshold: float) -> StepScaling:
        """Return the policy that a ScalingPolicy's intervals stand for: percentages of the fleet, added."""
        return cls(tuple(StepInterval(each.lower, each.upper, each.change) for each in intervals), threshold)

    def desired(self, value: float, *, capacity: int, desired: int, terminating: int = 0) -> int:
        """Return the desired capacity after an alarm with the metric at `value`.

        `capacity` are the servers that have warmed up. A scale-out counts from these and never goes below what was
        already asked for, so that repeated alarms in one step add once; a scale-in counts those still terminating.
        """
        step = step_for(self.steps, value - self.threshold)
        if step is None:
            return desired
        out = adjusted(capacity, step.change, self.kind, self.minimum_magnitude)
        if out > capacity:
            return max(desired, out)
        return min(desired, adjusted(capacity + terminating, step.change, self.kind, self.minimum_magnitude))


class SimpleScaling:
    """A simple scaling policy: one adjustment, then a wait for the activity and the cool-down to end."""

    def __init__(
        self, change: int, kind: AdjustmentType, *, cooldown_seconds: float = 300.0, minimum_magnitude: int = 0
    ) -> None:
        """Hold the adjustment; 300 s is the group's default cool-down."""
        self._change = change
        self._kind: AdjustmentType = kind
        self._cooldown = cooldown_seconds
        self._magnitude = minimum_magnitude
        self._busy_until = -math.inf

    def desired(self, now: float, *, desired: int, activity_in_progress: bool) -> int:
        """Return the desired capacity after an alarm at `now` seconds; unchanged while it waits."""
        if activity_in_progress:
            self._busy_until = now + self._cooldown
            return desired
        if now < self._busy_until:
            return desired
        self._busy_until = now + self._cooldown
        return adjusted(desired, self._change, self._kind, self._magnitude)
