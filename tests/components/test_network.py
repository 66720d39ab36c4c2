"""The VPC: subnets by tier and zone, ways out, the endpoint, flow logs."""

from __future__ import annotations

from functools import cache
from ipaddress import IPv4Network

import pytest

from components.network import Network
from scale.testing import Recording, run
from tests.components.building import (
    LOG_GROUP,
    NAME,
    ROLE,
    ROLE_POLICY,
    ZONES,
    component,
    counts,
    get,
    settings,
    statements,
    waits_for,
)

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
NAT = "aws:ec2/natGateway:NatGateway"
EIP = "aws:ec2/eip:Eip"
ROUTE = "aws:ec2/route:Route"
TABLE = "aws:ec2/routeTable:RouteTable"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
GATEWAY = "aws:ec2/internetGateway:InternetGateway"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
FLOW_LOG = "aws:ec2/flowLog:FlowLog"


@cache
def built(nat: str = "per-zone", zones: int = 3, flow_logs: bool = True) -> Recording:
    network = settings(network={"nat": nat, "zones": zones, "flow_logs": flow_logs, "cidr": "10.20.0.0/16"}).network
    return run(lambda: Network(NAME, network, "eu-west-1", ZONES[:zones]))


def test_it_has_exactly_these_resources() -> None:
    assert counts(built()) == {
        "DefaultSecurityGroup": 1,
        "Eip": 3,
        "FlowLog": 1,
        "InternetGateway": 1,
        "LogGroup": 1,
        "NatGateway": 3,
        "Role": 1,
        "RolePolicy": 1,
        "Route": 4,
        "RouteTable": 5,
        "RouteTableAssociation": 9,
        "Subnet": 9,
        "Vpc": 1,
        "VpcEndpoint": 1,
    }


def test_everything_is_its_own_child() -> None:
    plan = built()
    assert len(plan.children(component(plan, "Network"))) == len(plan.all()) - 1


def test_the_vpc_answers_dns_with_host_names() -> None:
    vpc = built().one(VPC)
    assert get(vpc, "cidrBlock") == "10.20.0.0/16"
    assert get(vpc, "enableDnsSupport") is True
    assert get(vpc, "enableDnsHostnames") is True


