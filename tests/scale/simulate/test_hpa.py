"""The HorizontalPodAutoscaler, by its documentation's formula, rules and examples."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scale.simulate.controllers.hpa import Metric, MetricError, Pod, Sample, Tolerance, Workload, replicas_for
from scale.simulate.controllers.hpa_behavior import DEFAULT_DOWN, Hpa, HpaSpec, Rate, Reading, Rules

CPU = Metric("Resource", "cpu", utilization=100)
PER_POD = Metric("Pods", "requests", average=100)
QUEUE = Metric("External", "queue", value=100)
QUEUE_EACH = Metric("External", "queue", average=50)
INGRESS = Metric("Object", "ingress", value=1000)
TOLERANCE = Tolerance()


def count(
    metric: Metric, values: list[float | None], pods: list[Pod] | None = None, *, tolerance: Tolerance = TOLERANCE
) -> int:
    samples = [None if value is None else Sample(value) for value in values]
    workload = Workload(len(values), pods or [Pod() for _ in values])
    return replicas_for(metric, workload, now=1000.0, tolerance=tolerance, samples=samples)


@pytest.mark.parametrize(
    ("values", "replicas"),
    [([200, 200], 4), ([50, 50], 1), ([100, 100], 2), ([150, 150, 150], 5), ([60] * 5, 3), ([300, 0, 0], 3)],
)
def test_the_formula(values: list[float | None], replicas: int) -> None:
    assert count(PER_POD, values) == replicas


@pytest.mark.parametrize(("value", "replicas"), [(110, 10), (110.1, 12), (90, 10), (89.9, 9), (100, 10)])
def test_the_tolerance_includes_its_edges(value: float, replicas: int) -> None:
    assert count(PER_POD, [value] * 10) == replicas


@pytest.mark.parametrize(("value", "replicas"), [(105, 10), (105.1, 11), (70, 10), (69.9, 7)])
def test_a_tolerance_for_each_direction(value: float, replicas: int) -> None:
    assert count(PER_POD, [value] * 10, tolerance=Tolerance(up=0.05, down=0.3)) == replicas


@pytest.mark.parametrize(
    ("metric", "values", "replicas"),
    [
        (PER_POD, [200, 200, None], 4),
        (PER_POD, [50, 50, None], 2),
        (PER_POD, [120, 120, None], 3),
        (CPU, [0.5, 0.5, None], 2),
        (Metric("Resource", "cpu", utilization=50), [0.2, 0.2, None], 3),
    ],
    ids=[
        "up as if at 0",
        "down as if at the target",
        "reversed: held",
        "CPU at its request",
        "reversed by the request",
    ],
)
def test_a_missing_value_damps(metric: Metric, values: list[float | None], replicas: int) -> None:
    assert count(metric, values) == replicas


def test_a_pod_that_is_not_ready_counts_nothing_on_the_way_up() -> None:
    starting = Pod(ready=False, started=900, changed=900)
    assert count(CPU, [3.0, 3.0, 3.0], [Pod(), Pod(), starting]) == 6
    assert count(CPU, [1.2, 1.2, 3.0], [Pod(), Pod(), starting]) == 3


def test_a_pod_that_is_not_ready_is_left_out_on_the_way_down() -> None:
    starting = Pod(ready=False, started=900, changed=900)
    assert count(CPU, [0.5, 0.5, 0.5], [Pod(), Pod(), starting]) == 1


@pytest.mark.parametrize(
    ("pod", "sample", "counts"),
    [
        (Pod(ready=True, started=800, changed=850), Sample(2.0, at=1000, window=30), True),
        (Pod(ready=True, started=800, changed=980), Sample(2.0, at=1000, window=30), False),
        (Pod(ready=False, started=800, changed=900), Sample(2.0, at=1000, window=30), False),
        (Pod(ready=False, started=0, changed=500), Sample(2.0, at=1000, window=30), True),
        (Pod(ready=False, started=0, changed=20), Sample(2.0, at=1000, window=30), False),
    ],
    ids=["young, measured while ready", "measured before ready", "young, unready", "was ready once", "never was ready"],
)
def test_whose_cpu_counts(pod: Pod, sample: Sample, counts: bool) -> None:
    workload = Workload(2, [Pod(), pod])
    got = replicas_for(CPU, workload, now=1000.0, tolerance=TOLERANCE, samples=[Sample(1.5), sample])
    assert got == (4 if counts else 2)


def test_a_deleted_pod_is_ignored() -> None:
    assert count(PER_POD, [200, 200, 900], [Pod(), Pod(), Pod(gone=True)]) == 4


def test_no_value_at_all_is_an_error() -> None:
    with pytest.raises(MetricError):
        count(PER_POD, [None, None])


@pytest.mark.parametrize(
    ("metric", "value", "current", "replicas"),
    [
        (QUEUE, 200, 3, 6),
        (QUEUE, 105, 3, 3),
        (QUEUE, 50, 4, 2),
        (QUEUE, 300, 0, 3),
        (QUEUE_EACH, 500, 4, 10),
        (QUEUE_EACH, 210, 4, 4),
        (QUEUE_EACH, 90, 0, 2),
        (INGRESS, 1500, 4, 6),
    ],
)
def test_a_metric_of_an_object_or_from_outside(metric: Metric, value: float, current: int, replicas: int) -> None:
    workload = Workload(current, [Pod()] * current)
    assert replicas_for(metric, workload, now=0, tolerance=TOLERANCE, value=value) == replicas


@pytest.mark.parametrize(
    "wrong",
    [("Pods", "utilization", 50), ("External", "utilization", 50), ("Resource", "value", 1.0)],
)
def test_a_target_that_the_type_does_not_have_is_refused(wrong: tuple[str, str, float]) -> None:
    with pytest.raises(ValueError, match=wrong[0]):
        Metric(wrong[0], "m", **{wrong[1]: wrong[2]})  # pyright: ignore[reportArgumentType]


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


@given(st.integers(1, 50), st.floats(1, 1e4), st.floats(1, 1000), st.floats(1, 100))
def test_a_higher_target_never_asks_for_more(current: int, value: float, target: float, more: float) -> None:
    workload = Workload(current, [Pod()] * current)

    def ask(average: float) -> int:
        metric = Metric("External", "m", average=average)
        return replicas_for(metric, workload, now=0, tolerance=Tolerance(0, 0), value=value)

    assert ask(target + more) <= ask(target)
