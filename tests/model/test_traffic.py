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
    ("traffic", "roles"),
    [({}, ["api", "login"]), ({"api": None}, ["login"]), ({"api": None, "login": None}, [])],
)
def test_a_limit_can_be_switched_off(traffic: dict[str, Any], roles: list[str]) -> None:
    assert list(parse(traffic=traffic).traffic.limits) == roles


def test_by_default_an_api_client_has_100_requests_a_minute_and_a_login_5() -> None:
    limits = parse().traffic.limits
    assert {role: limit.per_minute for role, limit in limits.items()} == {"api": 100, "login": 5}
