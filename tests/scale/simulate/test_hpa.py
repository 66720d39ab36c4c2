"""The HorizontalPodAutoscaler, by its documentation's formula, rules and examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scale.simulate.controllers.hpa import Metric, MetricError, Pod, Sample, Tolerance, Workload, replicas_for

CPU = Metric("Resource", "cpu", utilization=100)
PER_POD = Metric("Pods", "requests", average=100)
QUEUE = Metric("External", "queue", value=100)
QUEUE_EACH = Metric("External", "queue", average=50)
INGRESS = Metric("Object", "ingress", value=1000)
INGRESS_EACH = Metric("Object", "ingress", average=250)
MEMORY_EACH = Metric("Resource", "memory", average=500)
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


# "Algorithm details": currentMetricValue 200m for a desired 100m doubles the pods, 50m halves them.
@pytest.mark.parametrize(("value", "current", "replicas"), [(0.2, 1, 2), (0.2, 3, 6), (0.05, 2, 1), (0.05, 4, 2)])
def test_the_documentations_example_of_the_formula(value: float, current: int, replicas: int) -> None:
    metric = Metric("Resource", "cpu", average=0.1)
    assert count(metric, [value] * current) == replicas


@pytest.mark.parametrize(
    ("values", "replicas"),
    [([1000, 1000], 4), ([250, 250], 1), ([550, 550], 2), ([551, 551], 3), ([1000, 1000, None], 4)],
)
def test_a_resource_by_its_amount(values: list[float | None], replicas: int) -> None:
    assert count(MEMORY_EACH, values) == replicas


def test_a_utilization_is_of_the_requests_together() -> None:
    pods = [Pod(request=1.0), Pod(request=3.0)]
    assert count(CPU, [2.0, 6.0], pods) == 4
    assert count(CPU, [4.0, 0.0], pods) == 2


@pytest.mark.parametrize("metric", [Metric("Resource", "memory", utilization=100), PER_POD])
def test_only_cpu_waits_for_a_pod_to_be_ready(metric: Metric) -> None:
    starting = Pod(ready=False, started=900, changed=900)
    values = [2.0, 2.0, 2.0] if metric.kind == "Resource" else [200.0, 200.0, 200.0]
    assert count(metric, list(values), [Pod(), Pod(), starting]) == 6


def test_a_pod_without_a_node_counts_nothing_whatever_the_metric() -> None:
    assert count(PER_POD, [300, 300, None], [Pod(), Pod(), Pod(pending=True)]) == 6
    assert count(PER_POD, [140, 140, None], [Pod(), Pod(), Pod(pending=True)]) == 3


def test_missing_and_unready_pods_together() -> None:
    starting = Pod(ready=False, started=900, changed=900)
    pods = [Pod(), Pod(), Pod(), starting]
    # Up: both at 0. 2 x 4.0 over 4 pods is twice the target.
    assert count(CPU, [4.0, 4.0, None, 4.0], pods) == 8
    # Down: the missing one at its request, the unready one left out. (0.2 + 0.2 + 1) / 3 of 3 pods.
    assert count(CPU, [0.2, 0.2, None, 0.2], pods) == 2


def test_pods_without_a_request_are_an_error() -> None:
    with pytest.raises(MetricError, match="request none"):
        count(CPU, [1.0], [Pod(request=0.0)])


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
        (INGRESS, 1100, 4, 4),
        (INGRESS, 1101, 4, 5),
        (INGRESS, 900, 4, 4),
        (INGRESS, 899, 4, 4),
        (INGRESS, 700, 4, 3),
        (INGRESS_EACH, 1500, 4, 6),
        (INGRESS_EACH, 1000, 4, 4),
        (INGRESS_EACH, 0, 4, 0),
        (QUEUE_EACH, 220, 4, 4),
        (QUEUE_EACH, 221, 4, 5),
        (QUEUE_EACH, 180, 4, 4),
        (QUEUE_EACH, 150, 4, 3),
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


@given(st.integers(1, 50), st.floats(1, 1e4), st.floats(1, 1000), st.floats(1, 100))
def test_a_higher_target_never_asks_for_more(current: int, value: float, target: float, more: float) -> None:
    workload = Workload(current, [Pod()] * current)

    def ask(average: float) -> int:
        metric = Metric("External", "m", average=average)
        return replicas_for(metric, workload, now=0, tolerance=Tolerance(0, 0), value=value)

    assert ask(target + more) <= ask(target)
