"""Threads that ask the primary and each replica how far they are. The only place that opens connections for routing."""

from __future__ import annotations

import logging
import os
import select
import sys
import threading
import time
from typing import Any

import psycopg
from django.db import connections
from psycopg import pq

from django_scale.db import connections as known
from django_scale.db.lsn import parse_lsn
from django_scale.db.pool import PRIMARY, ReplicaPool, replica_pool

logger = logging.getLogger("django_scale.db")

# A server that is no replica (a test mirror, one that was promoted) has replayed all that it has written.
POSITION = (
    b"SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END::text"
)


class SilentServer(psycopg.OperationalError):
    """A server took a question and gave no answer in time."""


class Probe(threading.Thread):
    """Asks one server, on a connection of its own; for an ejected replica it is the one prober that may let it back."""

    def __init__(self, alias: str, pool: ReplicaPool, stopped: threading.Event) -> None:
        super().__init__(name=f"django-scale-probe-{alias}", daemon=True)
        self.alias = alias
        self._pool = pool
        self._stopped = stopped
        self._connection: psycopg.Connection[Any] | None = None

    def run(self) -> None:
        """Probe until stopped; the time between is the interval, or what is left of an ejection.

        A failure that a query has met is looked into at once: others may hang on the same server.
        """
        wake = self._pool.suspects.get(self.alias) or threading.Event()
        while not self._stopped.is_set():
            wake.wait(self._pause())
            if self._stopped.is_set():
                break
            wake.clear()
            try:
                self.probe()
            except (psycopg.Error, OSError, ValueError) as error:
                self._failed(error)
        self._close()

    def _pause(self) -> float:
        replica = self._pool.replicas.get(self.alias)
        left = replica.ejected_until - time.monotonic() if replica and replica.ejected else 0.0
        return max(left, self._pool.options.probe_interval if self._connection else 0.01, 0.01)

    def probe(self) -> None:
        """One question. Raises what psycopg raises, or SilentServer after PROBE_TIMEOUT seconds."""
        asked = time.monotonic()
        if self._connection is None:
            self._connection = self._connect()
        lsn = parse_lsn(self._ask(self._connection.pgconn))
        if self.alias == PRIMARY:
            self._pool.observe_primary(asked, lsn)
        else:
            self._pool.observe_replica(self.alias, asked, lsn)
            if asked >= self._pool.replicas[self.alias].ejected_until:
                self._pool.restore(self.alias)

    def _connect(self) -> psycopg.Connection[Any]:
        params: dict[str, Any] = connections[self.alias].get_connection_params()
        timeout = max(2, round(self._pool.options.probe_timeout))
        params |= {"autocommit": True, "connect_timeout": timeout}
        return psycopg.connect(**params)

    def _ask(self, server: pq.abc.PGconn) -> str:
        """The answer of the server, waited for in the client: a frozen server enforces no time-out of its own."""
        deadline = time.monotonic() + self._pool.options.probe_timeout
        server.send_query(POSITION)
        while server.is_busy():
            left = deadline - time.monotonic()
            if not select.select([server.socket], [], [], max(0.0, left))[0]:
                raise SilentServer(f"no answer in {self._pool.options.probe_timeout} s")
            server.consume_input()
        result = server.get_result()
        while server.get_result() is not None:
            pass
        value = result.get_value(0, 0) if result is not None and result.status == pq.ExecStatus.TUPLES_OK else None
        if value is None:
            raise ValueError(f"no position: {result.error_message.decode() if result else 'connection lost'}")
        return value.decode()

    def _failed(self, error: Exception) -> None:
        self._close()
        if self.alias == PRIMARY:
            logger.warning("the primary's position is unknown: %s", error)
            self._stopped.wait(self._pool.options.probe_interval)
            return
        self._pool.eject(self.alias, error)
        known.interrupt(self.alias)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Monitor:
    """The probes of this process, started by its first read and not before: never in a parent that forks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._watched: ReplicaPool | None = None

    def watch(self, pool: ReplicaPool) -> None:
        """Start the probes of `pool`, unless they run or its databases cannot be probed."""
        if self._watched is pool:
            return
        with self._lock:
            if self._watched is pool:
                return
            self._end()
            self._stopped = threading.Event()
            self._watched = pool
            if _in_tests():
                return
            aliases = [PRIMARY, *(alias for alias, replica in pool.replicas.items() if replica.weight)]
            for alias in aliases:
                if connections[alias].vendor == "postgresql":
                    pool.probed.add(alias)
                    Probe(alias, pool, self._stopped).start()

    def stop(self) -> None:
        """End the probes."""
        with self._lock:
            self._end()
            self._watched = None

    def _end(self) -> None:
        self._stopped.set()
        for suspect in self._watched.suspects.values() if self._watched else ():
            suspect.set()


def _in_tests() -> bool:
    # A probe's connection would keep the test database from being dropped.
    utils = sys.modules.get("django.test.utils")
    return utils is not None and hasattr(getattr(utils, "_TestState", None), "saved_data")


monitor = Monitor()


def _after_fork() -> None:
    global monitor
    monitor = Monitor()
    known.forget_all()


def watch() -> ReplicaPool:
    """The pool of this process, watched."""
    pool = replica_pool()
    monitor.watch(pool)
    return pool


os.register_at_fork(after_in_child=_after_fork)
