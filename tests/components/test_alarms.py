"""When users are affected, and what stops a deployment."""

from __future__ import annotations

from functools import cache
from typing import Any

import pulumi
import pytest

from components.alarms import Alarms, Watched
from scale.testing import Recording, Resource, run
from tests.components.building import ALARM, NAME, TOPIC, component, counts, get, settings

COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
BALANCER = {"LoadBalancer": "app/shop/1"}
APPLICATION = {"Environment": NAME}
TARGETS = {"LoadBalancer": "app/shop/1", "TargetGroup": "targetgroup/shop/2"}


def register(**alarms: Any) -> Recording:
    model = settings(alarms=alarms).alarms

    def program() -> None:
        made = Alarms(
            NAME,
            model,
            topic_arn=TOPIC,
            balancer_dimensions=BALANCER,
            application_dimensions=APPLICATION,
            targets=[Watched("server", TARGETS)],
        )
        pulumi.export("refresh_alarms", made.refresh_alarms)
        pulumi.export("arns", made.arns)

    return run(program)


@cache
def built() -> Recording:
    return register()


def alarm(role: str, plan: Recording | None = None) -> Resource:
    return (plan or built()).one(ALARM, f"{NAME}-{role}")


def test_it_has_exactly_these_resources() -> None:
    assert counts(built()) == {"CompositeAlarm": 1, "MetricAlarm": 3}
    assert len(built().children(component(built(), "Alarms"))) == 4


def test_users_are_affected_by_any_of_errors_slowness_and_no_server() -> None:
    names = [str(alarm(role).state["name"]) for role in ("errors", "slow", "no-server")]
    assert get(built().one(COMPOSITE), "alarmRule") == " OR ".join(f'ALARM("{name}")' for name in names)


def test_the_composite_alarm_comes_after_its_parts_and_goes_before_them() -> None:
    parts = {each.urn for each in built().all(ALARM)}
    assert set(built().one(COMPOSITE).property_dependencies["alarmRule"]) == parts


def test_people_are_told_once_of_trouble_and_of_its_end() -> None:
    composite = built().one(COMPOSITE)
    assert get(composite, "alarmActions") == get(composite, "okActions") == [TOPIC]
    assert not any(get(each, "alarmActions") for each in built().all(ALARM))


def test_a_deployment_stops_at_errors_and_slowness_by_their_names() -> None:
    assert built().outputs["refresh_alarms"] == [alarm("errors").state["name"], alarm("slow").state["name"]]


def test_arns_begin_with_the_composite_alarms() -> None:
    arns = [built().one(COMPOSITE).state["arn"], *(each.state["arn"] for each in built().all(ALARM))]
    assert built().outputs["arns"] == arns


def queries(plan: Recording | None = None) -> dict[str, Any]:
    return {query["id"]: query for query in get(alarm("errors", plan), "metricQueries")}


def test_errors_are_a_share_of_all_answers_the_balancers_own_included() -> None:
    found = queries()
    assert {key: query["metric"]["metricName"] for key, query in found.items() if "metric" in query} == {
        "requests": "RequestCount",
        "server": "HTTPCode_Target_5XX_Count",
        "balancer": "HTTPCode_ELB_5XX_Count",
    }
    assert found["share"]["expression"] == (
        "100 * (FILL(server, 0) + FILL(balancer, 0)) / (FILL(requests, 0) + FILL(balancer, 0))"
    )
    assert [key for key, query in found.items() if query.get("returnData")] == ["share"]


def test_every_part_of_the_share_is_the_balancers_sum_of_a_minute() -> None:
    parts = [query["metric"] for query in queries().values() if "metric" in query]
    assert all(
        (part["namespace"], part["dimensions"], part["stat"], part["period"])
        == ("AWS/ApplicationELB", BALANCER, "Sum", 60)
        for part in parts
    )


def test_errors_are_in_alarm_above_the_settings_percentage() -> None:
    assert get(alarm("errors", register(error_percent=2.5)), "threshold") == 2.5
    assert get(alarm("errors"), "comparisonOperator") == "GreaterThanThreshold"


def test_slowness_is_the_time_of_the_slowest_hundredth() -> None:
    slow = alarm("slow", register(slow_seconds=3))
    assert (get(slow, "metricName"), get(slow, "extendedStatistic")) == ("TargetResponseTime", "p99")
    assert "statistic" not in slow.properties
    assert get(slow, "dimensions") == BALANCER
    assert (get(slow, "threshold"), get(slow, "comparisonOperator")) == (3, "GreaterThanThreshold")


def test_no_server_is_fewer_than_one_healthy_in_the_target_group() -> None:
    empty = alarm("no-server")
    assert (get(empty, "metricName"), get(empty, "statistic")) == ("HealthyHostCount", "Maximum")
    assert get(empty, "dimensions") == TARGETS
    assert (get(empty, "threshold"), get(empty, "comparisonOperator")) == (1, "LessThanThreshold")


@pytest.mark.parametrize(
    ("role", "treatment"), [("errors", "notBreaching"), ("slow", "notBreaching"), ("no-server", "breaching")]
)
def test_silence_is_no_request_or_no_server(role: str, treatment: str) -> None:
    assert get(alarm(role), "treatMissingData") == treatment


@pytest.mark.parametrize("role", ["errors", "slow", "no-server"])
def test_three_bad_values_of_five_are_an_alarm(role: str) -> None:
    assert (get(alarm(role), "evaluationPeriods"), get(alarm(role), "datapointsToAlarm")) == (5, 3)


def test_values_are_as_wide_as_the_settings_say() -> None:
    plan = register(period_seconds=300)
    assert get(alarm("slow", plan), "period") == get(alarm("no-server", plan), "period") == 300
    assert {query["metric"]["period"] for query in queries(plan).values() if "metric" in query} == {300}
