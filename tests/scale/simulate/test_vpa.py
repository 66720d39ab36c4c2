"""The vertical recommender: percentiles, decay, margins, bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scale.simulate.controllers.vpa import (
    HALF_LIFE_SECONDS,
    LEAST_CPU,
    LEAST_MEMORY,
    Bounds,
    DecayingHistogram,
    Recommender,
)


def histogram() -> DecayingHistogram:
    return DecayingHistogram(0.01, 1000.0)


@pytest.mark.parametrize(("value", "place"), [(0.0, 0), (0.0099, 0), (0.01, 1), (0.0204, 1), (0.0206, 2)])
def test_the_first_buckets_are_a_hundredth_of_a_core_and_five_percent_more(value: float, place: int) -> None:
    assert histogram().bucket(value) == place


@pytest.mark.parametrize(("level", "value"), [(0.5, 0.5), (0.9, 0.9), (0.95, 0.95), (1.0, 1.0)])
def test_a_percentile_is_the_upper_end_of_its_bucket(level: float, value: float) -> None:
    found = histogram()
    for percent in range(1, 101):
        found.add(percent / 100, 1.0, 0.0)
    assert value <= found.percentile(level) <= value * 1.06


def test_an_empty_one_says_nothing() -> None:
    assert histogram().percentile(0.9) == 0.0


@pytest.mark.parametrize("age", [1, 2, 5])
def test_a_sample_halves_with_each_half_life(age: int) -> None:
    found = histogram()
    for _ in range(2**age):
        found.add(8.0, 1.0, 0.0)
    found.add(0.5, 1.0, age * HALF_LIFE_SECONDS)
    assert found.percentile(0.49) < 1
    assert found.percentile(0.51) > 7


def test_a_very_long_time_is_as_good_as_a_short_one() -> None:
    found = histogram()
    for half_life in range(0, 2000, 10):
        found.add(1.0, 1.0, half_life * HALF_LIFE_SECONDS)
    found.add(4.0, 1.0, 2000 * HALF_LIFE_SECONDS)
    assert found.percentile(0.9) > 4


@given(st.lists(st.floats(0, 900), min_size=1), st.floats(0.01, 1), st.floats(0.01, 1))
def test_a_higher_percentile_is_never_lower(values: list[float], one: float, other: float) -> None:
    found = histogram()
    for place, value in enumerate(values):
        found.add(value, 1.0, 60.0 * place)
    assert found.percentile(min(one, other)) <= found.percentile(max(one, other))


def learned(cpu: float, memory: float, *, days: int = 1, bounds: Bounds | None = None) -> Recommender:
    found = Recommender(bounds)
    for minute in range(days * 1440):
        found.observe(60.0 * minute, cpu=cpu, memory=memory)
    return found


def test_the_target_is_the_usage_and_fifteen_percent_to_a_bucket() -> None:
    found = learned(1.0, 1e9).recommend()
    assert found is not None
    assert 1.15 <= found.target_cpu <= 1.15 * 1.06
    assert 1.15e9 <= found.target_memory <= 1.15e9 * 1.06


def test_the_floors_hold() -> None:
    found = learned(0.001, 1e6).recommend()
    assert found is not None
    assert (found.target_cpu, found.target_memory) == (LEAST_CPU, LEAST_MEMORY)


def test_the_container_policy_caps() -> None:
    found = learned(8.0, 8e9, bounds=Bounds(most_cpu=2.0, most_memory=2 * 2**30)).recommend()
    assert found is not None
    assert (found.target_cpu, found.target_memory) == (2.0, 2 * 2**30)


@pytest.mark.parametrize(("days", "widest"), [(1, 2.01), (7, 1.15), (30, 1.04)])
def test_the_bounds_close_in_with_history(days: int, widest: float) -> None:
    found = learned(1.0, 1e9, days=days).recommend()
    assert found is not None
    assert found.lower_cpu <= found.target_cpu <= found.upper_cpu
    assert found.upper_cpu / found.target_cpu <= widest


def test_of_memory_the_days_peak_counts() -> None:
    found = Recommender()
    for minute in range(1440):
        found.observe(60.0 * minute, cpu=0.1, memory=3e9 if minute == 700 else 1e9)
    advice = found.recommend()
    assert advice is not None
    assert advice.target_memory > 3e9


def test_a_kill_for_want_of_memory_raises_the_peak() -> None:
    found = learned(0.1, 1e9)
    found.out_of_memory(1440 * 60.0, 2e9)
    advice = found.recommend()
    assert advice is not None
    assert advice.target_memory >= 2e9 * 1.2 * 1.15


def test_without_a_sample_nothing_is_recommended() -> None:
    assert Recommender().recommend() is None
