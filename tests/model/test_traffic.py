"""What happens to a request before Django sees it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from model.traffic import RateLimit, WafRate
from tests.model.parsing import assert_rule, parse


@pytest.mark.parametrize(
    ("wrong", "message", "near"),
    [
        (
            {"api": {"path": "api/", "per_minute": 100}},
            "api.path: must be a path that begins with /, is 'api/'",
            {"api": {"path": "/api/", "per_minute": 100}},
        ),
        (
            {"api": {"path": "/api/?page=1", "per_minute": 100}},
            "api.path: must be a path that begins with /, is '/api/?page=1'",
            {"api": {"path": "/api/page/1", "per_minute": 100}},
        ),
        (
            {"login": {"path": "/login/", "per_minute": 0}},
            "login.per_minute: must be at least 1, is 0",
            {"login": {"path": "/login/", "per_minute": 1}},
        ),
        (
            {"api": {"path": "/api//v1/", "per_minute": 100}},
            "api.path: must be a path without empty, '.' and '..' parts, is '/api//v1/'",
            {"api": {"path": "/api/v1/", "per_minute": 100}},
        ),
        (
            {"api": {"path": "/api/../", "per_minute": 100}},
            "api.path: must be a path without empty, '.' and '..' parts, is '/api/../'",
            {"api": {"path": "/api/.../", "per_minute": 100}},
        ),
        (
            {"static_path": "/static"},
            "static_path: must end with /, is '/static'",
            {"static_path": "/static/"},
        ),
        (
            {"static_path": "/"},
            "static_path: must have at least 2 characters, is '/'",
            {"static_path": "/s/"},
        ),
        (
            {"balancer": "nginx"},
            "balancer: must be 'alb' or 'haproxy', is 'nginx'",
            {"balancer": "alb"},
        ),
        (
            {"pool": {"keepalive_seconds": 75}},
            "pool.keepalive_seconds: must be at most 70, is 75",
            {"pool": {"keepalive_seconds": 70}},
        ),
        (
            {"retries": {"causes": ["error", "timeout", "error"]}},
            "retries.causes[2]: must be unique, 'error' is named twice",
            {"retries": {"causes": ["error", "timeout"]}},
        ),
        (
            # nginx counts them in 16 bits.
            {"connections_per_client": 65_536},
            "connections_per_client: must be at most 65535, is 65536",
            {"connections_per_client": 65_535},
        ),
        (
            {"hsts_seconds": 63_072_001},
            "hsts_seconds: must be at most 63072000, is 63072001",
            {"hsts_seconds": 63_072_000},
        ),
        (
            {"health_check": {"interval_seconds": 15, "timeout_seconds": 15}},
            "health_check.timeout_seconds: must be below interval_seconds (15), is 15",
            {"health_check": {"interval_seconds": 15, "timeout_seconds": 14}},
        ),
        (
            {"firewall": {"managed_groups": ["common", "sql", "common"]}},
            "firewall.managed_groups[2]: must be unique, 'common' is named twice",
            {"firewall": {"managed_groups": ["common", "sql", "linux"]}},
        ),
        (
            {"algorithm": "round_robin", "slow_start_seconds": 29},
            "slow_start_seconds: must be 0 or at least 30, is 29",
            {"algorithm": "round_robin", "slow_start_seconds": 30},
        ),
        (
            {"algorithm": "least_outstanding_requests", "slow_start_seconds": 30},
            "slow_start_seconds: must be 0 with the algorithm least_outstanding_requests, is 30",
            {"algorithm": "least_outstanding_requests", "slow_start_seconds": 0},
        ),
        (
            {"algorithm": "weighted_random", "slow_start_seconds": 30},
            "slow_start_seconds: must be 0 with the algorithm weighted_random, is 30",
            {"algorithm": "round_robin", "slow_start_seconds": 30},
        ),
    ],
)
def test_rules(wrong: dict[str, Any], message: str, near: dict[str, Any]) -> None:
    assert_rule("traffic", wrong, message, near)


@given(st.integers(1, 2_000_000))
@example(1)
@example(2)
@example(9)
@example(10)
def test_a_waf_rate_is_the_limit_s_in_a_window_that_waf_knows(per_minute: int) -> None:
    rate = RateLimit(path="/", per_minute=per_minute).waf_rate()
    assert rate.window_seconds in {60, 120, 300, 600}
    assert 10 <= rate.limit <= 2_000_000_000
    assert rate.limit * 60 == per_minute * rate.window_seconds


@pytest.mark.parametrize(
    ("per_minute", "expected"),
    [
        (100, WafRate(100, 60)),
        (10, WafRate(10, 60)),
        (9, WafRate(45, 300)),
        (5, WafRate(25, 300)),
        (1, WafRate(10, 600)),
    ],
)
def test_the_window_is_the_shortest_in_which_the_limit_is_ten(per_minute: int, expected: WafRate) -> None:
    assert RateLimit(path="/", per_minute=per_minute).waf_rate() == expected


@pytest.mark.parametrize(
    ("per_minute", "burst", "at_once", "window_ms"),
    [
        (100, None, 21, 12_600),  # the guide's: burst=20
        (5, None, 4, 48_000),  # and burst=3
        (100, 0, 1, 600),
        (60, 9, 10, 10_000),
        (2_000_000, None, 10_001, 300),
        (2_000_000, 0, 1, 1),
        (1, 10_000, 10_001, 600_060_000),
    ],
)
def test_a_burst_and_its_window_are_the_limit_s_rate(
    per_minute: int, burst: int | None, at_once: int, window_ms: int
) -> None:
    limit = RateLimit(path="/", per_minute=per_minute, burst=burst)
    assert (limit.at_once, limit.window_ms) == (at_once, window_ms)


@pytest.mark.parametrize(
    ("traffic", "roles"),
    [({}, ["api", "login"]), ({"api": None}, ["login"]), ({"api": None, "login": None}, [])],
)
def test_a_limit_can_be_switched_off(traffic: dict[str, Any], roles: list[str]) -> None:
    assert list(parse(traffic=traffic).traffic.limits) == roles


def test_by_default_an_api_client_has_100_requests_a_minute_and_a_login_5() -> None:
    limits = parse().traffic.limits
    assert {role: limit.per_minute for role, limit in limits.items()} == {"api": 100, "login": 5}
