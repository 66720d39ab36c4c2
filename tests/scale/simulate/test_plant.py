"""The plant: queues against closed formulas, conservation of requests, servers that come and go."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.servers import WarmPool
from scale.simulate import stacks
from scale.simulate.plant.flow import flow, flows_of, violations
from scale.simulate.plant.queue import ResponseTable, erlang_c, table_of, wait_mean
from scale.simulate.plant.servers import Servers
from scale.simulate.plant.service import CalibrationError, Plant, ServiceTime, plant_of, read_calibration
from tests.scale.projects import ROOT

TENTH = ServiceTime(0.1)


def close(got: float, wanted: float, percent: float = 2.0) -> None:
    assert abs(got / wanted - 1) <= percent / 100, f"{got} is not {wanted}"


@pytest.mark.parametrize("load", [0.1, 0.5, 0.7, 0.8, 0.9, 0.95])
def test_one_thread_is_mm1(load: float) -> None:
    table, mean = ResponseTable(TENTH, 1), 0.1 / (1 - load)
    close(float(table.means(np.array([load]))[0]), mean)
    for level in (0.5, 0.9, 0.95, 0.99):
        close(table.quantile(load, level), -mean * math.log(1 - level))


def mmc_tail(servers: int, rate: float, load: float, time: float) -> float:
    """P(response > time) of M/M/c: Kleinrock, with service rate `rate` a thread and load a thread."""
    offered = load * servers
    blocked = offered**servers / math.factorial(servers) / (1 - load)
    waits = blocked / (sum(offered**k / math.factorial(k) for k in range(servers)) + blocked)
    spare = servers * (1 - load) - 1
    if abs(spare) < 1e-9:
        return math.exp(-rate * time) * (1 + waits * rate * time)
    return math.exp(-rate * time) * (1 + waits * (1 - math.exp(-rate * time * spare)) / spare)


@pytest.mark.parametrize("servers", [2, 5, 8, 32])
@pytest.mark.parametrize("load", [0.2, 0.5, 0.8, 0.95])
def test_several_threads_are_mmc(servers: int, load: float) -> None:
    table = ResponseTable(TENTH, servers)
    offered = load * servers
    blocked = offered**servers / math.factorial(servers) / (1 - load)
    waits = blocked / (sum(offered**k / math.factorial(k) for k in range(servers)) + blocked)
    close(erlang_c(servers, offered), waits, 1e-6)
    close(float(table.means(np.array([load]))[0]), 0.1 + waits * 0.1 / (servers * (1 - load)))
    for level in (0.5, 0.95, 0.99):
        time = table.quantile(load, level)
        close(mmc_tail(servers, 10.0, load, time), 1 - level, 2.0)


@pytest.mark.parametrize("scv", [0.0, 0.5, 2.0, 4.0])
def test_one_thread_waits_as_pollaczek_and_khinchine_say(scv: float) -> None:
    close(wait_mean(ServiceTime(0.1, scv), 1, 0.8), 0.8 * 0.1 * (1 + scv) / 2 / 0.2, 1e-6)


@pytest.mark.parametrize("scv", [0.25, 1.0, 4.0])
def test_a_service_times_points_have_its_moments(scv: float) -> None:
    values, weights = ServiceTime(0.1, scv).points()
    mean = float(values @ weights)
    close(mean, 0.1, 1e-6)
    close(float(values**2 @ weights) / mean**2 - 1, scv, 2.0)


def test_a_queue_without_a_stationary_state_is_refused() -> None:
    with pytest.raises(ValueError, match="erlangs"):
        erlang_c(4, 4.0)


PLANT = Plant(backlog=10, timeout_seconds=5.0)


@given(st.integers(0, 30), st.floats(0, 1e5), st.floats(0, 1e4))
def test_requests_are_conserved_in_a_step(servers: int, attempts: float, backlog: float) -> None:
    found = flow(PLANT, servers, attempts, backlog, 60.0)
    after = found.served + found.dropped + found.timed_out + found.backlog
    assert after == pytest.approx(attempts + backlog, rel=1e-9, abs=1e-6)
    assert min(found.served, found.dropped, found.timed_out, found.backlog) >= 0


def test_a_backlog_is_bounded_by_its_places_and_by_patience() -> None:
    assert flow(Plant(backlog=10), 2, 1e5, 0, 60.0).backlog == 20
    impatient = Plant(timeout_seconds=3.0)
    found = flow(impatient, 2, 1e5, 0, 60.0)
    assert found.backlog == pytest.approx(3 * impatient.rate(2))
    assert found.timed_out > 0
    assert found.dropped == 0


def test_no_server_serves_nothing() -> None:
    found = flow(PLANT, 0, 100, 5, 60.0)
    assert (found.served, found.dropped) == (0, 105)


def test_the_databases_connections_bound_the_fleet() -> None:
    plant = Plant(connections_limit=20)
    assert plant.rate(3) == 15 / 0.15
    assert plant.rate(4) == plant.rate(40) == 20 / 0.15


def test_processors_bound_the_threads_that_serve() -> None:
    assert Plant(threads=8, processors=2, cpu_share=0.4).concurrency == 5
    assert Plant(threads=8, processors=2, cpu_share=0.1).concurrency == 8
    assert Plant(threads=8, processors=2, cpu_share=0.4).cpu_percent(1.0) == 100


@settings(deadline=None)
@given(st.integers(1, 20), st.integers(1, 20), st.floats(0, 5e4), st.floats(0, 5e3), st.floats(0, 1e4))
def test_violations_fall_with_servers_and_rise_with_backlog_and_attempts(
    servers: int, more: int, attempts: float, backlog: float, further: float
) -> None:
    def late(count: int, arriving: float, waiting: float) -> float:
        rate, places = np.array([PLANT.rate(count)]), np.array([float(count * PLANT.backlog)])
        flows = flows_of(PLANT, rate, places, np.array([arriving]), 60.0, np.array([waiting]))
        return float(violations(table_of(PLANT), flows, 0.5)[0])

    base = late(servers, attempts, backlog)
    slack = 1e-6 * (1 + base)
    assert late(servers + more, attempts, backlog) <= base + slack
    assert late(servers, attempts, backlog + further) >= base - slack
    assert late(servers, attempts + further, backlog) >= base - slack


def servers(count: int = 2, pool: WarmPool | None = None, **fields: float) -> Servers:
    plant = Plant(**{"boot_seconds": 90.0, "boot_scv": 0.0, "drain_seconds": 120.0, **fields})  # pyright: ignore[reportArgumentType]
    return Servers(plant, count=count, warmup_seconds=180.0, seed=1, pool=pool, step=60.0)


def test_a_server_boots_then_serves_then_counts() -> None:
    fleet = servers()
    fleet.scale_to(3, 0.0, 10)
    seen: list[tuple[int, int, int]] = []
    for minute in range(6):
        fleet.advance(60.0 * minute)
        seen.append((len(fleet.starting), len(fleet.warming), fleet.warmed))
    assert seen == [(1, 0, 2), (0, 1, 2), (0, 1, 2), (0, 1, 2), (0, 1, 2), (0, 0, 3)]


def test_a_server_that_leaves_is_paid_for_while_it_drains() -> None:
    fleet = servers(3)
    fleet.scale_to(1, 0.0, 10)
    assert (fleet.in_service, fleet.billed) == (1, 3)
    fleet.advance(120.0)
    assert fleet.billed == 1


def test_a_stopped_pool_is_quick_and_unpaid() -> None:
    fleet = servers(2, WarmPool(max_prepared=4), warm_start_seconds=20.0)
    fleet.tend_pool(2, 0.0, 10)
    fleet.advance(120.0)
    assert (fleet.pooled, fleet.billed) == (2, 2)
    fleet.scale_to(3, 120.0, 10)
    fleet.advance(120.0)
    assert fleet.in_service == 3


def test_a_running_pool_is_paid_for() -> None:
    fleet = servers(2, WarmPool(max_prepared=4, state="running"))
    fleet.tend_pool(2, 0.0, 10)
    fleet.advance(120.0)
    assert fleet.billed == 4


def test_the_same_seed_boots_alike() -> None:
    def boots(seed: int) -> list[float]:
        fleet = Servers(Plant(), count=1, warmup_seconds=0, seed=seed, step=60.0)
        fleet.scale_to(9, 0.0, 10)
        return fleet.starting

    assert boots(7) == boots(7)
    assert boots(7) != boots(8)


def test_a_calibration_replaces_the_assumptions(tmp_path: Path) -> None:
    path = tmp_path / "measured.json"
    path.write_text(json.dumps({"quantiles": [0.05, 0.1, 0.3], "cpu_share": 0.2, "source": "load of Monday"}))
    found = read_calibration(path)
    assert found.mean_seconds == pytest.approx(0.15)
    assert (found.cpu_share, found.source) == (0.2, "load of Monday")
    values, weights = ServiceTime(found.mean_seconds, quantiles=found.quantiles).points()
    assert float(values @ weights) == pytest.approx(0.15)


def test_what_aws_does_not_publish_can_be_given_too(tmp_path: Path) -> None:
    path = tmp_path / "measured.json"
    given = {
        "retry_share": 0.4,
        "metric_delay_seconds": 180,
        "warm_start_seconds": 12,
        "cpu_low_share": 0.9,
        "requests_low_share": 0.8,
    }
    path.write_text(json.dumps({"mean_seconds": 0.1, **given}))
    plant = plant_of(stacks.load(ROOT, "prod"), path)
    assert {name: getattr(plant, name) for name in given} == given


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "JSON object"),
        ("{", "measured.json"),
        ('{"mean": 1}', "mean is not a field"),
        ('{"cpu_share": 0.5}', "mean_seconds or quantiles"),
        ('{"mean_seconds": -1}', "at least 0"),
        ('{"quantiles": [2, 1]}', "ascend"),
        ('{"mean_seconds": "fast"}', "number"),
        ('{"mean_seconds": 0}', "mean_seconds must be above 0"),
        ('{"quantiles": 3}', "quantiles must be a list"),
        ('{"quantiles": [0, 0]}', "must not all be 0"),
        ('{"quantiles": [1], "mean_seconds": 0}', "above 0"),
        ('{"mean_seconds": 1, "retry_share": 2}', "retry_share must be at most 1"),
        ('{"mean_seconds": 1, "cpu_share": 1.5}', "cpu_share must be at most 1"),
    ],
)
def test_a_wrong_calibration_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "measured.json"
    path.write_text(text)
    with pytest.raises(CalibrationError, match=message):
        read_calibration(path)
