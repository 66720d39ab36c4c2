"""The servers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.model.parsing import assert_rule, parse

_HIBERNATED = {"instance_type": "m7g.large", "warm_pool": {"state": "hibernated"}}
_SINGLE = "warm_pool: must be absent from a fleet with a spot share or several instance types"


@pytest.mark.parametrize(
    ("wrong", "message", "near"),
    [
        (
            {"instance_type": "large"},
            "instance_type: must be a type such as m7g.large, is 'large'",
            {"instance_type": "t4g.large"},
        ),
        (
            {"instance_type": "db.m7g.large"},
            "instance_type: must be a type such as m7g.large, is 'db.m7g.large'",
            {"instance_type": "m7g.large"},
        ),
        ({"min": 0}, "min: must be at least 1, is 0", {"min": 1}),
        ({"min": 4, "max": 3}, "max: must be at least servers.min (4), is 3", {"min": 4, "max": 4}),
        ({"warm_pool": {}, "spot_percent": 1}, _SINGLE, {"warm_pool": {}, "spot_percent": 0}),
        (
            {"warm_pool": {}, "other_instance_types": ["m7g.large"]},
            _SINGLE,
            {"warm_pool": None, "other_instance_types": ["m7g.large"]},
        ),
        (
            {**_HIBERNATED, "root_volume_gib": 15},
            "root_volume_gib: must be at least 16 to hibernate, is 15",
            {**_HIBERNATED, "root_volume_gib": 16},
        ),
        (
            {"refresh": {"min_healthy_percent": 99, "max_healthy_percent": 200}},
            "refresh.max_healthy_percent: must be at most 100 above the minimum (99), is 200",
            {"refresh": {"min_healthy_percent": 100, "max_healthy_percent": 200}},
        ),
        (
            {"ami": "ami-123"},
            "ami: must be keep, latest or an image's id (ami-...), is 'ami-123'",
            {"ami": "ami-0123456789abcdef0"},
        ),
        (
            {"log_retention_days": 31},
            "log_retention_days: must be a number of days that CloudWatch Logs knows (the nearest is 30), is 31",
            {"log_retention_days": 60},
        ),
        (
            {"egress_ports": [443]},
            "egress_ports: must name each port once, and neither 80 nor 443",
            {"egress_ports": [587, 465]},
        ),
        (
            {"egress_ports": [587, 587]},
            "egress_ports: must name each port once, and neither 80 nor 443",
            {"egress_ports": [587]},
        ),
    ],
)
def test_rules(wrong: dict[str, Any], message: str, near: dict[str, Any]) -> None:
    assert_rule("servers", wrong, message, near)


def test_a_stopped_pool_asks_nothing_of_the_root_volume() -> None:
    assert parse(servers={"instance_type": "m7g.16xlarge", "warm_pool": {}, "root_volume_gib": 8}).servers.warm_pool


def test_memory_that_is_not_known_keeps_nobody_from_hibernating() -> None:
    servers = {"instance_type": "x2gd.large", "warm_pool": {"state": "hibernated"}, "root_volume_gib": 8}
    assert parse(servers=servers).servers.warm_pool


@pytest.mark.parametrize(
    ("servers", "mixed"),
    [({}, False), ({"spot_percent": 50}, True), ({"other_instance_types": ["t4g.large"]}, True)],
)
def test_a_fleet_is_mixed_with_spot_instances_or_several_types(servers: dict[str, Any], mixed: bool) -> None:
    assert parse(servers=servers).servers.mixed is mixed


def test_types_are_the_first_choice_and_the_others_in_order() -> None:
    servers = parse(servers={"instance_type": "m7g.large", "other_instance_types": ["m6g.large", "m8g.large"]}).servers
    assert servers.types == ("m7g.large", "m6g.large", "m8g.large")
