"""Quantities in the form that the API server writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from render.quantities import cores, mebibytes, number


@pytest.mark.parametrize(("value", "text"), [(100, "100"), (1000 / 60, "16667m"), (0.5, "500m"), (1.0, "1")])
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(("value", "text"), [(750, "750m"), (2000, "2"), (1001, "1001m")])
def test_cores(value: int, text: str) -> None:
    assert cores(value) == text


@pytest.mark.parametrize(("value", "text"), [(1536, "1536Mi"), (2048, "2Gi"), (32, "32Mi")])
def test_mebibytes(value: int, text: str) -> None:
    assert mebibytes(value) == text


@given(st.integers(1, 1_500_000))
def test_nothing_is_lost(value: int) -> None:
    text = mebibytes(value)
    assert int(text[:-2]) * (1024 if text.endswith("Gi") else 1) == value
