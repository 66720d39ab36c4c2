"""What the network has no room for, and regions and zones that there are not."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network

from model import capacity
from model.settings import Settings
from policies import tokens as t
from policies.view import Resource
from scale.plan.refusals import tables
from scale.plan.refusals.keys import setting
from scale.plan.refusals.refusal import Planned, Refusal, answers

# VPC guide, "Subnet CIDR blocks": AWS keeps the first four addresses of a subnet and the last one.
_RESERVED_ADDRESSES = 5
# Elastic Load Balancing guide, "Application Load Balancers", subnets: the free addresses that a balancer needs.
_BALANCER_ADDRESSES = 8
_NAT_ADDRESSES = 1

# EC2 guide, "Regions and Availability Zones": a new account sees two of Northern California's zones, elsewhere three
# or more.
_ZONES: Mapping[str, int] = {"us-west-1": 2}
_ZONES_ELSEWHERE = 3

# Docker gives its bridge the first of its default address pools, and sends what goes there to its own containers
# (Docker manual, daemon.json, default-address-pools; VPC guide, "VPC CIDR blocks", warns of services that use it too).
_DOCKER_BRIDGE = IPv4Network("172.17.0.0/16")


@dataclass(frozen=True)
class _Tier:
    """Subnets of one kind, and what stands in one of them at the most."""

    role: str
    needed: int
    what: str


def network(planned: Planned) -> Iterator[Refusal]:
    """Yield what the network cannot be or cannot hold."""
    if planned.region not in tables.regions():
        close = difflib.get_close_matches(planned.region, tables.regions(), n=3)
        text = f"Could not connect to the endpoint: there is no region {planned.region} (near it: {', '.join(close)})"
        yield Refusal("region", None, text, "aws:region")
        return
    yield from _zones(planned)
    yield from _blocks(planned)
    if planned.settings is not None:
        yield from _sizes(planned, planned.settings)


def _zones(planned: Planned) -> Iterator[Refusal]:
    zones = {subnet.text("availabilityZone") for subnet in planned.stack.of(t.SUBNET)} - {""}
    there = _ZONES.get(planned.region, _ZONES_ELSEWHERE)
    if len(zones) > there:
        text = f"{planned.region} gives a new account {there} zones, and {len(zones)} are used"
        yield Refusal("zones", None, answers("CreateSubnet", "InvalidParameterValue", text), "network.zones")


def _blocks(planned: Planned) -> Iterator[Refusal]:
    for vpc in planned.stack.of(t.VPC):
        block = IPv4Network(vpc.text("cidrBlock"))
        if block.overlaps(_DOCKER_BRIDGE):
            text = (
                f"{block} meets {_DOCKER_BRIDGE}, which Docker routes to its own bridge: containers reach nothing there"
            )
            yield Refusal("docker-bridge", vpc, text, setting(vpc, "cidrBlock", planned.settings))
        subnets = planned.stack.users(vpc, "vpcId", t.SUBNET)
        yield from _conflicts(block, subnets, planned)


def _conflicts(block: IPv4Network, subnets: list[Resource], planned: Planned) -> Iterator[Refusal]:
    ranges = [(subnet, IPv4Network(subnet.text("cidrBlock"))) for subnet in subnets]
    for place, (subnet, own) in enumerate(ranges):
        key = setting(subnet, "cidrBlock", planned.settings)
        if not own.subnet_of(block):
            text = answers("CreateSubnet", "InvalidSubnet.Range", f"The CIDR '{own}' is not in {block}")
            yield Refusal("subnet-range", subnet, text, key)
        if not 16 <= own.prefixlen <= 28:
            text = answers("CreateSubnet", "InvalidSubnet.Range", f"The CIDR '{own}' is not a /16 to /28")
            yield Refusal("subnet-range", subnet, text, key)
        for other, theirs in ranges[:place]:
            if own.overlaps(theirs):
                text = f"The CIDR '{own}' conflicts with {other.name}"
                yield Refusal("subnet-range", subnet, answers("CreateSubnet", "InvalidSubnet.Conflict", text), key)


def _sizes(planned: Planned, settings: Settings) -> Iterator[Refusal]:
    """Yield tiers whose subnets are too small for what scaling, refreshes and failovers put into one of them."""
    subnets = planned.stack.of(t.SUBNET)
    for tier in _tiers(settings):
        for subnet in (each for each in subnets if each.name.startswith(f"{settings.prefix}-{tier.role}-")):
            there = IPv4Network(subnet.text("cidrBlock")).num_addresses - _RESERVED_ADDRESSES
            if tier.needed > there:
                text = f"{subnet.name} has {there} addresses for {tier.needed}: {tier.what}"
                answer = answers("CreateNetworkInterface", "InsufficientFreeAddressesInSubnet", text)
                yield Refusal("subnet-size", subnet, answer, setting(subnet, "cidrBlock", planned.settings))
                break


def _tiers(settings: Settings) -> Iterator[_Tier]:
    zones = settings.network.zones
    fleet = capacity.capacity(settings).servers_during_refresh
    # Auto Scaling spreads over the zones there are; while one of them fails the others take its share.
    servers = -(-fleet // max(zones - 1, 1))
    what = f"{fleet} servers during a refresh over {zones} zones of which one has failed"
    public = settings.network.nat == "none"
    ways = _BALANCER_ADDRESSES + (0 if public else _NAT_ADDRESSES)
    yield _Tier(
        "public", ways + (servers if public else 0), f"the load balancer and {what}" if public else "the load balancer"
    )
    if not public:
        yield _Tier("private", servers, what)
    groups = [group for group in (settings.cache.data, settings.cache.sessions) if group is not None]
    nodes = sum(-(-group.nodes // zones) for group in groups)
    databases = 2 + len(settings.database.replicas)
    yield _Tier("isolated", nodes + databases, f"{nodes} cache nodes and {databases} database instances")
