"""The example on a primary with two replicas, a Redis Cluster and a session store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scale.local.servers import Primary, Redis, RedisCluster, Replica
from tests.runtime.real.application import Application, Variables, base_variables, cache_variables, database_variables


@pytest.fixture(scope="session")
def migrated(primary: Primary, servers_folder: Path) -> Primary:
    """The primary with the example's tables."""
    Application(servers_folder / "migrate", base_variables() | database_variables(primary, [])).manage("migrate", "-v0")
    return primary


@pytest.fixture(scope="session")
def session_store(servers_folder: Path) -> Iterator[Redis]:
    """A Redis for sessions alone."""
    with Redis(servers_folder / "sessions") as server:
        yield server


@pytest.fixture(scope="session")
def variables(
    migrated: Primary,
    replicas: list[Replica],
    cluster: RedisCluster,
    session_store: Redis,
    servers_folder: Path,
) -> Variables:
    """The whole stack."""
    database = database_variables(migrated, replicas)
    found = base_variables() | database | cache_variables(cluster, session_store)
    static = {"STATIC_FOR_TESTS": str(servers_folder / "static")}
    # Outside DEBUG, pages name static files by their hashes.
    Application(servers_folder / "static-files", found | static).manage("collectstatic", "--noinput", "-v0")
    return found | static


@pytest.fixture(scope="session")
def application(variables: Variables, servers_folder: Path) -> Iterator[Application]:
    """Two workers of four threads."""
    with Application(servers_folder / "application", variables, workers=2) as running:
        yield running
