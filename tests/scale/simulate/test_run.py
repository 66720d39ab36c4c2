"""Whole replays: bounds, conservation, gaps, scheduled and predictive scaling, what the outcome says."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.scaling import Predictive, ScalingPolicy, Scheduled
from model.servers import Refresh, Servers, WarmPool
from scale.simulate.clairvoyant import clairvoyant, demand
from scale.simulate.elasticity import Elasticity, elasticity
from scale.simulate.outcome import judge
from scale.simulate.plant.queue import table_of
from scale.simulate.plant.service import Plant
from scale.simulate.run import Run, Scenario, simulate
from scale.simulate.slo import Slo, SloError
from scale.simulate.traces import Trace

SLO = Slo()
GROUP = Servers(min=2, max=12)
LOADS = st.lists(st.one_of(st.floats(0, 60_000), st.just(math.nan)), min_size=1, max_size=90)
PLANTS = st.builds(
    Plant,
    retry_share=st.floats(0, 0.9),
    backlog=st.integers(0, 500),
    timeout_seconds=st.floats(1, 60),
    connections_limit=st.one_of(st.none(), st.integers(10, 90)),
    boot_seconds=st.floats(0, 400),
)
POLICIES = st.builds(
    ScalingPolicy,
    cpu_percent=st.integers(20, 90),
    requests_per_target=st.one_of(st.none(), st.integers(100, 3000)),
    warmup_seconds=st.integers(0, 600),
)


def trace(counts: list[float], start: float = 897264000.0) -> Trace:
    return Trace("test", start, 60.0, np.array(counts))


def run(counts: list[float], policy: ScalingPolicy | None = None, **fields: object) -> Run:
    scenario = Scenario("test", policy or ScalingPolicy(), GROUP, Plant())
    return simulate(replace(scenario, **fields), trace(counts))  # pyright: ignore[reportArgumentType]


@settings(max_examples=60, deadline=None)
@given(LOADS, PLANTS, POLICIES, st.integers(0, 3))
def test_capacity_stays_within_the_bounds(counts: list[float], plant: Plant, policy: ScalingPolicy, seed: int) -> None:
    found = run(counts, policy, plant=plant, seed=seed)
    assert found.desired.min() >= GROUP.min
    assert found.desired.max() <= GROUP.max
    assert found.in_service.max() <= GROUP.max


@settings(max_examples=60, deadline=None)
@given(LOADS, PLANTS, POLICIES)
def test_requests_are_conserved(counts: list[float], plant: Plant, policy: ScalingPolicy) -> None:
    found = run(counts, policy, plant=plant)
    lost = float(found.dropped.sum() + found.timed_out.sum())
    retried = plant.retry_share * lost
    arrived = float(np.nansum(found.trace.counts))
    assert found.attempts.sum() + found.retrying == pytest.approx(arrived + retried, rel=1e-9, abs=1e-6)
    assert found.served.sum() + lost + found.backlog[-1] == pytest.approx(found.attempts.sum(), rel=1e-9, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(LOADS, PLANTS, POLICIES, st.floats(1e-5, 0.1))
def test_the_clairvoyant_schedule_is_never_beaten(
    counts: list[float], plant: Plant, policy: ScalingPolicy, weight: float
) -> None:
    found = run(counts, policy, plant=plant)
    assert judge(found, SLO, weight=weight).regret_hours >= -1e-6


ACTIONS = st.builds(
    Scheduled,
    name=st.just("action"),
    cron=st.sampled_from(["*/20 * * * *", "10 0,1 * * *"]),
    min=st.integers(0, 6),
    max=st.integers(6, 20),
    desired=st.one_of(st.none(), st.integers(0, 20)),
)
POOLS = st.builds(
    WarmPool, min_size=st.integers(0, 3), state=st.sampled_from(["stopped", "running"]), reuse=st.booleans()
)
REFRESHES = st.sampled_from([(100, 150), (50, 100), (90, 110), (0, 100)])


@settings(max_examples=60, deadline=None)
@given(LOADS, POLICIES, ACTIONS, st.one_of(st.none(), POOLS), REFRESHES, st.one_of(st.none(), st.floats(0, 1800)))
def test_all_three_hold_with_actions_a_pool_and_a_refresh(
    counts: list[float],
    policy: ScalingPolicy,
    action: Scheduled,
    pool: WarmPool | None,
    healthy: tuple[int, int],
    refresh: float | None,
) -> None:
    group = Servers(
        min=2,
        max=12,
        warm_pool=pool,
        refresh=Refresh(min_healthy_percent=healthy[0], max_healthy_percent=healthy[1]),
    )
    policy = policy.model_copy(update={"scheduled": (action,)})
    begins = None if refresh is None else 897264000.0 + refresh
    found = run(counts, policy, servers=group, refresh_at=begins, plant=Plant(boot_seconds=30.0))
    least, most = min(2, action.min or 0), max(12, action.max or 0)
    assert least <= found.desired.min()
    assert found.desired.max() <= most
    assert found.in_service.max() <= (most if refresh is None else most * healthy[1] / 100 + 1)
    lost = float(found.dropped.sum() + found.timed_out.sum())
    assert found.served.sum() + lost + found.backlog[-1] == pytest.approx(found.attempts.sum(), rel=1e-9, abs=1e-6)
    assert judge(found, SLO).regret_hours >= -1e-6


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 14_000), st.integers(10, 90), st.integers(0, 40), st.integers(2, 12), st.booleans())
def test_a_higher_target_never_ends_with_more_servers_in_steady_load(
    load: float, target: int, more: int, initial: int, requests: bool
) -> None:
    def settled(value: int) -> float:
        off = {"database_connections": None, "response_time": None}
        targets = (
            {"cpu_percent": None, "requests_per_target": 20 * value} if requests else {"cpu_percent": min(value, 90)}
        )
        policy = ScalingPolicy.model_validate({"requests_per_target": None} | off | targets)
        return float(run([load] * 240, policy, initial=initial).desired[-1])

    assert settled(target + more) <= settled(target)


def test_the_same_seed_is_the_same_run() -> None:
    counts = [2000.0] * 20 + [20_000.0] * 40
    assert run(counts, seed=3).decisions == run(counts, seed=3).decisions


def test_a_surge_is_followed_after_three_minutes_and_the_metrics_delay() -> None:
    found = run([2000.0] * 10 + [8000.0] * 20, initial=2)
    first = found.decisions[0]
    assert first.policy == "requests"
    assert (first.at - found.trace.start) / 60 == 10 + 3 + 1


def test_late_metrics_delay_decisions() -> None:
    def first(delay: float) -> float:
        return run([2000.0] * 10 + [8000.0] * 20, initial=2, plant=Plant(metric_delay_seconds=delay)).decisions[0].at

    assert first(180.0) - first(0.0) == 180.0


def test_a_gap_is_no_traffic_and_no_data() -> None:
    found = run([8000.0] * 30 + [math.nan] * 60 + [8000.0] * 10, initial=8)
    assert judge(found, SLO).gaps == 60
    assert not [each for each in found.decisions if 33 * 60 < each.at - found.trace.start < 90 * 60]


def test_zero_traffic_is_not_a_gap() -> None:
    found = run([8000.0] * 5 + [0.0] * 60, initial=8)
    assert found.in_service[-1] == GROUP.min


def test_an_overload_is_dropped_late_or_timed_out() -> None:
    found = judge(run([60_000.0] * 30, plant=Plant(timeout_seconds=10.0)), SLO)
    assert not found.met
    assert found.timed_out > 0
    assert found.response.p50 > 1


def test_a_wait_of_an_hour_is_a_number_still() -> None:
    patient = Plant(backlog=10**6, timeout_seconds=4000.0)
    response = judge(run([60_000.0] * 240, plant=patient, servers=Servers(min=1, max=1)), SLO).response
    assert response.p50 == pytest.approx(4000, rel=0.05)
    assert response.p50 <= response.p95 <= response.p99 < 4200


def test_a_bad_minute_is_counted_though_the_whole_meets_the_objective() -> None:
    found = judge(run([1000.0] * 200 + [14_000.0] + [1000.0] * 200, initial=2), Slo.parse("p90<500ms"))
    assert found.met
    assert 1 <= found.missed_minutes <= 5


def test_retries_come_back() -> None:
    once = run([60_000.0] * 30).attempts.sum()
    assert run([60_000.0] * 30, plant=Plant(retry_share=0.5)).attempts.sum() > once


def test_a_scheduled_action_moves_the_bounds() -> None:
    up = Scheduled(name="up", cron="30 0 * * *", min=9)
    down = Scheduled(name="down", cron="0 23 * * *", min=2)
    found = run([1000.0] * 60, ScalingPolicy(scheduled=(up, down)))
    assert found.desired[29] == 2
    assert found.desired[31] == 9
    assert [each.policy for each in found.decisions] == ["scheduled up"]


def test_a_scheduled_action_before_the_trace_counts() -> None:
    up = Scheduled(name="up", cron="30 23 * * *", min=9)
    assert run([1000.0] * 10, ScalingPolicy(scheduled=(up,))).desired[0] == 9


def test_a_forecast_starts_servers_before_the_daily_surge() -> None:
    day = [1000.0] * 720 + [16_000.0] * 60 + [1000.0] * 660
    policy = ScalingPolicy(predictive=Predictive(mode="forecast-and-scale", ahead_seconds=600))
    found = run(day * 3, policy)
    surge = 2 * 1440 + 720
    assert found.in_service[surge] >= 8
    assert run(day * 3).in_service[surge] < 8
    assert "predictive" in {each.policy for each in found.decisions}


@pytest.mark.parametrize(("breach", "largest"), [(None, 4), (30, 11)])
def test_a_maximum_that_a_forecast_has_lifted_stays_lifted(breach: int | None, largest: int) -> None:
    day = [1000.0] * 720 + [7000.0] * 60 + [1000.0] * 660
    policy = ScalingPolicy(
        cpu_percent=40, predictive=Predictive(mode="forecast-and-scale", max_breach_percent=breach, ahead_seconds=0)
    )
    found = run([*day * 3, *[30_000.0] * 240], policy, servers=Servers(min=2, max=4))
    assert found.desired[:1440].max() == 4
    assert found.desired[1440:4320].max() == min(largest, 9)
    assert found.desired[-1] == largest


def test_a_warm_pool_is_sooner() -> None:
    counts = [2000.0] * 10 + [12_000.0] * 30
    plant = Plant(boot_seconds=600.0)
    cold, warm = (
        run(counts, plant=plant),
        run(counts, plant=plant, servers=Servers(min=2, max=12, warm_pool=WarmPool())),
    )
    assert judge(warm, SLO).violating < judge(cold, SLO).violating


def test_a_refresh_replaces_all_and_keeps_the_fleet() -> None:
    found = run([3900.0] * 60, initial=4, refresh_at=897264000.0 + 600)
    assert found.in_service.min() >= 4
    assert found.billed.max() > 4
    assert found.in_service[-1] == 4


def test_the_databases_limit_is_reported() -> None:
    found = judge(run([20_000.0] * 60, plant=Plant(connections_limit=40)), SLO)
    assert found.connection_limited_minutes > 0
    assert not found.met


def test_a_policy_that_cannot_act_is_named() -> None:
    assert "database-connections" in judge(run([8000.0] * 60), SLO).silent


def test_cost_is_unknown_without_a_price() -> None:
    found = run([1000.0] * 60)
    assert judge(found, SLO).cost is None
    assert judge(found, SLO, price=0.5).cost == pytest.approx(0.5 * judge(found, SLO).instance_hours)


def test_a_steady_lightly_loaded_fleet_answers_as_its_queue_does() -> None:
    found = judge(run([600.0] * 60, initial=2), SLO)
    assert found.response.p50 == pytest.approx(0.15 * math.log(2), rel=0.02)
    assert found.response.p95 == pytest.approx(0.15 * math.log(20), rel=0.02)


@pytest.mark.parametrize(
    ("text", "slo"),
    [("p95<500ms", Slo(0.95, 0.5)), ("p99 < 2s", Slo(0.99, 2.0)), ("p99.9<1.5s", Slo(0.999, 1.5))],
)
def test_an_objective(text: str, slo: Slo) -> None:
    assert Slo.parse(text) == slo


@pytest.mark.parametrize("text", ["p95", "95<500ms", "p0<1s", "p95<0ms", "p95<500", "mean<1s"])
def test_what_is_no_objective_is_refused(text: str) -> None:
    with pytest.raises(SloError):
        Slo.parse(text)


def test_an_objective_that_no_fleet_meets_is_refused() -> None:
    with pytest.raises(SloError, match="met by no fleet"):
        judge(run([600.0] * 5), Slo.parse("p95<200ms"))


def test_demand_is_the_fewest_servers_that_meet_the_objective() -> None:
    need = demand(Plant(), np.array([0.0, 100.0, 2000.0, 20_000.0]), 60.0, SLO)
    assert need.tolist()[:2] == [1, 1]
    enough = need[3]
    table = table_of(Plant())
    share = [float(table.share_above(np.array([20_000 / 2000 / n]), np.array([0.5]))[0]) for n in (enough, enough - 1)]
    assert share[0] <= 0.05 < share[1]


def test_the_clairvoyant_follows_its_weights() -> None:
    counts = np.array([1000.0, 20_000.0, math.nan])
    careful = clairvoyant(Plant(), counts, 60.0, SLO, minimum=1, maximum=30, weight=1.0)
    careless = clairvoyant(Plant(), counts, 60.0, SLO, minimum=1, maximum=30, weight=0.0)
    assert careless.servers.tolist() == [1, 1, 1]
    assert careful.servers[1] > careful.servers[0] > 1


# Two curves worked by hand: demand 2 2 4 4, supply 2 4 4 2.
def test_the_elasticity_metrics() -> None:
    found = elasticity(np.array([2.0, 2, 4, 4]), np.array([2.0, 4, 4, 2]), 60.0)
    assert found == Elasticity(
        under_accuracy=12.5,
        over_accuracy=25.0,
        under_time=25.0,
        over_time=25.0,
        instability=100.0,
        jitter=(2 - 1) / 4,
    )


def test_a_supply_that_is_the_demand_is_perfectly_elastic() -> None:
    curve = np.array([1.0, 3, 2, 2])
    assert elasticity(curve, curve, 60.0) == Elasticity(0, 0, 0, 0, 0, 0)
