"""The subnets of an environment."""

from __future__ import annotations

from ipaddress import IPv4Network
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.addressing import LONGEST_PREFIX, SHORTEST_PREFIX, Subnets, subnets


def _block(address: int, prefix: int) -> IPv4Network:
    return IPv4Network((address, prefix), strict=False)


blocks = st.builds(_block, st.integers(0, 2**32 - 1), st.integers(SHORTEST_PREFIX, LONGEST_PREFIX))
zone_counts = st.integers(1, 4)


def _all(found: Subnets) -> list[IPv4Network]:
    return [*found.private, *found.public, *found.isolated]


@given(blocks, zone_counts)
def test_no_two_subnets_overlap(cidr: IPv4Network, zones: int) -> None:
    assert not any(one.overlaps(other) for one, other in combinations(_all(subnets(cidr, zones)), 2))


@given(blocks, zone_counts)
def test_every_subnet_lies_in_the_block(cidr: IPv4Network, zones: int) -> None:
    assert all(block.subnet_of(cidr) for block in _all(subnets(cidr, zones)))


@given(blocks, zone_counts)
def test_each_zone_has_a_subnet_of_each_kind(cidr: IPv4Network, zones: int) -> None:
    found = subnets(cidr, zones)
    assert len(found.private) == len(found.public) == len(found.isolated) == zones


@given(blocks, zone_counts)
def test_a_load_balancer_fits_into_a_public_subnet(cidr: IPv4Network, zones: int) -> None:
    assert all(block.prefixlen <= 27 for block in subnets(cidr, zones).public)


@given(blocks, st.integers(1, 3))
def test_a_further_zone_moves_no_subnet(cidr: IPv4Network, zones: int) -> None:
    before, after = subnets(cidr, zones), subnets(cidr, zones + 1)
    assert (after.private[:zones], after.public[:zones], after.isolated[:zones]) == (
        before.private,
        before.public,
        before.isolated,
    )


def test_servers_have_half_of_the_block_and_the_other_tiers_a_quarter_each() -> None:
    found = subnets(IPv4Network("10.20.0.0/16"), 3)
    assert [str(block) for block in found.private] == ["10.20.0.0/19", "10.20.32.0/19", "10.20.64.0/19"]
    assert [str(block) for block in found.public] == ["10.20.128.0/20", "10.20.144.0/20", "10.20.160.0/20"]
    assert [str(block) for block in found.isolated] == ["10.20.192.0/20", "10.20.208.0/20", "10.20.224.0/20"]


@pytest.mark.parametrize("zones", [0, 5])
def test_zones_are_one_to_four(zones: int) -> None:
    with pytest.raises(ValueError, match=f"zones: must be 1 to 4, is {zones}"):
        subnets(IPv4Network("10.0.0.0/16"), zones)
