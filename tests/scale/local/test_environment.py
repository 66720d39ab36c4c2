"""The variables of a local server: the container's, but for where things are and what TLS asks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django_scale.settings.environment import read
from hypothesis import given
from hypothesis import settings as hypothesis_settings

from model.environment import pooled_replica_names
from model.settings import Settings
from scale.local.environment import Local, Places, local_environment
from tests.model.parsing import parse
from tests.strategies import Stack, stacks


def local(settings: Settings, pooled: bool | None = None) -> Local:
    """Return the environment of a system at made-up ports, by default with PgBouncer where the settings have it."""
    if pooled is None:
        pooled = settings.database.pooling == "pgbouncer"
    places = Places(
        balancer="127.0.0.1:8000",
        database_port=5432,
        replica_ports=[5433 + place for place, _ in enumerate(settings.database.replicas)],
        pooler=6432 if pooled else None,
        replica_names=pooled_replica_names(settings.database),
        cache=["127.0.0.1:7000"] if settings.cache.data else [],
        sessions=["127.0.0.1:7100"] if settings.cache.sessions else [],
        static=Path("/srv/static"),
        media=Path("/srv/media"),
    )
    return local_environment(settings, places, workers=2)


def variables(**groups: Any) -> dict[str, str]:
    return dict(local(parse(**groups)).variables)


@hypothesis_settings(max_examples=40, deadline=None)
@given(stacks())
def test_the_runtime_reads_what_any_stack_gives_and_nothing_leads_to_the_cloud(stack: Stack) -> None:
    found = local(stack.settings()).variables
    own = set(stack.settings().application.environment)
    read({name: value for name, value in found.items() if name not in own})
    assert not [
        name
        for name, value in found.items()
        if "amazonaws" in value and name not in own and "HOSTS" not in name and "ORIGINS" not in name
    ]


def test_behind_pgbouncer_every_database_is_at_its_port_by_a_name_of_its_own() -> None:
    found = variables(database={"pooling": "pgbouncer", "replicas": [{}, {}]})
    assert (found["DB_PORT"], found["DB_REPLICA_1_PORT"], found["DB_REPLICA_2_PORT"]) == ("6432",) * 3
    assert (found["DB_REPLICA_1_NAME"], found["DB_REPLICA_2_NAME"]) == ("_replica_1", "_replica_2")


def test_without_it_a_process_connects_to_each_instance() -> None:
    found = variables(database={"replicas": [{}, {}]})
    assert (found["DB_PORT"], found["DB_REPLICA_1_PORT"], found["DB_REPLICA_2_PORT"]) == ("5432", "5433", "5434")
    assert "DB_REPLICA_1_NAME" not in found


@pytest.mark.parametrize("pooling", ["direct", "psycopg-pool", "pgbouncer"])
def test_a_run_with_or_without_pgbouncer_is_as_a_stack_with_or_without_it(pooling: str) -> None:
    chosen = parse(database={"pooling": pooling, "replicas": [{}]})
    for pooled, same in ((True, "pgbouncer"), (False, "direct" if pooling == "pgbouncer" else pooling)):
        alike = parse(database={"pooling": same, "replicas": [{}]})
        assert local(chosen, pooled).variables == local(alike).variables


def test_a_team_s_own_variables_and_the_policy_s_static_path_are_kept() -> None:
    found = variables(application={"environment": {"FEATURE": "on"}}, traffic={"static_path": "/assets/"})
    assert (found["FEATURE"], found["STATIC_URL"]) == ("on", "/assets/")


def test_what_differs_from_the_cloud_is_said() -> None:
    said = "\n".join(local(parse(application={"domain": "shop.example.com"})).differences)
    assert "DJANGO_BEHIND_TLS false instead of true" in said
    assert "DB_SSLMODE disable instead of verify-full" in said
    assert "STATIC_BUCKET" in said
