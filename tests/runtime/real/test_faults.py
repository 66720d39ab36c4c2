"""Servers that die or fall silent under load: what users see, and for how long."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scale.local.servers import PgBouncer, RedisCluster, Replica
from tests.runtime.real.application import Application, Client, Variables, pgbouncer_variables, wait_until
from tests.runtime.real.load import Load, load

WORKERS, THREADS = 2, 4
# A connection is a thread's: each may meet the lost replica once.
CONNECTIONS = WORKERS * THREADS
# What a machine adds whose two cores do other things besides.
BUSY_SECONDS = 3
# PROBE_INTERVAL 1 s and PROBE_TIMEOUT 2 s.
EJECTED_SECONDS = 3 + BUSY_SECONDS
# EJECTION_SECONDS 5 s with jitter of a fifth, a probe, and the same allowance.
BACK_SECONDS = 5 * 1.2 + 2 + BUSY_SECONDS


@pytest.fixture(
    scope="module",
    params=[
        "direct",
        pytest.param("psycopg-pool", marks=pytest.mark.soak),
        pytest.param("pgbouncer", marks=pytest.mark.soak),
    ],
)
def loaded(
    request: pytest.FixtureRequest, variables: Variables, pgbouncer: PgBouncer, servers_folder: Path
) -> Iterator[Application]:
    """The example under a pooling profile."""
    chosen = variables | {"DB_POOLING": request.param, "DB_POOL_SIZE": str(THREADS)}
    if request.param == "pgbouncer":
        chosen |= pgbouncer_variables(pgbouncer)
        chosen = {name: value for name, value in chosen.items() if not re.fullmatch(r"DB_REPLICA_\d_PORT", name)}
    with Application(servers_folder / f"faults-{request.param}", chosen, workers=WORKERS, threads=THREADS) as running:
        yield running


def _aliases(seen: Load, moment: float) -> set[str]:
    return {json.loads(r.body)["alias"] for r in seen.since(moment) if r.status == 200}


def _is_back(application: Application) -> bool:
    return "replica_1" in _served_by(application)


@pytest.fixture
def victim(loaded: Application, replicas: list[Replica]) -> Iterator[Replica]:
    """A replica that serves, and is whole again afterwards."""
    wait_until(lambda: _is_back(loaded), 20)
    replica = replicas[0]
    yield replica
    replica.thaw()
    if not replica.running:
        replica.start()
    wait_until(lambda: _is_back(loaded), 90)


def test_a_killed_replica_fails_each_connection_once_at_most(loaded: Application, victim: Replica) -> None:
    with load(loaded, "/probe/read/") as seen:
        time.sleep(1)
        killed = time.monotonic()
        victim.kill()
        time.sleep(BUSY_SECONDS + 1)
        settled = killed + BUSY_SECONDS  # refused at once: no probe needs to time out
        assert len(seen.failures()) <= CONNECTIONS, [r.body[:200] for r in seen.failures()]
        assert seen.failures(settled) == []
        assert len(seen.since(settled)) > 20
        assert _aliases(seen, settled) == {"replica_2"}
        victim.start()
        wait_until(lambda: _is_back(loaded), BACK_SECONDS + 5)  # started again, it may meet a second ejection of 10 s
        assert seen.failures(settled) == []


def test_a_frozen_replica_fails_each_connection_once_at_most(loaded: Application, victim: Replica) -> None:
    with load(loaded, "/probe/read/") as seen:
        time.sleep(1)
        frozen = time.monotonic()
        victim.freeze()
        time.sleep(EJECTED_SECONDS + 1)
        settled = frozen + EJECTED_SECONDS
        failures = seen.failures()
        assert len(failures) <= CONNECTIONS, [r.body[:200] for r in failures]
        assert seen.failures(settled) == []
        assert max(r.ended - r.began for r in seen.requests if r.began < settled) < EJECTED_SECONDS
        assert len(seen.since(settled)) > 20
        assert _aliases(seen, settled) == {"replica_2"}
        victim.thaw()
        wait_until(lambda: _is_back(loaded), BACK_SECONDS)
        assert seen.failures(settled) == []


def test_without_any_replica_reads_fall_back_and_the_server_stays_ready(
    loaded: Application, victim: Replica, replicas: list[Replica]
) -> None:
    for replica in replicas:
        replica.kill()
    try:
        wait_until(lambda: _served_by(loaded) == {"default"}, 5)
        ready = Client(loaded).get("/health/ready")
        assert ready.status == 200
        assert ready.json["status"] == "degraded"
        assert ready.json["checks"]["replicas"] != "ok"
        assert "no replica serves" in (loaded.folder / "log").read_text()
    finally:
        for replica in replicas:
            replica.start()
    wait_until(lambda: _served_by(loaded) == {"replica_1", "replica_2"}, 60)


def _served_by(application: Application) -> set[str]:
    answers = [Client(application).get("/probe/read/") for _ in range(16)]
    return {answer.json["alias"] for answer in answers if answer.status == 200}


def test_a_frozen_shard_does_not_stop_a_page(loaded: Application, cluster: RedisCluster) -> None:
    """The list is cached under one key, the page cache under others: pages go on while any one shard is silent."""
    for shard in cluster.masters:
        with load(loaded, "/", clients=4) as seen:
            time.sleep(0.5)
            shard.freeze()
            time.sleep(2.5)
            shard.thaw()
        assert seen.failures() == []
        assert len(seen.requests) > 30
        assert max(r.ended - r.began for r in seen.requests) < 2.5
    wait_until(cluster.healthy, 20)
