"""What a plan says of a cluster."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from model.eks import END_OF_STANDARD_SUPPORT
from scale.plan.capacity import check_settings
from scale.plan.findings import Finding
from tests.model.parsing import parse

LONG_BEFORE = date(2026, 6, 1)


def findings(today: date = LONG_BEFORE, network: str = "10.0.0.0/16", **kubernetes: Any) -> list[Finding]:
    large = {"instance_class": "db.r7g.4xlarge"}
    quiet = {"database_connections": None}
    settings = parse(database=large, network={"cidr": network}, scaling=quiet, compute={"kubernetes": kubernetes})
    return [each for each in check_settings(settings, today)[1] if each.rule not in ("plain-http", "connections")]


def rules(today: date = LONG_BEFORE, network: str = "10.0.0.0/16", **kubernetes: Any) -> list[str]:
    return [each.rule for each in findings(today, network, **kubernetes)]


OPEN = {"public_cidrs": ["203.0.113.0/24"]}


def test_a_cluster_that_holds_its_pods_is_without_a_finding() -> None:
    assert rules(endpoint=OPEN) == []


def test_a_private_api_is_said_to_be_one() -> None:
    assert rules() == ["private-endpoint"]


@pytest.mark.parametrize(
    ("cluster", "words"),
    [
        ({"pool": {"max_processors": 8}}, "raise compute.kubernetes.pool.max_processors"),
        ({"web": {"resources": {"cpu_millicores": 8000, "cpu_limit_millicores": 8000}}}, "no node is large enough"),
    ],
)
def test_pods_without_a_node_are_an_error(cluster: dict[str, Any], words: str) -> None:
    (found,) = findings(endpoint=OPEN, **cluster)
    assert (found.severity, found.rule) == ("error", "node-capacity")
    assert words in found.message


@pytest.mark.parametrize(
    ("processors", "pods", "fits"),
    # 54 pods and a quarter more in a rollout are 68: four on each of 16 nodes, and two on each of the group's two.
    [(64, 54, True), (64, 55, False), (63, 54, False), (60, 50, True), (59, 50, False)],
)
def test_the_nodes_hold_the_autoscalers_maximum_and_a_rollout_of_it(processors: int, pods: int, fits: bool) -> None:
    found = rules(endpoint=OPEN, pool={"max_processors": processors}, web={"max": pods})
    assert found == ([] if fits else ["node-capacity"])


@pytest.mark.parametrize(
    ("pods", "expected"),
    # Of 100 connections 5 are reserved; a pod holds 8, and a quarter more of them come with a rollout.
    [(8, []), (9, ["warning"]), (11, ["warning"]), (12, ["error"])],
)
def test_the_database_serves_pods_at_their_most_and_should_serve_a_rollout(pods: int, expected: list[str]) -> None:
    database = {"instance_class": "db.r7g.large", "max_connections": 100}
    kubernetes = {"web": {"max": pods}, "migration": None}
    settings = parse(database=database, compute={"servers": False, "kubernetes": kubernetes})
    found = check_settings(settings, LONG_BEFORE)[1]
    assert [each.severity for each in found if each.rule == "connections"] == expected


@pytest.mark.parametrize(
    ("above", "compute", "words"),
    # Six servers of 8 connections hold 48, and 20 pods 160.
    [
        (208, {"kubernetes": {"web": {"max": 20}}}, None),
        (207, {"kubernetes": {"web": {"max": 20}}}, "6 servers, beside pods that hold 160 connections at their most,"),
        (168, {"kubernetes": {"web": {"max": 20}}}, "2 servers, beside pods that hold 160 connections at their most,"),
        (159, {"kubernetes": {"web": {"max": 20}}}, "pods at their most hold 160 connections, more than"),
        (159, {"kubernetes": {"web": {"max": 20}}, "servers": False}, None),
        (48, {}, None),
        (47, {}, "6 servers hold more connections than"),
    ],
)
def test_pods_connections_may_raise_the_alarm_that_adds_servers(
    above: int, compute: dict[str, Any], words: str | None
) -> None:
    scaling = {"database_connections": {"above": above}}
    settings = parse(database={"instance_class": "db.m7g.large"}, scaling=scaling, compute=compute)
    found = [each.message for each in check_settings(settings, LONG_BEFORE)[1] if each.rule == "feedback"]
    assert len(found) == (words is not None)
    if words is not None:
        most = 208 if compute else 48
        assert found[0].startswith(words)
        assert f"raise it to {most}, or set scaling.database_connections to null" in found[0]


@pytest.mark.parametrize(
    ("cluster", "pooling", "clients", "ways"),
    [
        (
            {},
            "direct",
            "6 servers and 50 web pods open 448",
            "a lower servers.max or compute.kubernetes.web.max, or database.pooling: pgbouncer with fewer than 8 "
            "pgbouncer.connections",
        ),
        (
            {"tasks": {"app": "project"}},
            "pgbouncer",
            "6 servers and 50 web pods and the tasks' workers open 1900",
            "a lower servers.max or compute.kubernetes.web.max or compute.kubernetes.tasks.workers[].max, or a lower "
            "database.pgbouncer.connections",
        ),
    ],
)
def test_too_many_connections_come_with_the_ways_out(
    cluster: dict[str, Any], pooling: str, clients: str, ways: str
) -> None:
    database = {"instance_class": "db.r7g.large", "max_connections": 100, "pooling": pooling}
    settings = parse(database=database, compute={"kubernetes": cluster})
    found = [each.message for each in check_settings(settings, LONG_BEFORE)[1] if each.rule == "connections"]
    assert found
    assert all(each.endswith(f"{clients}: a larger database.instance_class, {ways}") for each in found)


@pytest.mark.parametrize(
    ("cluster", "network", "ways"),
    [
        (
            {"pool": {"max_processors": 8}},
            "10.0.0.0/16",
            "raise compute.kubernetes.pool.max_processors, or lower compute.kubernetes.web.max",
        ),
        (
            {"pool": None, "tasks": {"app": "project"}},
            "10.0.0.0/16",
            "add a compute.kubernetes.pool, raise compute.kubernetes.groups[].desired, or lower "
            "compute.kubernetes.web.max or compute.kubernetes.tasks.workers[].max",
        ),
        (
            {},
            "10.0.0.0/23",
            "a larger network.cidr has more, and a lower compute.kubernetes.web.max or "
            "compute.kubernetes.pool.max_processors takes fewer",
        ),
    ],
)
def test_pods_without_room_come_with_the_ways_out(cluster: dict[str, Any], network: str, ways: str) -> None:
    (found,) = findings(network=network, endpoint=OPEN, **cluster)
    assert found.message.endswith(ways)


def test_an_unknown_node_is_not_judged() -> None:
    (found,) = findings(endpoint=OPEN, pool={"instance_types": ["g5g.xlarge"]})
    assert (found.severity, found.rule) == ("info", "node-capacity")


def test_subnets_too_small_for_the_pods_are_an_error() -> None:
    assert rules(network="10.0.0.0/23", endpoint=OPEN) == ["subnet-addresses"]
    small: dict[str, Any] = {"network": "10.0.0.0/22", "endpoint": OPEN, "web": {"max": 10}}
    # A node holds ten addresses and its own at the least, however few pods it runs.
    assert rules(**small, pool={"max_processors": 75}) == []
    assert rules(**small, pool={"max_processors": 76}) == ["subnet-addresses"]


@pytest.mark.parametrize(
    ("version", "today", "warned"),
    [
        ("1.34", date(2026, 9, 2), False),
        ("1.34", date(2026, 9, 3), True),
        ("1.34", date(2027, 1, 1), True),
        ("1.35", date(2026, 11, 24), False),
        ("1.36", date(2030, 1, 1), False),
    ],
)
def test_the_end_of_support_is_told_of_90_days_before_where_it_is_known(
    version: str, today: date, warned: bool
) -> None:
    assert ("kubernetes-support" in rules(today, version=version, endpoint=OPEN)) == warned


def test_the_warning_says_whose_date_it_is() -> None:
    (found,) = findings(date(2026, 11, 24), version="1.34", endpoint=OPEN)
    assert str(END_OF_STANDARD_SUPPORT["1.34"]) in found.message
    assert "AWS's calendar of 2026-04-24" in found.message
