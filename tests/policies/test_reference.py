"""The page on guard rails is the one that the rules write."""

from __future__ import annotations

from pathlib import Path

from policies.reference import document

PAGE = Path(__file__).parents[2] / "docs" / "policies.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == document()
