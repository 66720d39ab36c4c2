"""Which paths there are, and how requests are divided between them."""

from __future__ import annotations

from typing import Any

import pytest

from model.compute import Split
from tests.model.parsing import assert_rule, parse, problems


def test_without_a_word_there_are_servers_alone() -> None:
    compute = parse().compute
    assert compute.servers
    assert compute.kubernetes is None


@pytest.mark.parametrize(
    ("compute", "servers", "kubernetes"),
    [
        ({}, 100, 0),
        ({"kubernetes": {}}, 100, 0),
        ({"kubernetes": {}, "split": {"servers": 0, "kubernetes": 1}}, 0, 1),
        ({"servers": False, "kubernetes": {}}, 0, 100),
    ],
)
def test_requests_go_to_the_servers_until_the_split_says_otherwise(
    compute: dict[str, Any], servers: int, kubernetes: int
) -> None:
    assert parse(compute=compute).compute.weights == Split(servers=servers, kubernetes=kubernetes)


REFUSED: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    (
        {"servers": False},
        "servers: must be true where compute.kubernetes is absent: nothing would run the application",
        {"servers": False, "kubernetes": {}},
    ),
    (
        {"servers": False, "kubernetes": {}, "split": {}},
        "split: must be absent where requests have one way only: compute.servers and .kubernetes",
        {"servers": True, "kubernetes": {}, "split": {}},
    ),
    (
        {"kubernetes": {}, "split": {"servers": 0}},
        "split.kubernetes: must not be 0 where servers is 0: the load balancer would send nobody anywhere",
        {"kubernetes": {}, "split": {"servers": 0, "kubernetes": 1}},
    ),
    (
        {"kubernetes": {"nodes": "auto", "groups": [{}]}},
        "kubernetes.groups: must be absent with nodes: auto, which has no node groups",
        {"kubernetes": {"nodes": "auto"}},
    ),
    (
        {"kubernetes": {"nodes": "auto", "pool": {"image_version": "v1.52.0"}}},
        "kubernetes.pool.image_version: must be absent with nodes: auto, whose images are EKS's own",
        {"kubernetes": {"pool": {"image_version": "v1.52.0"}}},
    ),
    (
        {"kubernetes": {"pool": {"image_version": "v20260210"}}},
        "kubernetes.pool.image_version: must be latest or a version of bottlerocket such as v1.52.0, is 'v20260210'",
        {"kubernetes": {"pool": {"image_version": "v20260210", "image": "al2023"}}},
    ),
    (
        {"kubernetes": {"nodes": "auto", "pool": None}},
        "kubernetes.pool: must be a group with nodes: auto, whose only nodes it describes",
        {"kubernetes": {"pool": None}},
    ),
    (
        {"kubernetes": {"groups": [{"min": 0}]}},
        "kubernetes.groups[0].min: must be at least 1: names, metrics and what adds nodes need one to run on",
        {"kubernetes": {"groups": [{"min": 0, "desired": 1}]}},
    ),
    (
        {"kubernetes": {"groups": [{"min": 3, "desired": 2}]}},
        "kubernetes.groups[0].desired: must be 3 to 4, is 2",
        {"kubernetes": {"groups": [{"min": 3, "desired": 3}]}},
    ),
    (
        {"kubernetes": {"endpoint": {"public_cidrs": ["0.0.0.0/0"]}}},
        "kubernetes.endpoint.public_cidrs[0]: must be a block that is not all addresses, is '0.0.0.0/0'",
        {"kubernetes": {"endpoint": {"public_cidrs": ["203.0.113.7/32"]}}},
    ),
    (
        {"kubernetes": {"version": 1.35}},
        "kubernetes.version: must be '1.34', '1.35' or '1.36', is 1.35",
        {"kubernetes": {"version": "1.35"}},
    ),
    (
        {"kubernetes": {"pool": {"zones": [3]}}},
        "kubernetes.pool.zones: must be at most network.zones (2), is 3",
        {"kubernetes": {"pool": {"zones": [2]}}},
    ),
    (
        {"kubernetes": {"pool": {"instance_types": ["m7i.large"]}}},
        "kubernetes.pool.instance_types[0]: must be arm64, as the image is (application.architecture), is "
        "'m7i.large', x86_64",
        {"kubernetes": {"pool": {"instance_types": ["m7g.large"]}}},
    ),
]


@pytest.mark.parametrize(("wrong", "message", "near"), REFUSED)
def test_what_cannot_be_built_is_refused_in_the_users_words(
    wrong: dict[str, Any], message: str, near: dict[str, Any]
) -> None:
    assert_rule("compute", wrong, message, near)


def test_nodes_need_private_subnets() -> None:
    assert problems(network={"nat": "none"}, compute={"kubernetes": {}}) == [
        "network.nat: must be single or per-zone with compute.kubernetes: nodes have no public address"
    ]


def test_servers_that_do_not_run_may_be_of_another_architecture() -> None:
    fleet = {"instance_type": "m7i.large"}
    assert problems(servers=fleet, compute={"servers": False, "kubernetes": {}}) == []
    assert problems(servers=fleet, compute={"kubernetes": {}}) != []
