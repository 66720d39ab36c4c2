"""Step and simple scaling, by the worked examples of the Auto Scaling guide."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.scaling import DatabaseConnections
from scale.simulate.controllers.step import (
    SimpleScaling,
    StepInterval,
    StepScaling,
    adjusted,
    rounded,
    step_for,
)

# "Step adjustments": an alarm at 50 %, these steps out and in.
OUT = StepScaling((StepInterval(0, 10, 0), StepInterval(10, 20, 10), StepInterval(20, None, 30)), 50)
IN = StepScaling((StepInterval(-10, 0, 0), StepInterval(-20, -10, -10), StepInterval(None, -20, -30)), 50)


@pytest.mark.parametrize(
    ("change", "whole"), [(12.7, 12), (0.67, 1), (-0.58, -1), (-6.67, -6), (0, 0), (1, 1), (-1, -1), (3.3, 3)]
)
def test_a_percentage_is_rounded_as_published(change: float, whole: int) -> None:
    assert rounded(change) == whole


@pytest.mark.parametrize(
    ("policy", "value", "capacity", "desired"),
    [(OUT, 59, 10, 10), (OUT, 60, 10, 11), (OUT, 70, 11, 14), (IN, 41, 14, 14), (IN, 40, 14, 13), (IN, 30, 13, 10)],
)
def test_the_guides_worked_example(policy: StepScaling, value: float, capacity: int, desired: int) -> None:
    assert policy.desired(value, capacity=capacity, desired=capacity) == desired


@pytest.mark.parametrize(("value", "desired"), [(62, 11), (70, 13)])
def test_a_server_that_warms_up_is_not_added_twice(value: float, desired: int) -> None:
    assert OUT.desired(value, capacity=10, desired=11) == desired


@pytest.mark.parametrize(("beyond", "change"), [(0, 0), (9.99, 0), (10, 10), (19.99, 10), (20, 30), (1000, 30)])
def test_above_the_threshold_the_lower_bound_belongs_to_a_step(beyond: float, change: int) -> None:
    step = step_for(OUT.steps, beyond)
    assert step is not None
    assert step.change == change


@pytest.mark.parametrize(("beyond", "change"), [(-9.99, 0), (-10, -10), (-19.99, -10), (-20, -30), (-1000, -30)])
def test_below_the_threshold_the_upper_bound_belongs_to_a_step(beyond: float, change: int) -> None:
    step = step_for(IN.steps, beyond)
    assert step is not None
    assert step.change == change


def test_no_step_changes_nothing() -> None:
    assert OUT.desired(40, capacity=10, desired=10) == 10


@pytest.mark.parametrize(
    ("kind", "change", "magnitude", "after"),
    [
        ("ChangeInCapacity", 5, 0, 8),
        ("ExactCapacity", 5, 0, 5),
        ("PercentChangeInCapacity", 25, 2, 5),
        ("PercentChangeInCapacity", -25, 2, 1),
    ],
)
def test_an_adjustment_type(kind: str, change: int, magnitude: int, after: int) -> None:
    assert adjusted(3, change, kind, magnitude) == after  # pyright: ignore[reportArgumentType]


def test_the_least_magnitude_of_the_guides_example() -> None:
    assert adjusted(4, 25, "PercentChangeInCapacity", 2) == 6


def test_simple_scaling_waits_for_its_cooldown() -> None:
    policy = SimpleScaling(1, "ChangeInCapacity", cooldown_seconds=300)
    assert policy.desired(0, desired=2, activity_in_progress=False) == 3
    assert policy.desired(60, desired=3, activity_in_progress=True) == 3
    assert policy.desired(359, desired=3, activity_in_progress=False) == 3
    assert policy.desired(360, desired=3, activity_in_progress=False) == 4


@pytest.mark.parametrize(("connections", "desired"), [(80, 11), (81, 11), (99, 11), (100, 13), (500, 13)])
def test_the_policy_of_the_settings(connections: float, desired: int) -> None:
    settings = DatabaseConnections()
    policy = StepScaling.adding(settings.intervals(), settings.above)
    assert policy.desired(connections, capacity=10, desired=10) == desired


@given(st.floats(-500, 500), st.integers(1, 100))
def test_more_breach_never_adds_fewer(beyond: float, capacity: int) -> None:
    lower = OUT.desired(50 + beyond, capacity=capacity, desired=capacity)
    assert OUT.desired(50 + beyond + 5, capacity=capacity, desired=capacity) >= lower
