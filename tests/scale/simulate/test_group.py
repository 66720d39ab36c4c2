"""An Auto Scaling group's policies together, and each kind beside step scaling."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.scaling import Predictive, ResponseTime, ScalingPolicy, Scheduled
from model.servers import Refresh, WarmPool
from scale.simulate.controllers import refresh, warm_pool
from scale.simulate.controllers.group import CPU, REQUESTS, Decision, Group, GroupState
from scale.simulate.controllers.nodes import NodePool, NodeType
from scale.simulate.controllers.predictive import LEAST_HOURS, Forecaster
from scale.simulate.controllers.scheduled import Bounds, Cron, calendar, firings
from scale.simulate.controllers.target_tracking import TargetTracker, TargetTracking

BOTH = ScalingPolicy(database_connections=None, response_time=None)
STEADY = GroupState(Bounds(1, 20, 4), warmed=4, warming=0, starting=0, terminating=0)


def feed(group: Group, minutes: int, state: GroupState = STEADY, **metrics: float | None) -> list[Decision | None]:
    names = {"cpu": CPU, "requests": REQUESTS, "response": "TargetResponseTime"}
    values = {names[name]: value for name, value in metrics.items()}
    return [group.decide(60.0 * minute, values, state) for minute in range(minutes)]


def test_target_tracking_asks_in_the_third_minute_above_its_target() -> None:
    found = feed(Group(BOTH), 3, cpu=90.0, requests=950.0)
    assert found[:2] == [None, None]
    assert found[2] is not None
    assert (found[2].after, found[2].policy) == (6, "cpu")


@pytest.mark.parametrize(("value", "after"), [(96.25, 6), (70.1, 5), (140.0, 8)])
def test_adding_one_and_a_half_adds_two(value: float, after: int) -> None:
    found = feed(Group(BOTH), 3, cpu=value, requests=950.0)[-1]
    assert found is not None
    assert found.after == after


def test_the_largest_capacity_wins() -> None:
    found = feed(Group(BOTH), 3, cpu=80.0, requests=2000.0)[-1]
    assert found is not None
    assert (found.after, found.policy) == (8, "requests")


@pytest.mark.parametrize(("cpu", "requests", "goes_in"), [(30, 400, True), (30, 950, False), (60, 400, False)])
def test_in_only_when_all_agree(cpu: float, requests: float, goes_in: bool) -> None:
    found = feed(Group(BOTH), 15, cpu=cpu, requests=requests)
    assert found[:14] == [None] * 14
    assert (found[14] is not None) is goes_in


def test_removing_one_and_a_half_removes_one() -> None:
    policy = BOTH.model_copy(update={"requests_per_target": None})
    found = feed(Group(policy), 15, cpu=43.75)[-1]
    assert found is not None
    assert found.after == 3


def test_a_policy_that_may_not_scale_in_does_not() -> None:
    assert feed(Group(BOTH.model_copy(update={"scale_in": False})), 30, cpu=10.0, requests=10.0) == [None] * 30


@pytest.mark.parametrize(
    "busy", [replace(STEADY, starting=1), replace(STEADY, warming=1), replace(STEADY, last_scale_in=1e9)]
)
def test_scale_in_waits_for_servers_that_come_and_for_fresh_values(busy: GroupState) -> None:
    assert feed(Group(BOTH), 20, busy, cpu=10.0, requests=10.0) == [None] * 20


def test_servers_that_terminate_still_count_on_the_way_in() -> None:
    going = replace(STEADY, bounds=Bounds(1, 20, 4), terminating=4)
    assert feed(Group(BOTH), 15, going, cpu=35.0, requests=500.0)[-1] is None


def test_servers_that_warm_up_are_not_added_twice() -> None:
    warming = replace(STEADY, bounds=Bounds(1, 20, 8), warming=4)
    assert feed(Group(BOTH), 5, warming, cpu=140.0, requests=500.0) == [None] * 5


def test_no_data_means_no_scaling() -> None:
    assert feed(Group(BOTH), 30, cpu=None, requests=None) == [None] * 30


def test_a_missing_value_stops_a_scale_in_of_all() -> None:
    assert feed(Group(BOTH), 30, cpu=10.0, requests=None) == [None] * 30


def test_a_step_policy_acts_beside_target_tracking_and_again_each_minute() -> None:
    policy = BOTH.model_copy(update={"response_time": ResponseTime()})
    found = feed(Group(policy), 4, cpu=50.0, requests=950.0, response=3.0)
    assert [None if each is None else (each.after, each.policy) for each in found] == [
        None,
        None,
        (5, "response-time"),
        (5, "response-time"),
    ]


def test_the_share_of_the_low_alarm_is_a_parameter() -> None:
    policy = BOTH.model_copy(update={"requests_per_target": None})
    assert feed(Group(policy, cpu_low_share=0.9), 15, cpu=50.0)[-1] is not None
    assert feed(Group(policy), 15, cpu=50.0)[-1] is None


@given(st.floats(0, 1e5), st.integers(1, 10), st.integers(0, 30), st.integers(1, 40))
def test_a_decision_stays_within_the_bounds(load: float, least: int, more: int, count: int) -> None:
    count = min(max(count, least), least + more)
    state = GroupState(Bounds(least, least + more, count), count, 0, 0, 0)
    for found in feed(Group(BOTH), 16, state, cpu=min(100.0, load / count), requests=load / count):
        assert found is None or least <= found.after <= least + more


@given(st.floats(1, 1e4), st.floats(5, 90), st.floats(0, 50), st.integers(1, 100))
def test_a_higher_target_never_ends_with_more_servers_in_steady_load(
    load: float, target: float, more: float, first: int
) -> None:
    def settled(aim: float) -> int:
        tracker, count = TargetTracker(TargetTracking("t", "m", aim, 0.7)), first
        for _ in range(60):
            tracker.observe(load / count)
            count = max(1, tracker.out(count) or tracker.down(count) or count)
        return count

    assert settled(target + more) <= settled(target)


# Scheduled actions.
@pytest.mark.parametrize(
    ("text", "day", "fires"),
    [
        ("30 6 * * 1", "1998-06-08", True),
        ("30 6 * * MON", "1998-06-09", False),
        ("0 0 1,15 * *", "1998-06-15", True),
        ("0 0 */7 * *", "1998-06-08", True),
        ("0 0 13 * 5", "1998-06-12", True),
        ("0 0 13 * 5", "1998-06-13", True),
        ("0 0 * 7 *", "1998-06-13", False),
        ("0 0 * * 7", "1998-06-14", True),
        ("0 0 * * 1-5", "1998-06-14", False),
    ],
)
def test_on_which_day_a_cron_expression_fires(text: str, day: str, fires: bool) -> None:
    assert Cron.parse(text).on(datetime.fromisoformat(day)) is fires


@pytest.mark.parametrize("text", ["60 * * * *", "* * * *", "a * * * *", "5-1 * * * *", "*/0 * * * *"])
def test_a_wrong_cron_expression_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"fields|within|number"):
        Cron.parse(text)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_a_zone_moves_a_firing_with_its_clock() -> None:
    cron = Cron.parse("30 6 * * *")
    found = list(firings(cron, "Europe/Dublin", at("2024-03-30"), at("2024-04-01")))
    assert found == [at("2024-03-30 06:30"), at("2024-03-31 05:30")]


def test_a_time_that_a_clock_change_skips_does_not_fire() -> None:
    cron = Cron.parse("30 1 * * *")
    assert list(firings(cron, "Europe/Dublin", at("2024-03-31"), at("2024-04-01"))) == []


def test_a_calendar_is_in_order() -> None:
    early = Scheduled(name="early", cron="0 6 * * *", min=3)
    late = Scheduled(name="late", cron="0 20 * * *", min=1)
    found = calendar((late, early), at("1998-06-08"), at("1998-06-10"))
    assert [action.name for _, action in found] == ["early", "late", "early", "late"]


@pytest.mark.parametrize(
    ("action", "after"),
    [({"min": 6}, Bounds(6, 20, 6)), ({"max": 3}, Bounds(2, 3, 3)), ({"desired": 9}, Bounds(2, 20, 9))],
)
def test_new_bounds_move_the_desired_capacity_into_them(action: dict[str, int], after: Bounds) -> None:
    assert Bounds(2, 20, 4).after(Scheduled.model_validate({"name": "a", "cron": "0 0 * * *", **action})) == after


# Predictive scaling.
def forecaster(mode: str = "forecast-and-scale", **fields: object) -> Forecaster:
    policy = Predictive.model_validate({"mode": mode, "ahead_seconds": 300, **fields})
    return Forecaster(policy, target=70.0)


def teach(learner: Forecaster, hours: int) -> float:
    """Let it see 700 % of CPU each day from noon to one, 70 % else; return the time after."""
    for minute in range(hours * 60 + 1):
        learner.observe(60.0 * minute, 700.0 if minute // 60 % 24 == 12 else 70.0)
    return hours * 3600.0


def test_it_forecasts_after_a_day() -> None:
    learner = forecaster()
    teach(learner, LEAST_HOURS - 1)
    assert learner.forecast is None
    learner = forecaster()
    now = teach(learner, LEAST_HOURS + 6)
    assert [learner.floor(now + 3600.0 * hour, maximum=20) for hour in range(4, 9)] == [1, 1, 10, 1, 1]


def test_servers_are_wanted_ahead_of_the_hour() -> None:
    learner = forecaster()
    now = teach(learner, 48)
    noon = now + 12 * 3600.0
    assert learner.floor(noon - 301, maximum=20) == 1
    assert learner.floor(noon - 300, maximum=20) == 10


def test_a_forecast_alone_moves_nothing() -> None:
    learner = forecaster("forecast-only")
    now = teach(learner, 48)
    assert learner.forecast is not None
    assert learner.floor(now + 12 * 3600.0, maximum=20) is None


@pytest.mark.parametrize(("breach", "floor", "maximum"), [(None, 6, 6), (0, 10, 10), (10, 10, 11), (50, 10, 15)])
def test_the_maximum_is_honoured_unless_it_may_be_lifted(breach: int | None, floor: int, maximum: int) -> None:
    learner = forecaster(max_breach_percent=breach)
    noon = teach(learner, 48) + 12 * 3600.0
    lifted = learner.maximum(noon, maximum=6)
    assert lifted == maximum
    assert learner.floor(noon, maximum=lifted) == floor
    assert learner.maximum(noon, maximum=40) == 40


# Warm pools, instance refresh, nodes.
@pytest.mark.parametrize(
    ("pool", "desired", "size"),
    [(WarmPool(), 4, 16), (WarmPool(max_prepared=10), 4, 6), (WarmPool(max_prepared=3, min_size=2), 4, 2)],
)
def test_a_warm_pools_size(pool: WarmPool, desired: int, size: int) -> None:
    assert warm_pool.size(pool, desired=desired, maximum=20) == size


def test_a_pool_is_filled_and_emptied() -> None:
    pool = WarmPool(max_prepared=10)
    assert warm_pool.plan(pool, held=2, preparing=1, desired=4, maximum=20) == warm_pool.PoolPlan(3, 0)
    assert warm_pool.plan(pool, held=6, preparing=0, desired=8, maximum=20) == warm_pool.PoolPlan(0, 4)
    assert warm_pool.taken(wanted=5, held=3) == (3, 2)


@given(st.integers(1, 40), st.integers(0, 100), st.integers(0, 100))
def test_a_refresh_ends_and_never_leaves_the_healthy_range(desired: int, least: int, more: int) -> None:
    settings = Refresh(min_healthy_percent=least, max_healthy_percent=min(200, max(100, least + more)))
    old, ready, starting = desired, 0, 0
    most = max(desired * settings.max_healthy_percent // 100, desired + (least == 100))
    for _ in range(4 * desired + 4):
        todo = refresh.step(settings, desired=desired, old=old, new_ready=ready, new_starting=starting)
        old, starting = old - todo.terminate, starting + todo.start
        assert old + ready >= min(-(-desired * least // 100), desired - (least < 100))
        assert old + ready + starting <= most
        ready, starting = ready + starting, 0
        if old == 0 and ready == desired:
            return
    pytest.fail(f"{old} old and {ready} new servers are left")


def test_nodes_follow_pods_after_their_start() -> None:
    kind = NodeType(cores=2, memory=8e9, most_pods=29, start_seconds=60, consolidate_after_seconds=30)
    pool = NodePool(kind, pod_cpu=0.5, pod_memory=1e9, nodes=1, most_nodes=3)
    assert (pool.each, pool.room()) == (4, 4)
    pool.follow(0, 9)
    assert (pool.nodes, pool.room()) == (3, 4)
    pool.follow(60, 9)
    assert pool.room() == 12
    pool.follow(75, 2)
    assert pool.ready == 3
    pool.follow(106, 2)
    assert pool.ready == 1


def test_a_pod_that_fits_no_node_is_refused() -> None:
    with pytest.raises(ValueError, match="fits no such node"):
        NodeType(cores=2, memory=8e9, most_pods=29).holds(4, 1e9)
