"""Logs and traces: what the settings may say."""

from __future__ import annotations

from typing import Any

import pytest

from model.observability import Observability
from tests.model.parsing import assert_rule, parse


@pytest.mark.parametrize(
    ("wrong", "message", "near"),
    [
        (
            {"log_level": "info"},
            "log_level: must be 'DEBUG', 'INFO', 'WARNING', 'ERROR' or 'CRITICAL', is 'info'",
            {"log_level": "INFO"},
        ),
        ({"slow_seconds": 0}, "slow_seconds: must be above 0, is 0", {"slow_seconds": 0.1}),
        (
            {"tracing": {"sample_percent": 0}},
            "tracing.sample_percent: must be above 0, is 0",
            {"tracing": {"sample_percent": 0.01}},
        ),
        (
            {"tracing": {"endpoint": "otlp.example.com:4318"}},
            "tracing.endpoint: must be an address of OTLP over HTTP that begins with https:// or http://, is"
            " 'otlp.example.com:4318'",
            {"tracing": {"endpoint": "https://otlp.example.com:4318"}},
        ),
        (
            {"error_tracker": "shop.errors.start"},
            "error_tracker: must be a function's path such as package.module:function, is 'shop.errors.start'",
            {"error_tracker": "shop.errors:start"},
        ),
    ],
)
def test_rules(wrong: dict[str, Any], message: str, near: dict[str, Any]) -> None:
    assert_rule("observability", wrong, message, near)


@pytest.mark.parametrize(
    ("given", "collects"),
    [({}, False), ({"tracing": {}}, True), ({"tracing": {"endpoint": "https://otlp.example.com"}}, False)],
)
def test_servers_collect_traces_that_go_to_x_ray(given: dict[str, Any], collects: bool) -> None:
    assert Observability.model_validate(given).collects is collects


@pytest.mark.parametrize(
    ("image", "release"),
    [
        ("shop:1.4.0", "1.4.0"),
        ("localhost:5000/shop/web:v2", "v2"),
        ("ghcr.io/example/shop@sha256:" + "0123456789abcdef" * 4, "0123456789ab"),
        ("shop:1.4.0@sha256:" + "0123456789abcdef" * 4, "0123456789ab"),
    ],
)
def test_a_release_is_called_by_its_digest_or_else_its_tag(image: str, release: str) -> None:
    assert parse(application={"image": image}).application.release == release
