"""How the fleet follows its load."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.metrics import Alarm
from model.scaling import Interval, ResponseTime
from tests.model.parsing import assert_rule, parse, problems
from tests.strategies import step_policies

_ACTION: dict[str, Any] = {"name": "up", "cron": "0 8 * * *", "min": 3}


def _scheduled(**changes: Any) -> dict[str, Any]:
    return {"scheduled": [{**_ACTION, **changes}]}


@pytest.mark.parametrize(
    ("wrong", "message", "near"),
    [
        ({"cpu_percent": 91}, "cpu_percent: must be at most 90, is 91", {"cpu_percent": 90}),
        (
            {"cpu_percent": None, "predictive": {}},
            "predictive: must have cpu_percent beside it: it is the target of the forecast",
            {"cpu_percent": None, "predictive": None},
        ),
        (
            {"predictive": {"ahead_seconds": 3600}},
            "predictive.ahead_seconds: must be at most 3599, is 3600",
            {"predictive": {"ahead_seconds": 3599}},
        ),
        (
            {"response_time": {"periods": 2, "datapoints": 3}},
            "response_time.datapoints: must be at most periods (2), is 3",
            {"response_time": {"periods": 3, "datapoints": 3}},
        ),
        (
            {"database_connections": {"periods": 25, "period_seconds": 3480}},
            "database_connections.periods: must cover at most a day, is 25 of 3480 seconds",
            {"database_connections": {"periods": 24, "period_seconds": 3540}},
        ),
        (
            {"database_connections": {"periods": 60, "period_seconds": 1500}},
            "database_connections.periods: must cover at most a day, is 60 of 1500 seconds",
            {"database_connections": {"periods": 60, "period_seconds": 3600}},
        ),
        (
            {"response_time": {"steps": [{"beyond": 1, "add_percent": 10}]}},
            "response_time.steps[0].beyond: must be 0, where the alarm begins, is 1",
            {"response_time": {"steps": [{"beyond": 0, "add_percent": 10}]}},
        ),
        (
            {"response_time": {"steps": [{"add_percent": 10}, {"beyond": 0, "add_percent": 20}]}},
            "response_time.steps[1].beyond: must be above the step before (0), is 0",
            {"response_time": {"steps": [{"add_percent": 10}, {"beyond": 0.5, "add_percent": 20}]}},
        ),
        (
            _scheduled(min=None),
            "scheduled[0].desired: must be set, or min, or max: the action would change nothing",
            _scheduled(min=None, desired=3),
        ),
        (
            _scheduled(min=4, max=3),
            "scheduled[0].max: must be at least min (4), is 3",
            _scheduled(min=4, max=4),
        ),
        (
            {"scheduled": [_ACTION, _ACTION]},
            "scheduled[1].name: must be unique, 'up' is used twice",
            {"scheduled": [_ACTION, {**_ACTION, "name": "up-again"}]},
        ),
        (
            _scheduled(time_zone="Europe Dublin"),
            "scheduled[0].time_zone: must be an IANA time zone such as Europe/Berlin, is 'Europe Dublin'",
            _scheduled(time_zone="Europe/Dublin"),
        ),
    ],
)
def test_rules(wrong: dict[str, Any], message: str, near: dict[str, Any]) -> None:
    assert_rule("scaling", wrong, message, near)


@pytest.mark.parametrize(
    "cron", ["0 8 * * *", "59 23 31 12 7", "*/5 * * * *", "0 8-18/2 1,15 jan-mar MON-FRI", "0 0 * * sun"]
)
def test_expressions_that_auto_scaling_reads(cron: str) -> None:
    assert problems(scaling=_scheduled(cron=cron)) == []


@pytest.mark.parametrize(
    ("cron", "wanted"),
    [
        ("0 8 * *", "five fields with one space between them"),
        ("0  8 * * *", "five fields with one space between them"),
        ("60 8 * * *", "a cron expression whose minute is 0 to 59"),
        ("0 24 * * *", "a cron expression whose hour is 0 to 23"),
        ("0 8 0 * *", "a cron expression whose day of month is 1 to 31"),
        ("0 8 L * *", "a cron expression whose day of month is 1 to 31"),
        ("0 8 * 13 *", "a cron expression whose month is 1 to 12"),
        ("0 8 * * 8", "a cron expression whose day of week is 0 to 7"),
        ("0 8 * * fri#2", "a cron expression whose day of week is 0 to 7"),
        ("0 18-8 * * *", "a cron expression whose hour is 0 to 23"),
        ("*/0 8 * * *", "a cron expression whose minute is 0 to 59"),
        ("1,,2 8 * * *", "a cron expression whose minute is 0 to 59"),
    ],
)
def test_expressions_that_it_does_not_read(cron: str, wanted: str) -> None:
    assert problems(scaling=_scheduled(cron=cron)) == [f"scaling.scheduled[0].cron: must be {wanted}, is {cron!r}"]


# --- steps


@given(step_policies("above_seconds", st.just(2)))
def test_step_intervals_touch_from_the_threshold_to_infinity(policy: dict[str, Any]) -> None:
    intervals = ResponseTime(**policy).intervals()
    assert intervals[0].lower == 0
    assert all(before.upper == after.lower for before, after in pairwise(intervals))
    assert intervals[-1].upper is None


@given(step_policies("above_seconds", st.just(2)))
def test_each_step_has_an_interval_of_its_own_with_its_change(policy: dict[str, Any]) -> None:
    parsed = ResponseTime(**policy)
    assert [(interval.lower, interval.change) for interval in parsed.intervals()] == [
        (step.beyond, step.add_percent) for step in parsed.steps
    ]


def test_intervals_of_the_default_response_time_policy() -> None:
    assert ResponseTime().intervals() == (Interval(0, 2, 20), Interval(2, None, 50))


# --- alarms


def test_database_connections_are_those_that_the_application_counts() -> None:
    _, alarm = parse(scaling={"database_connections": {"above": 80}}).scaling.step_policies()["database-connections"]
    assert alarm == Alarm(
        role="database-connections",
        area="scale-out",
        description="Servers hold many database connections",
        namespace="Django/Application",
        metric="DatabaseConnections",
        threshold=80,
        period_seconds=60,
        periods=3,
        datapoints=3,
        unit="Count",
    )


def test_response_time_is_the_load_balancer_s_three_minutes_of_three() -> None:
    _, alarm = parse(scaling={"response_time": {"above_seconds": 2.0}}).scaling.step_policies()["response-time"]
    assert (alarm.namespace, alarm.metric) == ("AWS/ApplicationELB", "TargetResponseTime")
    assert (alarm.threshold, alarm.comparison, alarm.statistic) == (2.0, "GreaterThanThreshold", "Average")
    assert (alarm.datapoints, alarm.periods, alarm.period_seconds) == (3, 3, 60)


@pytest.mark.parametrize(
    ("scaling", "roles"),
    [
        ({}, ["database-connections", "response-time"]),
        ({"response_time": None}, ["database-connections"]),
        ({"database_connections": None, "response_time": None}, []),
    ],
)
def test_a_step_policy_can_be_switched_off(scaling: dict[str, Any], roles: list[str]) -> None:
    assert list(parse(scaling=scaling).scaling.step_policies()) == roles


@pytest.mark.parametrize(
    ("predictive", "lifts"),
    [
        ({"mode": "forecast-and-scale", "max_breach_percent": 0}, True),
        ({"mode": "forecast-and-scale"}, False),
        ({"mode": "forecast-only", "max_breach_percent": 10}, False),
    ],
)
def test_only_a_forecast_that_scales_beyond_the_maximum_lifts_it(predictive: dict[str, Any], lifts: bool) -> None:
    parsed = parse(scaling={"predictive": predictive}).scaling.predictive
    assert parsed is not None
    assert parsed.lifts_maximum is lifts
