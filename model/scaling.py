"""How the fleet follows its load. The same policy is deployed, drawn and simulated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field

from model.fields import (
    Count,
    FractionalSeconds,
    MetricValue,
    Name,
    Percent,
    PerMinuteAndServer,
    Problem,
    Seconds,
    Section,
    form,
    rule,
)
from model.metrics import APPLICATION_NAMESPACE, Alarm

_HOUR = 3600


@dataclass(frozen=True)
class Interval:
    """A step's range, relative to the alarm's threshold, and the change of capacity in it.

    Above a threshold the lower bound belongs to the interval and the upper does not (Auto Scaling guide, "Step
    adjustments"); None is infinity.
    """

    lower: float
    upper: float | None
    change: int


class Step(Section):
    """From `beyond` above the threshold on, add `add_percent` of the fleet."""

    beyond: MetricValue = Field(default=0.0, ge=0, le=1_000_000)
    """How far above the threshold the step begins, in the metric's unit."""

    add_percent: Percent = Field(ge=1, le=1000)
    """The share of the fleet that is added, at least one server."""


class StepPolicy(Section):
    """Step scaling on an alarm of its own."""

    periods: Count = Field(default=3, ge=1, le=60)
    """Values of the metric that are looked at."""

    datapoints: Count = Field(default=3, ge=1, le=60)
    """How many of them must be above the threshold."""

    period_seconds: Seconds = Field(default=60, ge=60, le=3600, multiple_of=60)
    """The width of one value. `periods` of them may cover a day at most, of an hour each a week."""

    steps: tuple[Step, ...] = Field(default=(Step(add_percent=10),), min_length=1, max_length=20)
    """What is added, by how far the metric is above the threshold."""

    def problems(self) -> Iterator[Problem]:
        """Yield what PutScalingPolicy and PutMetricAlarm would refuse."""
        if self.datapoints > self.periods:
            yield Problem("datapoints", f"must be at most periods ({self.periods}), is {self.datapoints}")
        # PutMetricAlarm, Period; with values of an hour the limit is a week, which 60 of them do not reach.
        if self.period_seconds < _HOUR and self.periods * self.period_seconds > 24 * _HOUR:
            yield Problem("periods", f"must cover at most a day, is {self.periods} of {self.period_seconds} seconds")
        begins = [step.beyond for step in self.steps]
        if begins[0] != 0:
            yield Problem("steps[0].beyond", f"must be 0, where the alarm begins, is {begins[0]:g}")
        for index, (before, after) in enumerate(pairwise(begins), start=1):
            if after <= before:
                yield Problem(f"steps[{index}].beyond", f"must be above the step before ({before:g}), is {after:g}")

    def intervals(self) -> tuple[Interval, ...]:
        """Return the steps as intervals that touch and leave no gap."""
        uppers = [step.beyond for step in self.steps[1:]] + [None]
        return tuple(
            Interval(step.beyond, upper, step.add_percent) for step, upper in zip(self.steps, uppers, strict=True)
        )


class DatabaseConnections(StepPolicy):
    """Adds servers when the application reports many database connections."""

    above: Count = Field(default=80, ge=1, le=100_000)
    """Connections of all servers to the primary, as the application counts them (`Django/Application`,
    `DatabaseConnections`). Keep it above what the fleet holds at its largest, or the fleet feeds its own alarm."""

    steps: tuple[Step, ...] = Field(
        default=(Step(add_percent=10), Step(beyond=20, add_percent=30)), min_length=1, max_length=20
    )
    """What is added, by how many connections above the threshold."""


class ResponseTime(StepPolicy):
    """Adds servers when answers are slow."""

    above_seconds: FractionalSeconds = Field(default=2.0, gt=0, le=600)
    """The mean time until a server answers, as the load balancer measures it (`TargetResponseTime`)."""

    steps: tuple[Step, ...] = Field(
        default=(Step(add_percent=20), Step(beyond=2, add_percent=50)), min_length=1, max_length=20
    )
    """What is added, by how many seconds above the threshold."""


_CRON_FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")),
    ("day of week", 0, 7, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)
_CRON_ITEM = re.compile(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/[1-9]\d?)?", re.ASCII)


def _cron(text: str) -> str | None:
    """Return what `text` must be to be an expression of Auto Scaling (guide, "Scheduled scaling", recurrence)."""
    fields = text.split(" ")
    if len(fields) != len(_CRON_FIELDS):
        return "five fields with one space between them"
    for field, (name, low, high, names) in zip(fields, _CRON_FIELDS, strict=True):
        if not all(_fits_cron(item.lower(), low, high, names) for item in field.split(",")):
            return f"a cron expression whose {name} is {low} to {high}"
    return None


def _fits_cron(item: str, low: int, high: int, names: tuple[str, ...]) -> bool:
    match = _CRON_ITEM.fullmatch(item)
    if match is None:
        return False
    ends = [end for end in (match["first"], match["last"]) if end is not None]
    numbers = [low + names.index(end) if end in names else int(end) if end.isdigit() else -1 for end in ends]
    return all(low <= number <= high for number in numbers) and numbers == sorted(numbers)


class Scheduled(Section):
    """A change of the group's bounds at a time known in advance."""

    name: Name = Field(max_length=40)
    """What it is for, such as `monday-morning`."""

    cron: Annotated[str, rule(_cron)]
    """When: minute, hour, day of month, month, day of week; numbers, names, `*`, ranges, lists and steps."""

    time_zone: Annotated[str, form(r"[A-Za-z]+(/[A-Za-z0-9_+-]+)*", "an IANA time zone such as Europe/Berlin")] = (
        "Etc/UTC"
    )
    """The IANA time zone of `cron`."""

    min: Count | None = Field(default=None, ge=0, le=1000)
    """The fewest servers from then on; unchanged by default."""

    max: Count | None = Field(default=None, ge=0, le=1000)
    """The most servers from then on; unchanged by default."""

    desired: Count | None = Field(default=None, ge=0, le=1000)
    """The number of servers to go to; unchanged by default."""

    def problems(self) -> Iterator[Problem]:
        """Yield what PutScheduledUpdateGroupAction would refuse."""
        if self.min is None and self.max is None and self.desired is None:
            yield Problem("desired", "must be set, or min, or max: the action would change nothing")
        if self.min is not None and self.max is not None and self.max < self.min:
            yield Problem("max", f"must be at least min ({self.min}), is {self.max}")


class Predictive(Section):
    """Scaling ahead of a daily or weekly pattern. It needs a day of history, and never takes servers away."""

    mode: Literal["forecast-only", "forecast-and-scale"] = "forecast-only"
    """Whether the forecast is only shown, or acted on."""

    ahead_seconds: Seconds = Field(default=300, ge=0, le=3599)
    """How long before the forecast need a server is started; less than the forecast's hour."""

    max_breach_percent: Percent | None = Field(default=None, ge=0, le=100)
    """Lets the forecast lift the group's maximum for good: to what it foresees and this share of that more. By default
    `servers.max` holds."""

    @property
    def lifts_maximum(self) -> bool:
        """Whether the group may outgrow its maximum (PredictiveScalingConfiguration, MaxCapacityBreachBehavior)."""
        return self.mode == "forecast-and-scale" and self.max_breach_percent is not None


class ScalingPolicy(Section):
    """Every reason to add a server or to take one away. Out when any asks for it, in only when all agree."""

    cpu_percent: Percent | None = Field(default=70, ge=10, le=90)
    """Target tracking: mean processor utilization of the group."""

    requests_per_target: PerMinuteAndServer | None = Field(default=1000, ge=1, le=10_000_000)
    """Target tracking: requests that the load balancer sends a server in a minute; 1000 is 16.7 a second."""

    warmup_seconds: Seconds = Field(default=180, ge=0, le=3600)
    """How long a new server is left out of the metrics: boot, image pull, first requests."""

    scale_in: bool = True
    """Whether target tracking may take servers away."""

    database_connections: DatabaseConnections | None = DatabaseConnections()
    """Step scaling on database connections; `null` switches it off."""

    response_time: ResponseTime | None = ResponseTime()
    """Step scaling on response time; `null` switches it off."""

    scheduled: tuple[Scheduled, ...] = ()
    """Changes of the bounds at known times."""

    predictive: Predictive | None = None
    """Predictive scaling; none by default."""

    def problems(self) -> Iterator[Problem]:
        """Yield what the parts do to each other."""
        names = [action.name for action in self.scheduled]
        for index, name in enumerate(names):
            if name in names[:index]:
                yield Problem(f"scheduled[{index}].name", f"must be unique, {name!r} is used twice")
        if self.predictive is not None and self.cpu_percent is None:
            yield Problem("predictive", "must have cpu_percent beside it: it is the target of the forecast")

    def step_policies(self) -> dict[str, tuple[StepPolicy, Alarm]]:
        """Return the step policies by role, each with the alarm that invokes it."""
        policies: dict[str, tuple[StepPolicy, Alarm]] = {}
        if self.database_connections is not None:
            policies["database-connections"] = (
                self.database_connections,
                _connections_alarm(self.database_connections),
            )
        if self.response_time is not None:
            policies["response-time"] = (self.response_time, _response_alarm(self.response_time))
        return policies


def _connections_alarm(policy: DatabaseConnections) -> Alarm:
    return Alarm(
        role="database-connections",
        area="scale-out",
        description="Servers hold many database connections",
        namespace=APPLICATION_NAMESPACE,
        metric="DatabaseConnections",
        threshold=policy.above,
        period_seconds=policy.period_seconds,
        periods=policy.periods,
        datapoints=policy.datapoints,
        unit="Count",
    )


def _response_alarm(policy: ResponseTime) -> Alarm:
    return Alarm(
        role="response-time",
        area="scale-out",
        description="Servers answer slowly",
        namespace="AWS/ApplicationELB",
        metric="TargetResponseTime",
        threshold=policy.above_seconds,
        period_seconds=policy.period_seconds,
        periods=policy.periods,
        datapoints=policy.datapoints,
        unit="Seconds",
    )
