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
    settings = parse(database=large, network={"cidr": network}, compute={"kubernetes": kubernetes})
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


def test_an_unknown_node_is_not_judged() -> None:
    (found,) = findings(endpoint=OPEN, pool={"instance_types": ["g5g.xlarge"]})
    assert (found.severity, found.rule) == ("info", "node-capacity")


def test_subnets_too_small_for_the_pods_are_an_error() -> None:
    assert rules(network="10.0.0.0/23", endpoint=OPEN) == ["subnet-addresses"]


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
