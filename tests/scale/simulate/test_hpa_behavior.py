"""How fast a HorizontalPodAutoscaler goes: bounds, windows, rates, tolerances, by its documentation's examples."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scale.simulate.controllers.hpa import Metric, Pod, Workload
from scale.simulate.controllers.hpa_behavior import DEFAULT_DOWN, Hpa, HpaSpec, Rate, Reading, Rules


def hpa(up: Rules | None = None, down: Rules | None = None, *, most: int = 100, least: int = 1) -> Hpa:
    metrics = (Metric("External", "a", average=1), Metric("External", "b", average=1))
    return Hpa(
        HpaSpec(least, most, metrics, up or Rules(0, (Rate("Percent", 900, 15),)), down or Rules(0, DEFAULT_DOWN.rates))
    )


def decide(scaler: Hpa, now: float, current: int, a: float | None, b: float | None = 0.0) -> int:
    readings = {"a": Reading(value=a), "b": Reading(value=b)}
    return scaler.decide(now, Workload(current, [Pod()] * current), readings)


def test_the_largest_of_several_metrics_wins() -> None:
    assert decide(hpa(), 0, 4, 6, 9) == 9


def test_a_failed_metric_forbids_scale_down_and_not_scale_up() -> None:
    assert decide(hpa(), 0, 4, None, 2) == 4
    assert decide(hpa(), 0, 4, None, 8) == 8


def test_outside_the_bounds_it_goes_to_the_bound() -> None:
    assert decide(hpa(most=5), 0, 9, 9) == 5
    assert decide(hpa(least=3), 0, 1, 1) == 3


def test_at_zero_replicas_by_hand_it_is_inactive() -> None:
    assert decide(hpa(), 0, 0, 9) == 0


def test_scale_down_takes_the_highest_of_its_window() -> None:
    scaler = hpa(down=Rules(300, DEFAULT_DOWN.rates))
    assert decide(scaler, 0, 10, 10) == 10
    assert decide(scaler, 15, 10, 4) == 10
    assert decide(scaler, 299, 10, 4) == 10
    assert decide(scaler, 300, 10, 4) == 4


def test_what_runs_at_the_beginning_is_the_first_recommendation() -> None:
    scaler = hpa(down=Rules(300, DEFAULT_DOWN.rates))
    assert decide(scaler, 0, 10, 4) == 10
    assert decide(scaler, 300, 10, 4) == 4


def test_scale_up_takes_the_lowest_of_its_window() -> None:
    scaler = hpa(up=Rules(60, (Rate("Percent", 900, 15),)))
    assert decide(scaler, 0, 10, 10) == 10
    assert decide(scaler, 15, 10, 30) == 10
    assert decide(scaler, 60, 10, 40) == 30


# "Scaling policies" of the documentation: from 80 replicas towards 10 with 4 pods or 10 % a minute.
def test_the_documentations_scale_down() -> None:
    scaler = hpa(down=Rules(0, (Rate("Pods", 4, 60), Rate("Percent", 10, 60))))
    current, seen = 80, [80]
    for minute in range(10):
        current = decide(scaler, 60.0 * minute, current, 10)
        seen.append(current)
    assert seen[:3] == [80, 72, 64]
    assert all(before - after == 4 for before, after in pairwise(seen) if before < 40)


# The same section: 10 % of 72 is 7.2, of which 8 go; below 40 pods 4 are more than a tenth.
@pytest.mark.parametrize(("current", "after"), [(80, 72), (72, 64), (41, 36), (40, 36), (39, 35), (12, 10)])
def test_the_documentations_scale_down_step_by_step(current: int, after: int) -> None:
    scaler = hpa(down=Rules(0, (Rate("Pods", 4, 60), Rate("Percent", 10, 60))))
    assert decide(scaler, 0, current, 10) == after


# "Example: limit scale down rate": 10 % a minute; with 5 pods a minute beside it, whichever is less.
@pytest.mark.parametrize(("current", "after"), [(100, 95), (50, 45), (40, 36), (10, 9)])
def test_the_documentations_limited_scale_down(current: int, after: int) -> None:
    rules = Rules(0, (Rate("Percent", 10, 60), Rate("Pods", 5, 60)), "Min")
    assert decide(hpa(down=rules), 0, current, 1) == after


def test_by_default_all_pods_may_go_within_one_period_after_five_minutes() -> None:
    scaler = hpa(down=DEFAULT_DOWN)
    assert decide(scaler, 0, 50, 50) == 50
    assert [decide(scaler, at, 50, 1) for at in (15.0, 285.0)] == [50, 50]
    assert decide(scaler, 300, 50, 1) == 1


@pytest.mark.parametrize(
    ("rules", "after"),
    [
        (Rules(0, (Rate("Percent", 10, 60), Rate("Pods", 20, 60)), "Max"), 120),
        (Rules(0, (Rate("Percent", 10, 60), Rate("Pods", 20, 60)), "Min"), 110),
        (Rules(0, (Rate("Percent", 10, 60),), "Disabled"), 100),
        (Rules(0, ()), 100),
    ],
)
def test_which_policy_is_selected_on_the_way_up(rules: Rules, after: int) -> None:
    assert decide(hpa(up=rules, most=500), 0, 100, 400) == after


def test_a_rate_counts_what_the_other_direction_changed_too() -> None:
    rules = Rules(0, (Rate("Pods", 4, 60),))
    scaler = hpa(up=rules, down=rules)
    assert decide(scaler, 0, 10, 90) == 14
    # The period began with 10: from 14 it may go down to 6 within it.
    assert decide(scaler, 15, 14, 1) == 6


@pytest.mark.parametrize(
    ("up", "down", "value", "after"), [(0.05, 0.5, 10.6, 11), (0.05, 0.5, 6.0, 10), (0.5, 0.05, 14.0, 10)]
)
def test_the_tolerance_of_each_direction_is_in_its_rules(up: float, down: float, value: float, after: int) -> None:
    every = (Rate("Percent", 900, 15),)
    scaler = hpa(up=Rules(0, every, tolerance=up), down=Rules(0, DEFAULT_DOWN.rates, tolerance=down))
    assert decide(scaler, 0, 10, value) == after


@pytest.mark.parametrize(
    ("rules", "after"),
    [
        (Rules(0, (Rate("Percent", 10, 60), Rate("Pods", 5, 60)), "Min"), 95),
        (Rules(0, (Rate("Percent", 10, 60), Rate("Pods", 5, 60)), "Max"), 90),
        (Rules(0, (Rate("Percent", 10, 60),), "Disabled"), 100),
    ],
)
def test_which_policy_is_selected_on_the_way_down(rules: Rules, after: int) -> None:
    assert decide(hpa(down=rules), 0, 100, 10) == after


@pytest.mark.parametrize(("current", "after"), [(1, 5), (3, 7), (4, 8), (10, 20)])
def test_the_default_scale_up_is_four_pods_or_double(current: int, after: int) -> None:
    rules = Rules(0, (Rate("Percent", 100, 15), Rate("Pods", 4, 15)))
    assert decide(hpa(up=rules), 0, current, 90) == after


def test_a_rate_counts_from_the_beginning_of_its_period() -> None:
    rules = Rules(0, (Rate("Pods", 4, 60),))
    scaler = hpa(up=rules)
    assert decide(scaler, 0, 10, 90) == 14
    assert decide(scaler, 30, 14, 90) == 14
    assert decide(scaler, 60, 14, 90) == 18


@pytest.mark.parametrize(("start", "up", "down"), [(3, 4, 2), (11, 13, 9)])
def test_percentages_round_up_going_up_and_down_going_down(start: int, up: int, down: int) -> None:
    rules = Rules(0, (Rate("Percent", 10, 60),))
    assert decide(hpa(up=rules), 0, start, 90) == up
    assert decide(hpa(down=rules), 0, start, 1) == down


@given(st.integers(1, 60), st.floats(0, 1e4), st.integers(1, 20), st.integers(0, 40))
def test_the_bounds_hold_always(current: int, value: float, least: int, more: int) -> None:
    scaler = hpa(least=least, most=least + more)
    assert least <= decide(scaler, 0, current, value, value) <= least + more
