"""What the page draws, and when."""

from __future__ import annotations

from scale.local.page import evenly
from tests.scale.local.test_live import snapshot


def test_looks_that_come_late_are_drawn_when_they_came() -> None:
    late = [snapshot(at=float(at)) for at in (100, 101, 102, 103, 110)]
    assert [each.at for each in evenly(late)] == [101, 103, 103, 110, 110]


def test_looks_that_come_in_time_are_drawn_one_by_one() -> None:
    even = [snapshot(at=float(at)) for at in range(100, 105)]
    assert evenly(even) == even


def test_one_look_is_drawn_alone() -> None:
    only = snapshot()
    assert evenly([only]) == [only]
