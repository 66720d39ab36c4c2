"""What makes the fleet grow and shrink, and that an alarm can really invoke it."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from components.fleet_scaling import FleetScaling
from scale.testing import Recording, Resource, run
from tests.components.building import ALARM, component, counts, get, settings

POLICY = "aws:autoscaling/policy:Policy"
SCHEDULE = "aws:autoscaling/schedule:Schedule"
NAME = "shop-prod-web"
LABEL = "app/shop/1/targetgroup/shop/2"
BALANCER = {"LoadBalancer": "app/shop/1"}
APPLICATION = {"Environment": "shop-prod"}


def register(**scaling: Any) -> Recording:
    model = settings(scaling=scaling, servers={"min": 3, "max": 20}).scaling
    return run(
        lambda: FleetScaling(
            NAME,
            model,
            group_name="the-group",
            resource_label=LABEL,
            balancer_dimensions=BALANCER,
            application_dimensions=APPLICATION,
        )
    )


@cache
def built() -> Recording:
    return register()


def policy(role: str, plan: Recording | None = None) -> Resource:
    return (plan or built()).one(POLICY, f"{NAME}-{role}")


def alarm(role: str, plan: Recording | None = None) -> Resource:
    return (plan or built()).one(ALARM, f"{NAME}-{role}")


def test_it_has_exactly_these_resources() -> None:
    assert counts(built()) == {"MetricAlarm": 2, "Policy": 4}
    assert len(built().children(component(built(), "FleetScaling"))) == 6


def test_every_policy_is_of_the_group() -> None:
    assert {get(each, "autoscalingGroupName") for each in built().all(POLICY)} == {"the-group"}


def test_processors_are_held_at_their_target() -> None:
    assert get(policy("cpu"), "policyType") == "TargetTrackingScaling"
    target = get(policy("cpu"), "targetTrackingConfiguration")
    assert target["targetValue"] == 70
    assert target["predefinedMetricSpecification"]["predefinedMetricType"] == "ASGAverageCPUUtilization"
    assert target["predefinedMetricSpecification"].get("resourceLabel") is None


def test_requests_are_held_at_their_target_for_balancer_and_target_group() -> None:
    target = get(policy("requests"), "targetTrackingConfiguration")
    assert target["targetValue"] == 1000
    assert target["predefinedMetricSpecification"] == {
        "predefinedMetricType": "ALBRequestCountPerTarget",
        "resourceLabel": LABEL,
    }


def test_target_tracking_warms_up_as_the_group_does() -> None:
    assert all("estimatedInstanceWarmup" not in each.properties for each in built().all(POLICY))


@pytest.mark.parametrize("scale_in", [True, False])
def test_target_tracking_takes_servers_away_unless_the_settings_forbid_it(scale_in: bool) -> None:
    plan = register(scale_in=scale_in)
    for role in ("cpu", "requests"):
        assert get(policy(role, plan), "targetTrackingConfiguration.disableScaleIn") is not scale_in


@pytest.mark.parametrize("setting", ["cpu_percent", "requests_per_target", "database_connections", "response_time"])
def test_each_reason_to_scale_can_be_switched_off(setting: str) -> None:
    roles = {
        "cpu_percent": "cpu",
        "requests_per_target": "requests",
        "database_connections": "database-connections",
        "response_time": "response-time",
    }
    plan = register(**{setting: None})
    assert {each.name for each in plan.all(POLICY)} == {
        f"{NAME}-{role}" for key, role in roles.items() if key != setting
    }


@pytest.mark.parametrize("role", ["database-connections", "response-time"])
def test_the_alarms_action_is_the_step_policys_arn(role: str) -> None:
    assert get(alarm(role), "alarmActions") == [policy(role).state["arn"]]
    assert policy(role).urn in alarm(role).property_dependencies["alarmActions"]
    assert get(alarm(role), "okActions") == []


@pytest.mark.parametrize("role", ["database-connections", "response-time"])
def test_what_an_alarm_invokes_is_step_scaling_as_target_tracking_cannot_be_an_action(role: str) -> None:
    assert get(policy(role), "policyType") == "StepScaling"
    assert get(policy(role), "adjustmentType") == "PercentChangeInCapacity"
    assert get(policy(role), "minAdjustmentMagnitude") == 1
    assert get(policy(role), "metricAggregationType") == "Average"
    assert "targetTrackingConfiguration" not in policy(role).properties


def test_connections_are_the_applications_own_metric_above_80() -> None:
    found = alarm("database-connections")
    assert (get(found, "namespace"), get(found, "metricName")) == ("Django/Application", "DatabaseConnections")
    assert get(found, "dimensions") == APPLICATION
    assert (get(found, "threshold"), get(found, "comparisonOperator")) == (80, "GreaterThanThreshold")
    assert (get(found, "unit"), get(found, "statistic")) == ("Count", "Average")


def test_response_time_is_the_balancers_metric_above_two_seconds_three_times_of_three() -> None:
    found = alarm("response-time")
    assert (get(found, "namespace"), get(found, "metricName")) == ("AWS/ApplicationELB", "TargetResponseTime")
    assert get(found, "dimensions") == BALANCER
    assert (get(found, "threshold"), get(found, "comparisonOperator")) == (2, "GreaterThanThreshold")
    assert (get(found, "evaluationPeriods"), get(found, "datapointsToAlarm"), get(found, "period")) == (3, 3, 60)


@pytest.mark.parametrize("role", ["database-connections", "response-time"])
def test_nothing_heard_adds_no_server(role: str) -> None:
    assert get(alarm(role), "treatMissingData") == "missing"


def steps(plan: Recording, role: str) -> list[tuple[str, str | None, int]]:
    return [
        (step["metricIntervalLowerBound"], step.get("metricIntervalUpperBound"), step["scalingAdjustment"])
        for step in get(policy(role, plan), "stepAdjustments")
    ]


def test_steps_touch_and_the_last_has_no_end() -> None:
    assert steps(built(), "database-connections") == [("0", "20", 10), ("20", None, 30)]
    assert steps(built(), "response-time") == [("0", "2", 20), ("2", None, 50)]


def test_bounds_keep_all_their_digits_and_have_no_exponent() -> None:
    plan = register(
        database_connections={
            "steps": [
                {"add_percent": 10},
                {"beyond": 123456.75, "add_percent": 20},
                {"beyond": 1_000_000, "add_percent": 30},
            ]
        }
    )
    assert [lower for lower, _, _ in steps(plan, "database-connections")] == ["0", "123456.75", "1000000"]


def schedule(**action: Any) -> Resource:
    return register(scheduled=[{"name": "monday", "cron": "30 6 * * 1", **action}]).one(SCHEDULE)


def test_a_scheduled_action_has_its_time_in_its_zone() -> None:
    action = schedule(time_zone="Europe/Dublin", min=6)
    assert get(action, "scheduledActionName") == "monday"
    assert get(action, "autoscalingGroupName") == "the-group"
    assert (get(action, "recurrence"), get(action, "timeZone")) == ("30 6 * * 1", "Europe/Dublin")


@pytest.mark.parametrize(
    ("given", "registered"),
    [({"min": 6}, (6, -1, -1)), ({"max": 9}, (-1, 9, -1)), ({"desired": 5}, (-1, -1, 5)), ({"min": 0}, (0, -1, -1))],
)
def test_what_a_scheduled_action_does_not_say_stays_as_it_is(
    given: dict[str, int], registered: tuple[int, int, int]
) -> None:
    action = schedule(**given)
    assert (get(action, "minSize"), get(action, "maxSize"), get(action, "desiredCapacity")) == registered


def test_without_predictive_scaling_there_is_no_such_policy() -> None:
    assert "PredictiveScaling" not in [get(each, "policyType") for each in built().all(POLICY)]


@pytest.mark.parametrize(
    ("mode", "registered"), [("forecast-only", "ForecastOnly"), ("forecast-and-scale", "ForecastAndScale")]
)
def test_a_forecast_is_shown_or_acted_on(mode: str, registered: str) -> None:
    plan = register(predictive={"mode": mode, "ahead_seconds": 600}, cpu_percent=60)
    forecast = get(policy("predictive", plan), "predictiveScalingConfiguration")
    assert get(policy("predictive", plan), "policyType") == "PredictiveScaling"
    assert forecast["mode"] == registered
    assert forecast["schedulingBufferTime"] == "600"
    assert forecast["metricSpecification"]["targetValue"] == 60
    assert forecast["metricSpecification"]["predefinedMetricPairSpecification"] == {
        "predefinedMetricType": "ASGCPUUtilization"
    }


def test_a_forecast_keeps_to_the_maximum() -> None:
    forecast = get(policy("predictive", register(predictive={})), "predictiveScalingConfiguration")
    assert forecast["maxCapacityBreachBehavior"] == "HonorMaxCapacity"
    assert forecast.get("maxCapacityBuffer") is None


def test_a_forecast_may_lift_the_maximum_as_far_as_the_settings_say() -> None:
    plan = register(predictive={"max_breach_percent": 25})
    forecast = get(policy("predictive", plan), "predictiveScalingConfiguration")
    assert (forecast["maxCapacityBreachBehavior"], forecast["maxCapacityBuffer"]) == ("IncreaseMaxCapacity", "25")
