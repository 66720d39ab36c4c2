"""A stack that traces, from its settings to its servers."""

from __future__ import annotations

from functools import cache

import pytest

from scale.plan.recording import Recording
from scale.user_data import script
from tests.components.building import ROLE_POLICY, get, statements
from tests.strategies import Group, Stack
from tests.test_plan_properties import plan

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
ELSEWHERE = "https://otlp.example.com"


@cache
def planned(endpoint: str | None) -> Recording:
    tracing: Group = {"sample_percent": 12.5} | ({"endpoint": endpoint} if endpoint else {})
    config: Group = {"application": {"image": "shop:1"}, "observability": {"tracing": tracing}}
    return plan(Stack("prod", "eu-west-1", config)).update


def user_data(recording: Recording) -> str:
    return script(str(get(recording.one(TEMPLATE), "userData"))) or ""


def actions(recording: Recording) -> set[str]:
    (policy,) = [each for each in recording.all(ROLE_POLICY) if each.name.endswith("-web-servers")]
    return {action for each in statements(policy) for action in each["Action"]}


@pytest.mark.parametrize(("endpoint", "collects"), [(None, True), (ELSEWHERE, False)])
def test_servers_run_a_collector_for_x_ray_alone(endpoint: str | None, collects: bool) -> None:
    recording = planned(endpoint)
    assert ("amazon-cloudwatch-agent" in user_data(recording)) is collects
    assert ("xray:PutTraceSegments" in actions(recording)) is collects


@pytest.mark.parametrize(("endpoint", "address"), [(None, "http://127.0.0.1:4318"), (ELSEWHERE, ELSEWHERE)])
def test_the_container_is_told_where_the_collector_listens(endpoint: str | None, address: str) -> None:
    text = user_data(planned(endpoint))
    assert f"\nOTEL_EXPORTER_OTLP_ENDPOINT={address}\n" in text
    assert "\nOTEL_TRACES_SAMPLER_ARG=0.125\n" in text
    listens = address.removeprefix("http://")
    assert (f'"http_endpoint": "{listens}"' in text) is (endpoint is None)
