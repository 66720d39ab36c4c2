"""A stack whose team balances itself, by the whole program: who reaches whom, what is watched, what is told."""

from __future__ import annotations

import json
from functools import cache
from ipaddress import IPv4Network
from typing import Any, cast

import pytest

from model.addressing import subnets
from scale.plan.architecture import architecture
from scale.plan.plan import Plan
from scale.plan.recording import Recording
from scale.user_data import script
from tests.components.building import ALARM, get
from tests.model.parsing import problems
from tests.strategies import Stack
from tests.test_plan_properties import plan

TARGETS = "aws:lb/targetGroup:TargetGroup"
GROUP = "aws:autoscaling/group:Group"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup"
POLICY = "aws:autoscaling/policy:Policy"
DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"
TRAFFIC: dict[str, Any] = {"balancer": "haproxy", "firewall": None}
SCALING: dict[str, Any] = {"requests_per_target": None, "response_time": None}


def stack(nat: str = "per-zone") -> Stack:
    application = {"name": "shop", "image": "shop:1", "domain": "shop.example.com", "hosted_zone": "example.com"}
    config = {"application": application, "traffic": TRAFFIC, "scaling": SCALING, "network": {"nat": nat}}
    return Stack("prod", "eu-west-1", config)


@cache
def planned(nat: str = "per-zone") -> Plan:
    return plan(stack(nat))


def update() -> Recording:
    return planned().update


def reached() -> dict[tuple[str, str], set[int]]:
    """Return the ports at which each role is reached, by who reaches it."""
    roles = {each.id: each.name.removeprefix("shop-prod-") for each in update().all(SECURITY_GROUP)}
    found: dict[tuple[str, str], set[int]] = {}
    for rule in update().all(INGRESS):
        source = roles.get(str(get(rule, "referencedSecurityGroupId")), "internet")
        found.setdefault((source, roles[str(get(rule, "securityGroupId"))]), set()).add(int(get(rule, "fromPort")))
    return found


def test_nothing_is_wrong_with_it() -> None:
    assert [str(each) for each in planned().findings] == []


def test_clients_reach_haproxy_through_the_balancer_and_haproxy_alone_sends_requests() -> None:
    found = reached()
    assert found[("internet", "balancer")] == {80, 443}
    assert found[("balancer", "proxies")] == {8080, 8443, 8405}
    assert found[("proxies", "servers")] == {8000}
    # For the balancer's health checks: its listener at this port is open to nobody.
    assert found[("balancer", "servers")] == {8000}
    assert ("proxies", "database") not in found
    assert ("proxies", "cache") not in found


def test_the_fleet_joins_the_group_that_haproxy_learns_from() -> None:
    web = update().one(TARGETS, "shop-prod-web").state["arn"]
    assert get(update().one(GROUP, "shop-prod-web-group"), "targetGroupArns") == [web]
    edge = script(get(update().one(TEMPLATE, "shop-prod-edge-template"), "userData")) or ""
    assert f"watch --target-group {web} --port 8000 " in edge


@pytest.mark.parametrize(("nat", "tier"), [("per-zone", "private"), ("none", "public")])
def test_nginx_believes_haproxy_and_no_other_network(nat: str, tier: str) -> None:
    template = planned(nat).update.one(TEMPLATE, "shop-prod-web-template")
    believed = [
        line.split()[1].rstrip(";")
        for line in (script(get(template, "userData")) or "").splitlines()
        if line.strip().startswith("set_real_ip_from ")
    ]
    blocks = getattr(subnets(IPv4Network("10.0.0.0/16"), 2), tier)
    assert believed == [str(block) for block in blocks]


def test_a_requests_id_is_haproxys() -> None:
    assert cast("dict[str, str]", update().outputs["environment"])["REQUEST_ID_HEADERS"] == "X-Request-ID"


def test_errors_and_slowness_are_what_the_application_publishes() -> None:
    for role, metric, statistic in (("errors", "ErrorRate", "Average"), ("slow", "ResponseTime", "Maximum")):
        alarm = update().one(ALARM, f"shop-prod-{role}")
        assert (get(alarm, "namespace"), get(alarm, "metricName")) == ("Django/Application", metric)
        assert get(alarm, "statistic") == statistic
        assert get(alarm, "dimensions") == {"Environment": "shop-prod"}


