"""The model beside a simulation of single requests: the same traffic, threads and service times, request by request."""

from __future__ import annotations

import heapq
import math
import random

import numpy as np
import pytest

from model.scaling import ScalingPolicy
from model.servers import Servers
from scale.simulate.outcome import Outcome, judge
from scale.simulate.plant.service import Floats, Plant
from scale.simulate.run import Scenario, simulate
from scale.simulate.slo import Slo
from scale.simulate.traces import Trace

PLANT = Plant(backlog=10**6, timeout_seconds=1e6)
OFF = ScalingPolicy(cpu_percent=None, requests_per_target=None, database_connections=None, response_time=None)
SEEDS = 12


def modelled(counts: list[float]) -> Outcome:
    scenario = Scenario("model", OFF, Servers(min=1, max=1), PLANT, initial=1)
    return judge(simulate(scenario, Trace("t", 0.0, 60.0, np.array(counts))), Slo())


def counted(counts: list[float]) -> Floats:
    """Return the response time of each request at one server, first come, first served."""
    return np.array([each for seed in range(SEEDS) for each in one_day(counts, random.Random(seed))])  # noqa: S311 - to be repeated


def one_day(counts: list[float], source: random.Random) -> list[float]:
    free = [0.0] * PLANT.concurrency
    found: list[float] = []
    for minute, count in enumerate(counts):
        at = 60.0 * minute + source.expovariate(count / 60)
        while at < 60.0 * (minute + 1):
            begins = max(at, heapq.heappop(free))
            ends = begins + source.expovariate(1 / PLANT.service.mean_seconds)
            heapq.heappush(free, ends)
            found.append(ends - at)
            at += source.expovariate(count / 60)
    return found


@pytest.mark.parametrize("load", [0.5, 0.8, 0.9])
def test_a_steady_load_agrees(load: float) -> None:
    counts = [load * PLANT.rate_per_server * 60] * 60
    model, real = modelled(counts), counted(counts)
    assert model.response.p50 == pytest.approx(float(np.quantile(real, 0.5)), rel=0.03)
    assert model.response.p95 == pytest.approx(float(np.quantile(real, 0.95)), rel=0.05)
    assert model.violating_percent == pytest.approx(100 * float((real > 0.5).mean()), rel=0.05)


@pytest.mark.parametrize(("over", "minutes"), [(1.2, 1), (1.5, 3), (1.05, 5)])
def test_an_overload_is_late_to_within_three_percent_of_the_requests(over: float, minutes: int) -> None:
    counts = [1000.0] * 10 + [over * 2000.0] * minutes + [1000.0] * 20
    model, real = modelled(counts), counted(counts)
    assert abs(model.violating_percent - 100 * float((real > 0.5).mean())) <= 3
    assert math.log2(model.response.p95 / float(np.quantile(real, 0.95))) <= 1
