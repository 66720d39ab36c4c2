"""The caches."""

from __future__ import annotations

from typing import Any

import pytest

from tests.model.parsing import assert_rule, parse, problems


@pytest.mark.parametrize(
    ("wrong", "message", "near"),
    [
        (
            {"engine": "memcached"},
            "engine: must be 'valkey' or 'redis', is 'memcached'",
            {"engine": "valkey"},
        ),
        (
            {"engine_version": "7.1"},
            "engine_version: must be one of 7.2, 8.0, 8.1, 8.2, 9.0 for valkey, is '7.1'",
            {"engine": "redis", "engine_version": "7.1"},
        ),
        (
            {"engine": "redis", "engine_version": "8.0"},
            "engine_version: must be one of 7.0, 7.1 for redis, is '8.0'",
            {"engine": "valkey", "engine_version": "8.0"},
        ),
        (
            {"data": {"node_type": "m7g.large"}},
            "data.node_type: must be a type such as cache.m7g.large, is 'm7g.large'",
            {"data": {"node_type": "cache.m7g.large"}},
        ),
        (
            {"sessions": {"node_type": "cache.r6gd.xlarge"}},
            "sessions.node_type: must not tier data to disks, as r6gd nodes do, is 'cache.r6gd.xlarge'",
            {"sessions": {"node_type": "cache.r6g.xlarge"}},
        ),
        (
            {"data": {"shards": 46, "replicas": 1}},
            "data.shards: must give at most 90 nodes with their replicas, is 46 (92 nodes)",
            {"data": {"shards": 45, "replicas": 1}},
        ),
        ({"data": {"replicas": 6}}, "data.replicas: must be at most 5, is 6", {"data": {"replicas": 5}}),
        ({"data": {"shards": 0}}, "data.shards: must be at least 1, is 0", {"data": {"shards": 1}}),
    ],
)
def test_rules(wrong: dict[str, Any], message: str, near: dict[str, Any]) -> None:
    assert_rule("cache", wrong, message, near)


def test_nodes_are_those_of_all_shards_with_their_replicas() -> None:
    data = parse(cache={"data": {"shards": 3, "replicas": 2}}).cache.data
    assert data is not None
    assert data.nodes == 9


def test_one_eviction_of_a_session_is_an_alarm_and_a_thousand_of_other_keys() -> None:
    cache = parse().cache
    assert cache.sessions is not None
    assert cache.data is not None
    assert (cache.sessions.evictions_alarm, cache.data.evictions_alarm) == (0, 1000)


@pytest.mark.parametrize("group", ["data", "sessions"])
def test_a_group_can_be_left_out(group: str) -> None:
    assert problems(cache={group: None}) == []
