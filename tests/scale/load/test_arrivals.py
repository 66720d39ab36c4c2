"""When requests are meant to arrive."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scale.load.arrivals import Arrivals, Replayed, Spacing, Steady
from scale.simulate.traces import Trace


def trace(*counts: float, step: float = 60.0) -> Trace:
    return Trace("a trace", 0.0, step, np.array(counts))


@pytest.mark.parametrize("spacing", ["poisson", "even"])
@given(rate=st.floats(0.1, 300), seconds=st.floats(0.1, 12), seed=st.integers(0, 99))
def test_times_ascend_and_end_with_the_load(spacing: Spacing, rate: float, seconds: float, seed: int) -> None:
    times = list(Steady(rate, seconds, spacing, seed).times())
    assert all(before <= after for before, after in pairwise(times))
    assert all(0 <= at <= seconds + 1e-6 for at in times)


@pytest.mark.parametrize("spacing", ["poisson", "even"])
def test_the_same_seed_gives_the_same_times(spacing: Spacing) -> None:
    load = Steady(50, 10, spacing, 3)
    assert list(load.times()) == list(load.times())
    other = list(Steady(50, 10, spacing, 4).times())
    assert (list(load.times()) == other) is (spacing == "even")


def test_even_arrivals_have_one_distance() -> None:
    times = list(Steady(4, 3, "even").times())
    assert times == pytest.approx([0.25 * number for number in range(1, 13)])


def test_a_rate_below_one_a_step_still_arrives() -> None:
    assert list(Steady(0.4, 10, "even").times()) == pytest.approx([2.5, 5.0, 7.5, 10.0])


def test_poisson_s_count_and_distances_have_the_mean_and_spread_of_a_poisson_process() -> None:
    times = np.array(list(Steady(200, 100, "poisson", 1).times()))
    assert len(times) == pytest.approx(20_000, abs=5 * math.sqrt(20_000))
    apart = np.diff(times)
    assert apart.std() / apart.mean() == pytest.approx(1, abs=0.03)


def test_a_replay_keeps_rates_and_shortens_time() -> None:
    load = Replayed(trace(6000, 600), speed=10, spacing="even")
    times = list(load.times())
    assert load.seconds == 12
    assert load.expected == pytest.approx(660)
    assert sum(at <= 6 for at in times) == pytest.approx(600, abs=1)
    assert sum(at > 6 for at in times) == pytest.approx(60, abs=1)


def test_nothing_arrives_in_a_gap() -> None:
    times = list(Replayed(trace(600, math.nan, 600), speed=60, spacing="poisson", seed=2).times())
    assert times
    assert not [at for at in times if 1 < at < 2]


@given(counts=st.lists(st.integers(0, 40), min_size=1, max_size=20))
def test_even_arrivals_are_as_many_as_the_trace_says(counts: list[int]) -> None:
    load: Arrivals = Replayed(trace(*map(float, counts)), spacing="even")
    assert len(list(load.times())) == sum(counts) == load.expected
