"""CloudWatch alarms as data: what components deploy and what a simulation evaluates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Comparison = Literal[
    "GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"
]
MissingData = Literal["missing", "notBreaching", "breaching", "ignore"]

APPLICATION_NAMESPACE = "Django/Application"
"""The namespace in which django-scale-runtime publishes."""


@dataclass(frozen=True)
class Alarm:
    """A metric alarm: in ALARM when `datapoints` of the last `periods` values breach the threshold.

    `period_seconds` is the width of one value; `threshold` has the metric's own unit.
    """

    role: str
    description: str
    namespace: str
    metric: str
    threshold: float
    comparison: Comparison = "GreaterThanThreshold"
    statistic: str = "Average"
    period_seconds: int = 60
    periods: int = 3
    datapoints: int = 3
    missing_data: MissingData = "missing"
    unit: str | None = None
    dimensions: dict[str, str] = field(default_factory=lambda: dict[str, str]())
