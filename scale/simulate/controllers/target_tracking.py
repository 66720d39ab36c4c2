"""Target tracking on an Auto Scaling group.

Source: Amazon EC2 Auto Scaling user guide, "Target tracking scaling policies". AWS makes the two alarms itself and does
not publish their settings nor the size of a step: the numbers here are parameters, set to what users report from
DescribeAlarms (3 of 3 minutes above the target; 15 of 15 below a share of it), and the step is the proportional one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from model.metrics import Alarm
from scale.simulate.controllers.alarm import MetricAlarm

CPU_LOW_SHARE = 0.7
"""Where the low alarm of CPU on a group stands, as users read it off: 70 -> 49, 60 -> 42, 50 -> 35, 40 -> 28."""

OTHER_LOW_SHARE = 0.9
"""The share reported for ECS, taken for ALBRequestCountPerTarget on a group too, where nobody has reported it."""


@dataclass(frozen=True)
class TargetTracking:
    """A target tracking policy. `target` has the metric's unit; a value of the metric is one minute."""

    name: str
    metric: str
    target: float
    low_share: float = OTHER_LOW_SHARE
    high_minutes: int = 3
    low_minutes: int = 15
    scale_in: bool = True


class TargetTracker:
    """The two alarms of one policy, and what it would set the group to."""

    def __init__(self, policy: TargetTracking) -> None:
        """Start without data."""
        self.policy = policy
        self.high = MetricAlarm(self._alarm("high", policy.target, policy.high_minutes))
        self.low = MetricAlarm(self._alarm("low", policy.target * policy.low_share, policy.low_minutes))
        self.value: float | None = None

    def _alarm(self, role: str, threshold: float, minutes: int) -> Alarm:
        return Alarm(
            role=f"{self.policy.name}-{role}",
            description=f"{self.policy.metric} against its target",
            namespace="",
            metric=self.policy.metric,
            threshold=threshold,
            comparison="GreaterThanThreshold" if role == "high" else "LessThanThreshold",
            periods=minutes,
            datapoints=minutes,
        )

    def observe(self, value: float | None) -> None:
        """Take the newest minute's value; without one neither alarm can ask for anything new."""
        self.value = value
        self.high.observe(value)
        if self.policy.scale_in:
            self.low.observe(value)

    def out(self, capacity: int) -> int | None:
        """Return the capacity that it asks for; None when it asks for no more.

        `capacity` are the servers that the metric was measured on. Adding 1.5 adds 2: the result is rounded up.
        """
        if self.value is None or self.high.state != "ALARM" or self.value <= self.policy.target:
            return None
        return self._proportional(capacity, self.value)

    def down(self, capacity: int) -> int | None:
        """Return the capacity that it would go down to; None when it is not ready to scale in.

        Removing 1.5 removes 1: the result is rounded up here too.
        """
        if not self.policy.scale_in or self.value is None or self.low.state != "ALARM":
            return None
        return self._proportional(capacity, self.value)

    def _proportional(self, capacity: int, value: float) -> int:
        # The ninth digit keeps 10 servers at 7 x 1000/700 of their target from becoming 11 by a float's last bit.
        return math.ceil(round(capacity * value / self.policy.target, 9))