@pytest.mark.parametrize(("role", "group"), [("no-server", "web"), ("no-balancer", "http")])
def test_an_empty_group_is_an_alarm_of_the_network_load_balancer(role: str, group: str) -> None:
    alarm, targets = update().one(ALARM, f"shop-prod-{role}"), update().one(TARGETS, f"shop-prod-{group}")
    assert (get(alarm, "namespace"), get(alarm, "metricName")) == ("AWS/NetworkELB", "HealthyHostCount")
    assert get(alarm, "dimensions.TargetGroup") == targets.state["arnSuffix"]
    assert get(alarm, "treatMissingData") == "breaching"


def test_no_metric_of_an_application_load_balancer_is_asked_for() -> None:
    body = str(get(update().one(DASHBOARD), "dashboardBody"))
    assert "AWS/ApplicationELB" not in body
    assert {"ErrorRate", "RequestRate"} <= {each[1] for each in _metrics(json.loads(body))}
    assert not [each.name for each in update().all(ALARM) if get(each, "namespace") == "AWS/ApplicationELB"]
    tracked = [get(each, "targetTrackingConfiguration.predefinedMetricSpecification") for each in update().all(POLICY)]
    assert [each["predefinedMetricType"] for each in tracked if each] == ["ASGAverageCPUUtilization"]


def _metrics(body: dict[str, Any]) -> list[list[Any]]:
    return [metric for widget in body["widgets"] for metric in widget["properties"].get("metrics", [])]


def test_the_plan_draws_haproxy_between_the_balancer_and_the_servers() -> None:
    drawn = architecture(update(), "eu-west-1")
    title = {node.key: node.title for node in drawn.nodes}
    arrows = {(title.get(edge.source, edge.source), title.get(edge.target, edge.target)): edge for edge in drawn.edges}
    assert arrows[("internet", "Network Load Balancer")].label == "HTTPS"
    assert arrows[("Network Load Balancer", "HAProxy")].label == "TCP"
    assert arrows[("HAProxy", "Servers")].label == "8000"
    assert arrows[("Network Load Balancer", "Servers")].label == "health checks"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"traffic": {"balancer": "haproxy"}},
            "traffic.firewall: must be null with traffic.balancer haproxy: AWS WAF stands before no Network Load"
            " Balancer; HAProxy holds the limits",
        ),
        (
            {"scaling": {"response_time": None}},
            "scaling.requests_per_target: must be null with traffic.balancer haproxy: a Network Load Balancer measures"
            " no requests; scale by cpu_percent",
        ),
        (
            {"scaling": {"requests_per_target": None}},
            "scaling.response_time: must be null with traffic.balancer haproxy: a Network Load Balancer measures"
            " no requests; scale by cpu_percent",
        ),
        (
            {"traffic": {**TRAFFIC, "draining_seconds": 19}},
            "traffic.draining_seconds: must be at least twice traffic.haproxy.interval_seconds (20), is 19",
        ),
        (
            {"compute": {"kubernetes": {}}},
            "traffic.balancer: must be alb with compute.kubernetes: HAProxy is told of servers alone",
        ),
        (
            {"traffic": {**TRAFFIC, "haproxy": {"instance_type": "t3.small"}}},
            "traffic.haproxy.instance_type: must be arm64, as the image is (application.architecture), is 't3.small',"
            " x86_64",
        ),
    ],
)
def test_what_haproxy_does_not_go_with_is_refused_with_the_way_out(changed: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"traffic": TRAFFIC, "scaling": SCALING, **changed}
    assert problems(region="eu-west-1", secret=(), **given) == [message]


@pytest.mark.parametrize(
    "near",
    [
        {},
        {"traffic": {**TRAFFIC, "draining_seconds": 20}},
        {"traffic": {**TRAFFIC, "draining_seconds": 4, "haproxy": {"interval_seconds": 2}}},
        {"traffic": {**TRAFFIC, "haproxy": {"instance_type": "t4g.small"}}},
        {"traffic": {"haproxy": {"instance_type": "t3.small"}}, "scaling": {}},
        {"traffic": {"draining_seconds": 0}, "scaling": {}},
    ],
)
def test_what_hardly_differs_is_taken(near: dict[str, Any]) -> None:
    given: dict[str, Any] = {"traffic": TRAFFIC, "scaling": SCALING, **near}
    assert problems(region="eu-west-1", secret=(), **given) == []
