"""What the fleet at its largest asks of its database and its memory."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
from hypothesis import given

from model import capacity
from model.capacity import Capacity, ConnectionBudget, MemoryBudget
from tests.model.parsing import parse
from tests.strategies import Stack, stacks


def _capacity(**config: Any) -> Capacity:
    return capacity.capacity(parse(**config))


def _action(**changes: Any) -> dict[str, Any]:
    return {"name": "up", "cron": "0 8 * * *", **changes}


@pytest.mark.parametrize(
    ("config", "servers"),
    [
        ({"servers": {"min": 1, "max": 5}}, 5),
        ({"servers": {"min": 1, "max": 5}, "scaling": {"scheduled": [_action(max=9)]}}, 9),
        ({"servers": {"min": 1, "max": 5}, "scaling": {"scheduled": [_action(max=3)]}}, 5),
        ({"servers": {"min": 1, "max": 5}, "scaling": {"scheduled": [_action(min=2)]}}, 5),
    ],
)
def test_the_largest_fleet_is_the_group_s_or_a_scheduled_one(config: dict[str, Any], servers: int) -> None:
    assert _capacity(**config).servers == servers


@pytest.mark.parametrize(
    ("predictive", "open_ended"),
    [(None, False), ({"mode": "forecast-and-scale"}, False)],
)
def test_the_maximum_holds(predictive: dict[str, Any] | None, open_ended: bool) -> None:
    assert _capacity(scaling={"predictive": predictive}).open_ended is open_ended


def test_a_forecast_that_lifts_the_maximum_has_no_limit_known_in_advance() -> None:
    predictive = {"mode": "forecast-and-scale", "max_breach_percent": 10}
    assert _capacity(scaling={"predictive": predictive}).open_ended


@pytest.mark.parametrize(
    ("largest", "percent", "expected"),
    [(10, 150, 15), (3, 150, 5), (1, 150, 2), (7, 100, 7), (10, 200, 20), (10, 101, 11)],
)
def test_a_refresh_runs_more_servers_rounded_up(largest: int, percent: int, expected: int) -> None:
    refresh = {"min_healthy_percent": 100, "max_healthy_percent": percent}
    found = _capacity(servers={"min": 1, "max": largest, "refresh": refresh})
    assert found.servers_during_refresh == expected


HELD: list[tuple[dict[str, Any], int]] = [
    ({"pooling": "direct"}, 3 * 5),
    ({"pooling": "psycopg-pool", "pool_size": 4}, 3 * 4),
    ({"pooling": "direct", "replicas": [{}]}, 3 * (5 + 1)),
    ({"pooling": "psycopg-pool", "pool_size": 4, "replicas": [{}, {}]}, 3 * (4 + 1)),
    ({"pooling": "pgbouncer", "pgbouncer": {"pool_size": 7, "reserve": 2}}, 7 + 2),
    ({"pooling": "pgbouncer", "pgbouncer": {"pool_size": 7, "reserve": 0}, "replicas": [{}, {}]}, 7),
]


@pytest.mark.parametrize(("database", "expected"), HELD)
def test_a_server_holds_a_connection_a_thread_a_pool_a_worker_or_a_pooler_s_and_one_to_watch_replicas(
    database: dict[str, Any], expected: int
) -> None:
    assert _capacity(application={"workers": 3, "threads": 5}, database=database).connections_per_server == expected


@pytest.mark.parametrize(("replicas", "expected"), [(0, 3 * 5), (2, 3 * (5 + 1) * 3)])
def test_a_pooler_has_a_place_for_every_thread_and_watcher_and_database(replicas: int, expected: int) -> None:
    settings = parse(application={"workers": 3, "threads": 5}, database={"replicas": [{}] * replicas})
    assert capacity.pooler_clients(settings) == expected


@pytest.mark.parametrize(
    ("class_name", "expected"),
    [
        ("db.t4g.micro", 112),  # 1 GiB / 9,531,392
        ("db.m7g.large", 901),
        ("db.r7g.large", 1802),
        ("db.r8g.48xlarge", 5000),
    ],
)
def test_max_connections_follow_the_memory_up_to_5000(class_name: str, expected: int) -> None:
    assert capacity.max_connections(parse().database, class_name) == expected


def test_max_connections_can_be_said() -> None:
    assert capacity.max_connections(parse(database={"max_connections": 300}).database, "db.x2g.large") == 300


def test_a_class_of_unknown_memory_has_no_limit_to_compute() -> None:
    with pytest.raises(ValueError, match=r"the memory of db\.x2g\.large is not known"):
        capacity.max_connections(parse().database, "db.x2g.large")


def test_five_connections_are_kept_for_administrators() -> None:
    assert capacity.usable_connections(parse(database={"max_connections": 100}).database, "db.m7g.large") == 95


def test_classes_are_the_primary_s_unless_a_replica_has_its_own() -> None:
    database = parse(
        database={
            "instance_class": "db.m7g.large",
            "replicas": [{"name": "reports", "instance_class": "db.r7g.large"}, {"weight": 2}],
        }
    ).database
    assert capacity.database_classes(database) == {
        "primary": "db.m7g.large",
        "reports": "db.r7g.large",
        "replica-2": "db.m7g.large",
    }


@pytest.mark.parametrize(
    ("at_maximum", "during_refresh", "fits", "fits_during_refresh"),
    [(95, 95, True, True), (95, 96, True, False), (96, 144, False, False)],
)
def test_a_budget_fits_up_to_its_limit(
    at_maximum: int, during_refresh: int, fits: bool, fits_during_refresh: bool
) -> None:
    budget = ConnectionBudget("primary", "db.m7g.large", 95, at_maximum, during_refresh)
    assert (budget.fits, budget.fits_during_refresh) == (fits, fits_during_refresh)


@pytest.mark.parametrize(("memory", "fits"), [(1535, False), (1536, True), (None, True)])
def test_memory_that_is_not_known_is_not_judged(memory: int | None, fits: bool) -> None:
    assert MemoryBudget("t4g.small", memory, 1536).fits is fits


def test_a_server_needs_its_workers_memory_and_the_system_s() -> None:
    application = {"workers": 4, "worker_memory_mib": 256}
    (budget,) = _capacity(application=application, servers={"instance_type": "t4g.small"}).memory
    assert budget == MemoryBudget("t4g.small", 2048, 4 * 256 + 512)


def test_every_instance_type_has_a_memory_budget() -> None:
    servers = {"instance_type": "m7g.large", "other_instance_types": ["x2gd.large"]}
    assert [(budget.instance_type, budget.memory_mib) for budget in _capacity(servers=servers).memory] == [
        ("m7g.large", 8192),
        ("x2gd.large", None),
    ]


@hypothesis.settings(max_examples=50)
@given(stacks())
def test_every_instance_has_the_budget_of_the_whole_fleet(stack: Stack) -> None:
    settings = stack.settings()
    found = capacity.capacity(settings)
    assert [budget.instance for budget in found.connections] == ["primary", *settings.database.replica_names]
    pods, _ = capacity.pod_connections(settings)
    assert {budget.at_maximum for budget in found.connections} == {found.servers * found.connections_per_server + pods}
    assert found.servers_during_refresh >= found.servers >= (settings.servers.max if settings.compute.servers else 0)
    assert (pods > 0) == (found.pods is not None) == (settings.compute.kubernetes is not None)
    assert all(budget.limit > 0 for budget in found.connections)
