"""Servers that start together migrate one after another, on a real PostgreSQL."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scale.local.servers import PgBouncer, Primary
from tests.runtime.real.application import (
    Application,
    base_variables,
    database_variables,
    pgbouncer_variables,
    wait_until,
)

LOCK = "hashtextextended('django_scale.migrate_once', 0)"
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


@pytest.fixture
def fresh(primary: Primary) -> str:
    """The name of a database without a table."""
    primary.execute("DROP DATABASE IF EXISTS migrate_once")
    primary.create_database("migrate_once")
    return "migrate_once"


def server(folder: Path, primary: Primary, database: str, pooling: str = "direct") -> Application:
    variables = base_variables() | database_variables(primary, [], pooling) | {"DB_NAME": database}
    return Application(folder, variables)


@pytest.mark.parametrize("pooling", ["direct", "psycopg-pool"])
def test_it_waits_for_the_server_that_migrates(
    primary: Primary, fresh: str, servers_folder: Path, pooling: str
) -> None:
    with primary.connect(fresh) as first, ThreadPoolExecutor(1) as pool:
        first.execute(f"SELECT pg_advisory_lock({LOCK})")
        second = pool.submit(server(servers_folder / "second", primary, fresh, pooling).manage, "migrate_once")
        wait_until(lambda: primary.value(WAITING) == 1, 60)
        assert first.execute("SELECT to_regclass('django_migrations')").fetchone() == (None,)
        first.execute(f"SELECT pg_advisory_unlock({LOCK})")
        assert "Applying articles.0001_initial... OK" in second.result(60)


def test_of_servers_that_start_together_one_migrates(primary: Primary, fresh: str, servers_folder: Path) -> None:
    together = threading.Barrier(3)

    def start(number: int) -> str:
        application = server(servers_folder / f"migrate-{number}", primary, fresh)
        together.wait()
        return application.manage("migrate_once", "--no-color")

    with ThreadPoolExecutor(3) as pool:
        said = list(pool.map(start, range(3)))
    assert sorted("No migrations to apply." in each for each in said) == [False, True, True]
    with primary.connect(fresh) as connection:
        twice = "SELECT app, name FROM django_migrations GROUP BY app, name HAVING count(*) > 1"
        assert connection.execute(twice).fetchall() == []


def test_behind_pgbouncer_nobody_is_left_with_the_lock(
    migrated: Primary, pgbouncer: PgBouncer, servers_folder: Path
) -> None:
    variables = base_variables() | pgbouncer_variables(pgbouncer)
    said = Application(servers_folder / "migrate-pgbouncer", variables).manage("migrate_once", "--no-color")
    assert "No migrations to apply." in said
    assert migrated.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0


def test_with_sqlite_it_is_django_s_own(servers_folder: Path, tmp_path: Path) -> None:
    variables = {"DJANGO_DEBUG": "true", "DJANGO_SECRET_KEY": "a secret of the tests"}
    application = Application(servers_folder / "migrate-sqlite", variables)
    assert "auth" in application.manage("migrate_once", "--plan", "--no-color")
