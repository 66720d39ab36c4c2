"""Whether this server can serve: asked in the background, by one thread, remembered for a moment."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from redis.exceptions import RedisError

from django_scale.cache.multilevel import MultiLevelCache
from django_scale.conf import options
from django_scale.db.pool import PRIMARY, replica_pool

logger = logging.getLogger("django_scale.health")

FAILURES = (DatabaseError, RedisError, OSError, ImproperlyConfigured, RuntimeError)


@dataclass(frozen=True)
class Report:
    """`checks` maps a name to "ok" or what is wrong. `ready`: all that are required are ok; `degraded`: another is
    not."""

    ready: bool
    degraded: bool
    checks: dict[str, str]


def check_database() -> None:
    """The primary answers."""
    with connections[PRIMARY].cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()


def check_cache() -> None:
    """Every server of the default cache answers."""
    cache: object = caches["default"]
    if not isinstance(cache, MultiLevelCache):
        return
    lost = [str(node) for node in cache.levels.client.topology.nodes() if not _answers(node)]
    if lost:
        raise OSError(f"no answer from {', '.join(lost)}")


def _answers(node: Any) -> bool:
    try:
        return node.roundtrip([("PING",)])[0] in {b"PONG", "PONG"}
    except RedisError:
        return False


def check_replicas() -> None:
    """Every replica serves."""
    lost = [alias for alias, replica in replica_pool().replicas.items() if replica.weight and not replica.serves]
    if lost:
        raise OSError(f"left out: {', '.join(lost)}")


class Migrations:
    """All migrations of this release are applied. Asked until it is so: none is taken back under a running server."""

    def __init__(self) -> None:
        self._applied = False

    def __call__(self) -> None:
        """Raise RuntimeError with the number that waits."""
        if self._applied:
            return
        executor = MigrationExecutor(connections[PRIMARY])
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if plan:
            raise RuntimeError(f"{len(plan)} migrations are not applied")
        self._applied = True


class Readiness:
    """Runs the checks. Those that take longer than HEALTH_TIMEOUT count as failed, and are not asked a second time
    meanwhile."""

    def __init__(self) -> None:
        self.checks: dict[str, Callable[[], None]] = {
            "database": check_database,
            "migrations": Migrations(),
            "cache": check_cache,
            "replicas": check_replicas,
        }
        self._lock = threading.Lock()
        self._report: Report | None = None
        self._at = 0.0
        self._under_way: dict[str, threading.Event] = {}
        self._outcomes: dict[str, str] = {}

    def report(self) -> Report:
        """The state, of HEALTH_CACHE_SECONDS ago at most. Callers at once wait for one run."""
        with self._lock:
            if self._report is None or time.monotonic() - self._at >= options().health_cache_seconds:
                self._report = self._run()
                self._at = time.monotonic()
            return self._report

    def _run(self) -> Report:
        opts = options()
        deadline = time.monotonic() + opts.health_timeout
        for name in self.checks:
            running = self._under_way.get(name)
            if running is None or running.is_set():
                self._start(name)
        found = {name: self._outcome(name, deadline) for name in self.checks}
        failed = {name for name, outcome in found.items() if outcome != "ok"}
        return Report(ready=not failed & opts.health_required, degraded=bool(failed), checks=found)

    def _start(self, name: str) -> None:
        done = self._under_way[name] = threading.Event()

        def run() -> None:
            try:
                self.checks[name]()
                self._outcomes[name] = "ok"
            except FAILURES as error:
                logger.warning("%s is not well: %s", name, error)
                # To whoever asks, the kind only: messages hold addresses.
                self._outcomes[name] = type(error).__name__
            finally:
                done.set()
                connections.close_all()

        self._outcomes[name] = "failed"
        threading.Thread(target=run, name=f"django-scale-health-{name}", daemon=True).start()

    def _outcome(self, name: str, deadline: float) -> str:
        if not self._under_way[name].wait(max(0.0, deadline - time.monotonic())):
            return "no answer in time"
        return self._outcomes[name]


readiness = Readiness()


def _after_fork() -> None:
    global readiness
    readiness = Readiness()


os.register_at_fork(after_in_child=_after_fork)
