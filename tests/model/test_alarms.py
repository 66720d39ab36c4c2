"""Who is told, and when."""

from __future__ import annotations

from typing import Any

import pytest

from tests.model.parsing import assert_rule


@pytest.mark.parametrize(
    ("wrong", "message", "near"),
    [
        (
            {"emails": ["a@example.com", "b.example.com"]},
            "emails[1]: must be an e-mail address, is 'b.example.com'",
            {"emails": ["a@example.com", "b@example.com"]},
        ),
        (
            {"emails": ["a@example.com", "a@example.com"]},
            "emails[1]: must be unique, 'a@example.com' is named twice",
            {"emails": ["a@example.com", "a@example.org"]},
        ),
        (
            {"https": ["http://example.com"]},
            "https[0]: must be an address that begins with https://, is 'http://example.com'",
            {"https": ["https://example.com"]},
        ),
        (
            {"https": ["https://example.com", "https://example.com"]},
            "https[1]: must be unique, 'https://example.com' is named twice",
            {"https": ["https://example.com", "https://example.com/2"]},
        ),
        ({"error_percent": 0}, "error_percent: must be above 0, is 0", {"error_percent": 0.1}),
        ({"error_percent": 100.5}, "error_percent: must be at most 100, is 100.5", {"error_percent": 100}),
        ({"period_seconds": 0}, "period_seconds: must be at least 60, is 0", {"period_seconds": 60}),
        ({"period_seconds": 90}, "period_seconds: must be a multiple of 60, is 90", {"period_seconds": 120}),
    ],
)
def test_rules(wrong: dict[str, Any], message: str, near: dict[str, Any]) -> None:
    assert_rule("alarms", wrong, message, near)
