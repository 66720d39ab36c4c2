"""From the model's description of an alarm to CloudWatch's."""

from __future__ import annotations

from dataclasses import replace

import pulumi
import pytest

from components.metric_alarm import metric_alarm
from model.metrics import Alarm, described
from scale.testing import Resource, run
from tests.components.building import ALARM, get

DESCRIBED = Alarm(
    role="slow",
    description="Answers are slow",
    namespace="AWS/ApplicationELB",
    metric="TargetResponseTime",
    threshold=2.5,
    period_seconds=120,
    periods=5,
    datapoints=4,
    missing_data="ignore",
)


def made(alarm: Alarm = DESCRIBED, ok_actions: tuple[str, ...] = ()) -> Resource:
    plan = run(
        lambda: metric_alarm(
            "shop",
            alarm,
            dimensions={"LoadBalancer": "app/shop/1"},
            actions=["arn:action"],
            ok_actions=ok_actions,
            opts=pulumi.ResourceOptions(),
        )
    )
    return plan.one(ALARM)


def test_it_is_named_after_its_role() -> None:
    assert made().name == "shop-slow"
    assert get(made(), "alarmDescription") == "Answers are slow. What to do: docs/runbooks/slow.md"


def test_its_page_is_named_after_its_area_and_role_and_stands_where_the_settings_say() -> None:
    description = described(
        "The replica is behind", replace(DESCRIBED, area="database").page, "https://wiki.example.com"
    )
    assert description == "The replica is behind. What to do: https://wiki.example.com/database-slow.md"


def test_what_the_model_says_is_registered() -> None:
    alarm = made()
    assert (get(alarm, "namespace"), get(alarm, "metricName")) == ("AWS/ApplicationELB", "TargetResponseTime")
    assert (get(alarm, "threshold"), get(alarm, "comparisonOperator")) == (2.5, "GreaterThanThreshold")
    assert (get(alarm, "period"), get(alarm, "evaluationPeriods"), get(alarm, "datapointsToAlarm")) == (120, 5, 4)
    assert get(alarm, "treatMissingData") == "ignore"


@pytest.mark.parametrize(
    ("statistic", "plain", "extended"), [("Sum", "Sum", None), ("p99", None, "p99"), ("p99.9", None, "p99.9")]
)
def test_a_percentile_is_an_extended_statistic(statistic: str, plain: str | None, extended: str | None) -> None:
    alarm = made(replace(DESCRIBED, statistic=statistic))
    assert (get(alarm, "statistic"), get(alarm, "extendedStatistic")) == (plain, extended)


def test_the_models_dimensions_and_the_components_are_joined() -> None:
    alarm = made(replace(DESCRIBED, dimensions={"AvailabilityZone": "eu-west-1a"}))
    assert get(alarm, "dimensions") == {"AvailabilityZone": "eu-west-1a", "LoadBalancer": "app/shop/1"}


def test_a_unit_is_given_only_where_the_model_has_one_as_it_would_hide_other_values() -> None:
    assert "unit" not in made().properties
    assert get(made(replace(DESCRIBED, unit="Count")), "unit") == "Count"


def test_actions_of_trouble_and_of_its_end_are_apart() -> None:
    assert (get(made(), "alarmActions"), get(made(), "okActions")) == (["arn:action"], [])
    assert get(made(ok_actions=("arn:other",)), "okActions") == ["arn:other"]
