"""The network."""

from __future__ import annotations

from typing import Any

import pytest

from model.addressing import subnets
from tests.model.parsing import assert_rule, parse, problems


def _cidr(block: str, wanted: str) -> str:
    return f"cidr: must be {wanted}, is '{block}'"


_PRIVATE = "a private block (RFC 1918) of /16 to /23"
_DOCKER = "a block outside 172.17.0.0/16, which is Docker's on the servers"


@pytest.mark.parametrize(
    ("wrong", "message", "near"),
    [
        ({"cidr": "10.0.0.0/15"}, _cidr("10.0.0.0/15", _PRIVATE), {"cidr": "10.0.0.0/16"}),
        ({"cidr": "10.0.0.0/24"}, _cidr("10.0.0.0/24", _PRIVATE), {"cidr": "10.0.0.0/23"}),
        ({"cidr": "172.32.0.0/16"}, _cidr("172.32.0.0/16", _PRIVATE), {"cidr": "172.31.0.0/16"}),
        ({"cidr": "192.169.0.0/16"}, _cidr("192.169.0.0/16", _PRIVATE), {"cidr": "192.168.0.0/16"}),
        ({"cidr": "100.64.0.0/16"}, _cidr("100.64.0.0/16", _PRIVATE), {"cidr": "10.64.0.0/16"}),
        ({"cidr": "127.0.0.0/16"}, _cidr("127.0.0.0/16", _PRIVATE), {"cidr": "10.127.0.0/16"}),
        ({"cidr": "172.17.0.0/16"}, _cidr("172.17.0.0/16", _DOCKER), {"cidr": "172.18.0.0/16"}),
        ({"cidr": "172.17.8.0/22"}, _cidr("172.17.8.0/22", _DOCKER), {"cidr": "172.16.8.0/22"}),
        ({"zones": 1}, "zones: must be at least 2, is 1", {"zones": 2}),
        ({"zones": 4}, "zones: must be at most 3, is 4", {"zones": 3}),
    ],
)
def test_rules(wrong: dict[str, Any], message: str, near: dict[str, Any]) -> None:
    assert_rule("network", wrong, message, near)


@pytest.mark.parametrize("nat", ["per-zone", "single", "none"])
def test_ways_to_the_internet(nat: str) -> None:
    assert problems(network={"nat": nat}) == []


def test_the_subnets_are_those_of_its_block_and_zones() -> None:
    network = parse(network={"cidr": "10.20.0.0/16", "zones": 3}).network
    assert network.subnets == subnets(network.cidr, 3)
