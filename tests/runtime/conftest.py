"""Django for the tests of the runtime, and the real servers, started once a session when a test asks for them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

import django
import pytest
from django.conf import settings

from scale.local.servers import MissingBinaryError, PgBouncer, Primary, Redis, RedisCluster, Replica, find_binary

ServerT = TypeVar("ServerT")
_folder = Path(tempfile.mkdtemp(prefix="django-scale-tests-"))

if not settings.configured:
    settings.configure(
        SECRET_KEY="for tests",
        USE_TZ=True,
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django_scale",
        ],
        DATABASES={
            alias: {"ENGINE": "django.db.backends.sqlite3", "NAME": str(_folder / "db.sqlite3")}
            for alias in ("default", "replica_1", "replica_2")
        },
        CACHES={
            "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
            "database": {"BACKEND": "django_scale.cache.DatabaseCache", "KEY_PREFIX": "l3"},
        },
        DJANGO_SCALE={"METRICS_DIRECTORY": str(_folder / "metrics")},
    )
    django.setup()


@pytest.fixture(scope="session", autouse=True)
def database() -> Iterator[None]:
    """The tables, in SQLite."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    yield
    shutil.rmtree(_folder, ignore_errors=True)


def need(*binaries: str) -> None:
    """Skip a test whose servers are not installed; where CI is true, fail it."""
    try:
        for binary in binaries:
            find_binary(binary)
    except MissingBinaryError as missing:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def servers_folder() -> Iterator[Path]:
    """Where servers keep their files; readable by the user that PostgreSQL runs as."""
    folder = Path(tempfile.mkdtemp(prefix="django-scale-servers-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _run(server: AbstractContextManager[ServerT]) -> Iterator[ServerT]:
    with server as running:
        yield running


@pytest.fixture(scope="session")
def primary(servers_folder: Path) -> Iterator[Primary]:
    """A PostgreSQL primary with an empty database."""
    need("postgres", "initdb", "pg_basebackup")
    with Primary(servers_folder / "primary") as server:
        server.create_database()
        yield server


@pytest.fixture(scope="session")
def replicas(primary: Primary, servers_folder: Path) -> Iterator[list[Replica]]:
    """Two replicas that stream from the primary."""
    with Replica(servers_folder / "replica-1", primary) as one, Replica(servers_folder / "replica-2", primary) as two:
        yield [one, two]


@pytest.fixture(scope="session")
def pgbouncer(primary: Primary, replicas: list[Replica], servers_folder: Path) -> Iterator[PgBouncer]:
    """PgBouncer in transaction mode before all three."""
    need("pgbouncer")
    names = {"app": primary, "app_replica_1": replicas[0], "app_replica_2": replicas[1]}
    yield from _run(PgBouncer(servers_folder / "pgbouncer", names))


@pytest.fixture(scope="session")
def shards(servers_folder: Path) -> Iterator[list[Redis]]:
    """Three independent Redis servers."""
    need("redis-server")
    folder = servers_folder
    with Redis(folder / "shard-1") as one, Redis(folder / "shard-2") as two, Redis(folder / "shard-3") as three:
        yield [one, two, three]


@pytest.fixture(scope="session")
def cluster(servers_folder: Path) -> Iterator[RedisCluster]:
    """A Redis Cluster of three shards, each with a replica."""
    need("redis-server")
    yield from _run(RedisCluster(servers_folder / "cluster"))