def test_the_default_security_group_lets_nothing_through() -> None:
    group = built().one("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
    assert get(group, "vpcId") == built().one(VPC).id
    assert "ingress" not in group.properties
    assert "egress" not in group.properties


@pytest.mark.parametrize("tier", ["public", "private", "isolated"])
def test_each_tier_has_a_subnet_in_each_zone(tier: str) -> None:
    subnets = [built().one(SUBNET, f"{NAME}-{tier}-{place}") for place in (1, 2, 3)]
    assert [get(subnet, "availabilityZone") for subnet in subnets] == ZONES
    assert {get(subnet, "vpcId") for subnet in subnets} == {built().one(VPC).id}


def test_no_two_subnets_overlap_and_all_are_in_the_vpc() -> None:
    blocks = [IPv4Network(get(subnet, "cidrBlock")) for subnet in built().all(SUBNET)]
    assert all(block.subnet_of(IPv4Network("10.20.0.0/16")) for block in blocks)
    assert not any(one.overlaps(other) for one in blocks for other in blocks if one != other)


def test_a_subnet_stays_in_its_zone_when_aws_lists_the_zones_in_another_order() -> None:
    assert {subnet.ignore_changes for subnet in built().all(SUBNET)} == {("availabilityZone",)}


@pytest.mark.parametrize("nat", ["per-zone", "single"])
def test_no_subnet_gives_public_addresses_where_there_is_nat(nat: str) -> None:
    assert {get(subnet, "mapPublicIpOnLaunch") for subnet in built(nat).all(SUBNET)} == {False}


def test_public_subnets_reach_the_internet_by_the_gateway() -> None:
    plan = built()
    route = plan.one(ROUTE, f"{NAME}-public-internet")
    assert get(route, "gatewayId") == plan.one(GATEWAY).id
    assert get(route, "destinationCidrBlock") == "0.0.0.0/0"
    assert get(route, "routeTableId") == plan.one(TABLE, f"{NAME}-public").id
    for place in (1, 2, 3):
        association = plan.one(ASSOCIATION, f"{NAME}-public-{place}")
        assert get(association, "routeTableId") == plan.one(TABLE, f"{NAME}-public").id
        assert get(association, "subnetId") == plan.one(SUBNET, f"{NAME}-public-{place}").id


@pytest.mark.parametrize("place", [1, 2, 3])
def test_with_nat_per_zone_a_private_subnet_leaves_through_its_own_zone(place: int) -> None:
    plan = built()
    gateway = plan.one(NAT, f"{NAME}-nat-{place}")
    assert get(plan.one(ROUTE, f"{NAME}-private-{place}-internet"), "natGatewayId") == gateway.id
    assert get(gateway, "subnetId") == plan.one(SUBNET, f"{NAME}-public-{place}").id
    assert get(gateway, "allocationId") == plan.one(EIP, f"{NAME}-nat-{place}").id


def test_with_a_single_nat_all_private_subnets_leave_through_it() -> None:
    plan = built("single")
    routes = [plan.one(ROUTE, f"{NAME}-private-{place}-internet") for place in (1, 2, 3)]
    assert {get(route, "natGatewayId") for route in routes} == {plan.one(NAT).id}
    assert len(plan.all(EIP)) == 1


def test_each_private_subnet_has_a_table_of_its_own() -> None:
    plan = built("single")
    for place in (1, 2, 3):
        table = plan.one(TABLE, f"{NAME}-private-{place}")
        assert get(plan.one(ROUTE, f"{NAME}-private-{place}-internet"), "routeTableId") == table.id
        assert get(plan.one(ASSOCIATION, f"{NAME}-private-{place}"), "routeTableId") == table.id


def test_a_nat_gateway_waits_for_the_internet_gateway_and_goes_before_it() -> None:
    plan = built()
    assert all(waits_for(plan, gateway, plan.one(GATEWAY)) for gateway in plan.all(NAT))


def test_without_nat_there_is_no_private_subnet_and_public_ones_give_addresses() -> None:
    plan = built("none")
    assert plan.all(NAT) == plan.all(EIP) == []
    tiers = [(get(subnet, "tags.Tier"), get(subnet, "mapPublicIpOnLaunch")) for subnet in plan.all(SUBNET)]
    assert tiers == [("public", True)] * 3 + [("isolated", False)] * 3


@pytest.mark.parametrize(("nat", "tier"), [("per-zone", "private"), ("single", "private"), ("none", "public")])
def test_servers_stand_where_they_have_a_way_out(nat: str, tier: str) -> None:
    plan = built(nat)
    outputs = plan.registered_outputs[component(plan, "Network").urn]
    assert outputs["server_subnet_ids"] == [plan.one(SUBNET, f"{NAME}-{tier}-{place}").id for place in (1, 2, 3)]


@pytest.mark.parametrize("nat", ["per-zone", "single", "none"])
def test_isolated_subnets_have_no_way_out(nat: str) -> None:
    plan = built(nat)
    table = plan.one(TABLE, f"{NAME}-isolated")
    associations = [plan.one(ASSOCIATION, f"{NAME}-isolated-{place}") for place in (1, 2, 3)]
    assert {get(association, "routeTableId") for association in associations} == {table.id}
    assert table.id not in [get(route, "routeTableId") for route in plan.all(ROUTE)]


@pytest.mark.parametrize("nat", ["per-zone", "none"])
def test_s3_is_reached_by_the_endpoint_from_every_table(nat: str) -> None:
    plan = built(nat)
    endpoint = plan.one(ENDPOINT)
    assert get(endpoint, "serviceName") == "com.amazonaws.eu-west-1.s3"
    assert get(endpoint, "vpcEndpointType") == "Gateway"
    assert set(get(endpoint, "routeTableIds")) == {table.id for table in plan.all(TABLE)}


def test_two_zones_are_enough() -> None:
    assert len(built(zones=2).all(SUBNET)) == 6


def test_flow_logs_hold_accepted_and_rejected_connections() -> None:
    plan = built()
    log = plan.one(FLOW_LOG)
    assert get(log, "trafficType") == "ALL"
    assert get(log, "vpcId") == plan.one(VPC).id
    assert get(log, "logDestination") == plan.one(LOG_GROUP).state["arn"]
    assert get(log, "iamRoleArn") == plan.one(ROLE).state["arn"]


def test_flow_logs_are_kept_for_the_days_of_the_settings() -> None:
    assert get(built().one(LOG_GROUP), "retentionInDays") == 14


def test_flow_logs_may_write_to_their_own_group_alone() -> None:
    plan = built()
    (trust,) = statements(plan.one(ROLE), "assumeRolePolicy")
    assert trust["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    (grant,) = statements(plan.one(ROLE_POLICY))
    assert grant["Resource"] == [f"{plan.one(LOG_GROUP).state['arn']}:*"]
    assert grant["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]


def test_flow_logs_start_when_their_role_may_write() -> None:
    plan = built()
    assert plan.one(ROLE_POLICY).urn in plan.one(FLOW_LOG).depends_on


def test_flow_logs_can_be_switched_off() -> None:
    plan = built(flow_logs=False)
    assert plan.all(FLOW_LOG) == plan.all(LOG_GROUP) == plan.all(ROLE) == []


def test_a_preview_registers_the_same_resources() -> None:
    network = settings().network
    preview = run(lambda: Network(NAME, network, "eu-west-1", ZONES[:2]), "preview")
    update = run(lambda: Network(NAME, network, "eu-west-1", ZONES[:2]))
    assert preview.resources.keys() == update.resources.keys()
