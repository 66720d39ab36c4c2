"""When to scale: conditions as data, and the reason with each decision."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

_COMPARE: Mapping[str, Callable[[float, float], bool]] = {">": operator.gt, "<": operator.lt}


@dataclass(frozen=True)
class Condition:
    """A metric of metrics.names, compared with a threshold in the metric's unit."""

    metric: str
    comparison: Literal[">", "<"]
    threshold: float

    def __str__(self) -> str:
        """As one reads it."""
        return f"{self.metric} {self.comparison} {self.threshold:g}"

    def holds(self, values: Mapping[str, float]) -> bool | None:
        """Whether it holds; None when the metric is absent."""
        value = values.get(self.metric)
        return None if value is None else _COMPARE[self.comparison](value, self.threshold)


@dataclass(frozen=True)
class Thresholds:
    """Up when `up_at_least` of `up` hold, down when all of `down` do."""

    up: tuple[Condition, ...]
    up_at_least: int
    down: tuple[Condition, ...]


# The chapter's numbers. Its request rates are a minute, these a second; its error rates are fractions, these percent.
CHAPTER = Thresholds(
    up=(
        Condition("CPUUtilization", ">", 80),
        Condition("MemoryUtilization", ">", 85),
        Condition("ResponseTime", ">", 2.0),
        Condition("ErrorRate", ">", 5),
        Condition("RequestRate", ">", 1000 / 60),
        Condition("DatabaseConnections", ">", 80),
    ),
    up_at_least=2,
    down=(
        Condition("CPUUtilization", "<", 30),
        Condition("MemoryUtilization", "<", 40),
        Condition("ResponseTime", "<", 0.5),
        Condition("ErrorRate", "<", 1),
        Condition("RequestRate", "<", 100 / 60),
    ),
)


@dataclass(frozen=True)
class Decision:
    """True or false, with the conditions that made it so, their values, and the metrics that were absent."""

    scale: bool
    reasons: tuple[str, ...]
    absent: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """`scale`."""
        return self.scale


def _reason(condition: Condition, values: Mapping[str, float]) -> str:
    return f"{condition} ({values[condition.metric]:.4g})"


def scale_up(values: Mapping[str, float], thresholds: Thresholds = CHAPTER) -> Decision:
    """Up when enough conditions hold. An absent metric is no reason to scale."""
    met = [condition for condition in thresholds.up if condition.holds(values)]
    absent = tuple(condition.metric for condition in thresholds.up if condition.metric not in values)
    return Decision(len(met) >= thresholds.up_at_least, tuple(_reason(c, values) for c in met), absent)


# No request in the last minute: these have no value, and nothing to say against scaling down.
_NEED_TRAFFIC = frozenset({"ResponseTime", "ErrorRate"})


def scale_down(values: Mapping[str, float], thresholds: Thresholds = CHAPTER) -> Decision:
    """Down when all conditions hold. A metric that could not be read forbids it: an outage looks like idleness."""
    idle = values.get("RequestRate") == 0
    against: list[str] = []
    met: list[str] = []
    absent: list[str] = []
    for condition in thresholds.down:
        holds = condition.holds(values)
        if holds is None and idle and condition.metric in _NEED_TRAFFIC:
            met.append(f"{condition} (no requests)")
        elif holds is None:
            absent.append(condition.metric)
        elif holds:
            met.append(_reason(condition, values))
        else:
            against.append(f"not {_reason(condition, values)}")
    if against or absent:
        return Decision(False, tuple(against), tuple(absent))
    return Decision(True, tuple(met))
