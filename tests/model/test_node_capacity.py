"""What nodes hold, and what pods ask of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.capacity import capacity, connections_per_server
from model.node_capacity import PodBudget, Room, allocatable, left_out, pod_budget, pods_per_node
from tests.model.parsing import parse


def budget(network: str = "10.0.0.0/16", **kubernetes: Any) -> PodBudget:
    found = pod_budget(parse(network={"cidr": network}, compute={"kubernetes": kubernetes}))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("instance_type", "pods"),
    # From amazon-vpc-cni-k8s, misc/eni-max-pods.txt, with EKS's bound of 110 and 250.
    [
        ("t4g.medium", 17),
        ("m7g.medium", 8),
        ("m7g.large", 29),
        ("m7g.xlarge", 58),
        ("m7g.4xlarge", 110),
        ("c7g.16xlarge", 250),
    ],
)
def test_pods_a_node_may_run(instance_type: str, pods: int) -> None:
    assert pods_per_node(instance_type) == pods


@pytest.mark.parametrize("instance_type", ["g5g.xlarge", "u7i-12tb.224xlarge"])
def test_a_type_that_is_not_known_is_not_guessed(instance_type: str) -> None:
    assert pods_per_node(instance_type) is None
    assert allocatable(instance_type) is None


def test_a_node_keeps_a_part_for_itself() -> None:
    room = allocatable("m7g.large")
    assert room is not None
    assert 1500 < room.millicores < 2000
    assert 6000 < room.memory_mib < 8192
    assert room.pods == 29 - 3


def test_no_cluster_asks_for_nothing() -> None:
    assert pod_budget(parse()) is None


def test_the_pool_s_bound_is_what_lets_all_pods_in() -> None:
    assert budget().fits
    assert not budget(pool={"max_processors": 8}).fits
    assert not budget(pool=None).fits


def test_sidecars_count() -> None:
    pooled = pod_budget(parse(database={"pooling": "pgbouncer"}, compute={"kubernetes": {}}))
    assert pooled is not None
    assert pooled.largest_pod.millicores == budget().largest_pod.millicores + 50


def test_a_pod_larger_than_any_node_is_never_scheduled() -> None:
    resources = {"cpu_millicores": 4000, "cpu_limit_millicores": 4000}
    assert not budget(web={"resources": resources}).schedulable
    assert budget(web={"resources": {**resources, "cpu_millicores": 3500}}).schedulable


def test_a_small_network_runs_out_of_addresses() -> None:
    assert budget("10.0.0.0/22").addressable
    assert not budget("10.0.0.0/23").addressable


@given(st.integers(3, 200), st.integers(1, 50))
def test_more_pods_never_ask_for_less(pods: int, more: int) -> None:
    small, large = budget(web={"max": pods}), budget(web={"max": pods + more})
    assert large.asked.holds(small.asked)
    assert large.addresses >= small.addresses


def test_room_is_held_only_by_room_for_all_of_it() -> None:
    room = Room(1000, 1024, 10)
    assert room.holds(room)
    assert not any(
        room.holds(replace(room, **{key: getattr(room, key) + 1})) for key in ("millicores", "memory_mib", "pods")
    )


_rooms = st.builds(Room, st.integers(1, 40), st.integers(1, 40), st.integers(1, 8))
_pods = st.builds(Room, st.integers(1, 15), st.integers(1, 15), st.just(1))


@given(st.lists(st.tuples(_pods, st.integers(1, 9)), max_size=4), st.lists(st.tuples(_rooms, st.integers(1, 5))))
def test_pods_are_counted_out_as_if_each_were_put_on_the_first_node_with_room(
    pods: list[tuple[Room, int]], nodes: list[tuple[Room, int]]
) -> None:
    rooms, without = [room for room, count in nodes for _ in range(count)], 0
    for pod, count in sorted(pods, key=lambda each: (each[0].millicores, each[0].memory_mib), reverse=True):
        for _ in range(count):
            place = next((place for place, room in enumerate(rooms) if room.holds(pod)), None)
            if place is None:
                without += 1
            else:
                rooms[place] = rooms[place].less(pod)
    assert left_out(pods, nodes) == without


def test_what_is_left_on_each_node_holds_no_pod_together() -> None:
    # Four of 0.75 on each of 15 nodes with 3.72, and two on each of the group's two: 64 of 68, with 11 cores to spare.
    found = budget(web={"max": 54}, pool={"max_processors": 60})
    assert found.room is not None
    assert found.room.holds(found.asked)
    assert found.left_out == 4


def test_pods_and_workers_open_connections_beside_the_servers() -> None:
    tasks = {"app": "shop", "workers": [{"max": 5, "concurrency": 4}]}
    settings = parse(compute={"kubernetes": {"web": {"min": 3, "max": 10}, "tasks": tasks}})
    each = connections_per_server(settings)
    (primary,) = capacity(settings).connections
    assert primary.at_maximum == settings.servers.max * each + 10 * each + 5 * 4
    # A quarter more pods in a rollout, half as many servers more in a refresh, and the migration's connection.
    assert primary.during_refresh == 9 * each + 13 * each + 5 * 4 + 1


def test_servers_that_do_not_run_need_no_memory_and_no_connection() -> None:
    settings = parse(compute={"servers": False, "kubernetes": {"web": {"max": 10}, "migration": None}})
    found = capacity(settings)
    assert (found.servers, found.memory) == (0, ())
    assert found.connections[0].at_maximum == 10 * connections_per_server(settings)
