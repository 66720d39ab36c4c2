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

    `period_seconds` is the width of one value; `threshold` has the metric's own unit. `area` tells alarms apart whose
    roles are alike: it begins the name of the page that says what to do.
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
    area: str = ""
    dimensions: dict[str, str] = field(default_factory=lambda: dict[str, str]())

    @property
    def page(self) -> str:
        """The runbook's name, the file `docs/runbooks/<page>.md`."""
        return f"{self.area}-{self.role}" if self.area else self.role


RUNBOOKS = "docs/runbooks"
"""Where the pages are, in the program's own repository."""


def described(text: str, page: str, runbooks: str = RUNBOOKS) -> str:
    """Return an alarm's description: what it says, and the page that says what to do. CloudWatch takes 1,024
    characters."""
    return f"{text}. What to do: {runbooks}/{page}.md"
