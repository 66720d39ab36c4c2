"""Who may open a connection to whom."""

from __future__ import annotations

from functools import cache

import pytest

from components.security_groups import SecurityGroups
from scale.testing import Recording, run
from tests.components.building import NAME, component, counts, get

GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"


@cache
def built(https: bool = True) -> Recording:
    return run(lambda: SecurityGroups(NAME, "vpc-1", application_port=8000, database_port=5433, https=https))


def rules(plan: Recording, type_: str) -> dict[str, tuple[str, str, int, int]]:
    """Return each rule's group, its other side, and its ports, by the rule's name without the prefix."""
    names = {group.id: group.name.removeprefix(f"{NAME}-") for group in plan.all(GROUP)}
    return {
        rule.name.removeprefix(f"{NAME}-"): (
            names[get(rule, "securityGroupId")],
            get(rule, "cidrIpv4") or names[get(rule, "referencedSecurityGroupId")],
            get(rule, "fromPort"),
            get(rule, "toPort"),
        )
        for rule in plan.all(type_)
    }


def test_it_has_exactly_these_resources() -> None:
    assert counts(built()) == {"SecurityGroup": 4, "SecurityGroupEgressRule": 5, "SecurityGroupIngressRule": 5}
    assert len(built().children(component(built(), "SecurityGroups"))) == 14


def test_connections_come_in_from_one_group_to_the_next_and_from_the_internet_to_the_balancer_alone() -> None:
    assert rules(built(), INGRESS) == {
        "balancer-from-internet-80": ("balancer", "0.0.0.0/0", 80, 80),
        "balancer-from-internet-443": ("balancer", "0.0.0.0/0", 443, 443),
        "servers-from-balancer": ("servers", "balancer", 8000, 8000),
        "database-from-servers": ("database", "servers", 5433, 5433),
        "cache-from-servers": ("cache", "servers", 6379, 6379),
    }


def test_connections_go_out_the_same_way_and_from_servers_to_web_ports() -> None:
    assert rules(built(), EGRESS) == {
        "balancer-to-servers": ("balancer", "servers", 8000, 8000),
        "servers-to-database": ("servers", "database", 5433, 5433),
        "servers-to-cache": ("servers", "cache", 6379, 6379),
        "servers-to-internet-80": ("servers", "0.0.0.0/0", 80, 80),
        "servers-to-internet-443": ("servers", "0.0.0.0/0", 443, 443),
    }


def test_database_and_cache_open_no_connection() -> None:
    assert {group for group, *_ in rules(built(), EGRESS).values()} == {"balancer", "servers"}


def test_without_https_port_443_is_closed() -> None:
    assert "balancer-from-internet-443" not in rules(built(https=False), INGRESS)
    assert "balancer-from-internet-80" in rules(built(https=False), INGRESS)


@pytest.mark.parametrize("type_", [INGRESS, EGRESS])
def test_every_rule_is_tcp_and_says_what_it_is_for(type_: str) -> None:
    assert {get(rule, "ipProtocol") for rule in built().all(type_)} == {"tcp"}
    assert all(get(rule, "description") for rule in built().all(type_))


def test_groups_hold_no_inline_rules_which_would_fight_with_the_separate_ones() -> None:
    for group in built().all(GROUP):
        assert "ingress" not in group.properties
        assert "egress" not in group.properties


def test_groups_that_refer_to_each_other_can_be_deleted() -> None:
    assert {get(group, "revokeRulesOnDelete") for group in built().all(GROUP)} == {True}


def test_groups_are_in_the_vpc_and_named_for_people() -> None:
    assert {get(group, "vpcId") for group in built().all(GROUP)} == {"vpc-1"}
    assert [get(group, "tags.Name") for group in built().all(GROUP)] == [group.name for group in built().all(GROUP)]


def test_groups_have_generated_names_so_that_they_can_be_replaced() -> None:
    assert all("name" not in group.properties for group in built().all(GROUP))


def test_servers_reach_anywhere_on_the_ports_that_the_settings_add() -> None:
    plan = run(
        lambda: SecurityGroups(
            NAME, "vpc-1", application_port=8000, database_port=5433, https=True, egress_ports=[587, 2525]
        )
    )
    added = {name: rule for name, rule in rules(plan, EGRESS).items() if name not in rules(built(), EGRESS)}
    assert added == {
        "servers-to-internet-587": ("servers", "0.0.0.0/0", 587, 587),
        "servers-to-internet-2525": ("servers", "0.0.0.0/0", 2525, 2525),
    }
    assert rules(plan, INGRESS) == rules(built(), INGRESS)
