"""CloudWatch metric alarms: M of N values against a threshold, with the four treatments of missing data.

Source: CloudWatch user guide, "Alarm evaluation" and "Configuring how CloudWatch alarms treat missing data" with its
two tables of examples. How far beyond N the evaluation range reaches is not published; the tables show two more.
"""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal

from model.metrics import Alarm, Comparison, MissingData

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]

RANGE_BEYOND = 2
"""Values looked at beyond N when some are missing: the tables' range of 5 for N = 3."""

_DAY = 86400

_COMPARE: dict[Comparison, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


def evaluate(
    points: Sequence[bool | None], *, datapoints: int, periods: int, missing: MissingData, current: State
) -> State:
    """Return the state of an alarm after the evaluation range `points`, oldest first.

    A point is True where the value breaches, None where it is missing. `datapoints` is M, `periods` is N.
    """
    present = [point for point in points if point is not None]
    if len(present) >= periods:
        return "ALARM" if sum(present[-periods:]) >= datapoints else "OK"
    breaching = sum(present)
    to_fill = periods - len(present)
    if missing == "breaching":
        return "ALARM" if breaching + to_fill >= datapoints else "OK"
    if missing == "notBreaching":
        return "ALARM" if breaching >= datapoints else "OK"
    if not present:
        return current if missing == "ignore" else "INSUFFICIENT_DATA"
    if breaching >= datapoints:
        return "ALARM"
    if breaching < len(present):
        return "OK"
    return _only_breaching(points, datapoints, missing, current)


def _only_breaching(points: Sequence[bool | None], datapoints: int, missing: MissingData, current: State) -> State:
    """Decide where too few values breach and no value is within the threshold.

    "Avoiding premature transitions to alarm state": the alarm goes off when the oldest breaching value is at least M
    periods old. A newer one says too little, and the alarm stays as it is.
    """
    oldest_age = len(points) - next(index for index, point in enumerate(points) if point)
    if missing == "missing" and oldest_age >= datapoints:
        return "ALARM"
    return current


class MetricAlarm:
    """The state of one alarm. Give it each period's value by `observe`, None where it is missing."""

    def __init__(self, alarm: Alarm, *, range_beyond: int = RANGE_BEYOND) -> None:
        """Start in INSUFFICIENT_DATA, as CloudWatch does."""
        self.alarm = alarm
        self.state: State = "INSUFFICIENT_DATA"
        self.value: float | None = None
        self._breaches = _COMPARE[alarm.comparison]
        self._length = alarm.periods + range_beyond
        self._window = (1 << alarm.periods) - 1
        self._keep = (1 << self._length) - 1
        self._breaching = 0
        self._present = 0

    def observe(self, value: float | None) -> State:
        """Take the newest period's value and return the state after it.

        The last values are held as bits, the newest lowest, so that the common case is a count of bits.
        """
        self._breaching = (self._breaching << 1) & self._keep
        self._present = (self._present << 1) & self._keep
        if value is not None:
            self.value = value
            self._present |= 1
            if self._breaches(value, self.alarm.threshold):
                self._breaching |= 1
        if self._present & self._window == self._window:
            count = (self._breaching & self._window).bit_count()
            self.state = "ALARM" if count >= self.alarm.datapoints else "OK"
        else:
            self.state = evaluate(
                self._points(),
                datapoints=self.alarm.datapoints,
                periods=self.alarm.periods,
                missing=self.alarm.missing_data,
                current=self.state,
            )
        return self.state

    def _points(self) -> list[bool | None]:
        return [
            bool(self._breaching >> age & 1) if self._present >> age & 1 else None
            for age in range(self._length - 1, -1, -1)
        ]


class PeriodAlarm:
    """An alarm fed each minute, whose period may be several minutes: values are joined by the alarm's statistic.

    CloudWatch evaluates each minute whatever the period: of 5 minutes, at the end of minute 5 on minutes 1 to 5, at the
    end of minute 6 on minutes 2 to 6; an alarm over more than a day each hour (CloudWatch guide, "Alarm evaluation").
    One that stays in ALARM invokes its Auto Scaling action again each minute ("Alarm actions").
    """

    def __init__(self, alarm: Alarm, *, sample_seconds: int = 60) -> None:
        """Take values of `sample_seconds` each; the alarm's period must be a multiple of it or below it.

        Raises ValueError for a period that values of this length do not fill.
        """
        if alarm.period_seconds > sample_seconds and alarm.period_seconds % sample_seconds:
            raise ValueError(f"a period of {alarm.period_seconds} s is not made of values of {sample_seconds} s")
        self.state: State = "INSUFFICIENT_DATA"
        self.value: float | None = None
        """The newest period's value; None where it is missing."""
        self._each = max(1, alarm.period_seconds // sample_seconds)
        # The windows that end a whole number of periods before one another are one alarm's values: one for each phase.
        self._phases = [MetricAlarm(alarm) for _ in range(self._each)]
        self._samples: deque[float | None] = deque(maxlen=self._each)
        self._every = 3600 // sample_seconds if alarm.periods * alarm.period_seconds > _DAY else 1
        self._count = 0

    def observe(self, value: float | None) -> State:
        """Take one sample's value and return the state after it; it is the first one's until a period has passed."""
        self._samples.append(value)
        self._count += 1
        if self._count < self._each or self._count % self._every:
            return self.state
        phase = self._phases[self._count % self._each]
        self.value = value
        if self._each > 1:
            self.value = _join([each for each in self._samples if each is not None], phase.alarm.statistic)
        phase.state = self.state
        self.state = phase.observe(self.value)
        return self.state


def _join(values: list[float], statistic: str) -> float | None:
    if not values:
        return None
    joined = {"Average": sum(values) / len(values), "Sum": sum(values), "Maximum": max(values), "Minimum": min(values)}
    if statistic not in joined:
        raise ValueError(f"the statistic {statistic} cannot be made of a minute's values")
    return joined[statistic]
