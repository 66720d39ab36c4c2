"""Static files and media."""

from __future__ import annotations

from typing import Any

import pytest

from tests.model.parsing import assert_rule


@pytest.mark.parametrize(
    ("wrong", "message", "near"),
    [
        (
            {"price_class": "PriceClass_300"},
            "price_class: must be 'PriceClass_100', 'PriceClass_200' or 'PriceClass_All', is 'PriceClass_300'",
            {"price_class": "PriceClass_200"},
        ),
        ({"old_version_days": 0}, "old_version_days: must be at least 1, is 0", {"old_version_days": 1}),
        (
            {"hashed_seconds": 31_536_001},
            "hashed_seconds: must be at most 31536000, is 31536001",
            {"hashed_seconds": 31_536_000},
        ),
    ],
)
def test_rules(wrong: dict[str, Any], message: str, near: dict[str, Any]) -> None:
    assert_rule("storage", wrong, message, near)
