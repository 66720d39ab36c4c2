"""What the system does now: the balancer's log, the replicas, the caches, the servers' processors."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
import redis

from scale.local.access_log import AccessLog, Request
from scale.local.servers import Redis
from scale.local.servers.process_table import processes
from scale.local.supervisor import Event, Supervisor
from scale.local.system import System

WINDOW_SECONDS = 5.0
"""Latencies, rates and hits are of this time before now."""

HISTORY = 900
"""Snapshots that are kept."""


@dataclass(frozen=True)
class ServerSeen:
    """An application server: requests a second, processor in percent of one core."""

    name: str
    state: str
    requests_per_second: float
    processor_percent: float


@dataclass(frozen=True)
class Snapshot:
    """The system at a moment. Latencies in milliseconds, None where nothing was asked."""

    at: float
    """Seconds since 1970."""
    requests_per_second: float
    errors_per_second: float
    """Answers of 500 and above."""
    latency: Mapping[str, float | None]
    """p50, p95 and p99."""
    servers: Sequence[ServerSeen]
    lag_seconds: Mapping[str, float | None]
    """By replica; None for one that does not stream."""
    hit_percent: float | None
    connections: int | None
    """Of clients to the primary."""
    desired: int
    """Servers that there should be."""
    shards: Mapping[str, bool]
    """Which cache servers answer."""


@dataclass
class Totals:
    """Sums since the beginning, from which a scaler takes differences."""

    requests: int = 0
    upstream_requests: int = 0
    upstream_seconds: float = 0.0
    processor_seconds: dict[str, float] = field(default_factory=lambda: dict[str, float]())
    """By application server."""


class Observer:
    """Makes a snapshot every `period_seconds`, in a thread of its own."""

    def __init__(self, system: System, supervisor: Supervisor, *, period_seconds: float = 1.0) -> None:
        self.system, self.supervisor, self._period = system, supervisor, period_seconds
        self.history: deque[Snapshot] = deque(maxlen=HISTORY)
        self.totals = Totals()
        self.desired: Callable[[], int] = lambda: len(system.fleet.members)
        self._log = AccessLog(system.balancer.access_log)
        self._recent: deque[tuple[float, Request]] = deque()
        self._hits: deque[tuple[float, int, int]] = deque()
        self._processor: dict[int, float] | None = None
        self._shares: dict[str, float] = {}
        self._looked = time.monotonic()
        self._database: psycopg.Connection[tuple[object, ...]] | None = None
        self._clients: dict[str, redis.Redis] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="observer", daemon=True)
        self.changed = threading.Condition()

    @property
    def latest(self) -> Snapshot | None:
        """The newest snapshot."""
        return self.history[-1] if self.history else None

    @property
    def events(self) -> list[Event]:
        """What has happened, the newest last."""
        return list(self.supervisor.events)

    def start(self) -> None:
        """Begin. What was logged before is not of now."""
        self._log.read()
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopped.set()
        self._thread.join()
        if self._database is not None:
            self._database.close()
        for client in self._clients.values():
            client.close()

    def _run(self) -> None:
        while not self._stopped.wait(self._period):
            snapshot = self._look()
            with self.changed:
                self.history.append(snapshot)
                self.changed.notify_all()

    def _look(self) -> Snapshot:
        now = time.monotonic()
        self._read_log(now)
        self._read_processors(now)
        span = WINDOW_SECONDS
        recent = [request for _, request in self._recent]
        served = Counter(request.server for request in recent)
        shards, hit_percent = self._caches(now)
        lag, connections = self._replication()
        return Snapshot(
            at=time.time(),
            requests_per_second=len(recent) / span,
            errors_per_second=sum(request.status >= 500 for request in recent) / span,
            latency=_percentiles([request.seconds for request in recent]),
            servers=[
                ServerSeen(
                    member.server.name,
                    member.state,
                    (served[member.server.address] + served[member.server.name]) / span,
                    self._shares.get(member.server.name, 0.0),
                )
                for member in self.system.fleet.members
            ],
            lag_seconds=lag,
            hit_percent=hit_percent,
            connections=connections,
            desired=self.desired(),
            shards=shards,
        )

    def _read_log(self, now: float) -> None:
        totals = self.totals
        for request in self._log.read():
            self._recent.append((now, request))
            totals.requests += 1
            if request.upstream_seconds is not None:
                totals.upstream_requests += 1
                totals.upstream_seconds += request.upstream_seconds
        while self._recent and self._recent[0][0] <= now - WINDOW_SECONDS:
            self._recent.popleft()

    def _read_processors(self, now: float) -> None:
        """Add up the processor time of each application server's processes."""
        known, spent = processes(), max(now - self._looked, 1e-6)
        servers = [member.server for member in self.system.fleet.members]
        sessions = {server.session: server.name for server in servers if server.session is not None}
        used: dict[str, float] = {}
        seen: dict[int, float] = {}
        for pid, process in known.items():
            name = sessions.get(process.session)
            if name is not None:
                seen[pid] = process.processor_seconds
                # What was used before the first look is of no second that is shown.
                before = process.processor_seconds if self._processor is None else self._processor.get(pid, 0.0)
                used[name] = used.get(name, 0.0) + process.processor_seconds - before
        self._processor, self._looked = seen, now
        self._shares = {name: 100 * seconds / spent for name, seconds in used.items()}
        for name, seconds in used.items():
            self.totals.processor_seconds[name] = self.totals.processor_seconds.get(name, 0.0) + seconds

    def _caches(self, now: float) -> tuple[dict[str, bool], float | None]:
        hits = misses = 0
        answers: dict[str, bool] = {}
        for server in self.system.shards:
            name = f"{server.folder.parent.name}/{server.folder.name}"
            found = self._ask(name, server)
            answers[name] = found is not None
            if found is not None and name.startswith("cache/"):
                hits, misses = hits + found[0], misses + found[1]
        self._hits.append((now, hits, misses))
        while self._hits[0][0] < now - 6 * WINDOW_SECONDS:
            self._hits.popleft()
        _, first_hits, first_misses = self._hits[0]
        asked = hits - first_hits + misses - first_misses
        # A server that was started again counts from nothing.
        if asked <= 0 or hits < first_hits:
            return answers, None
        return answers, 100 * (hits - first_hits) / asked

    def _ask(self, name: str, server: Redis) -> tuple[int, int] | None:
        client = self._clients.setdefault(
            name, redis.Redis(server.host, server.port, socket_timeout=0.3, socket_connect_timeout=0.3)
        )
        try:
            ask: Callable[[str], dict[str, Any]] = client.info  # type: ignore[reportUnknownMemberType]
            stats = ask("stats")
        except (redis.RedisError, OSError):
            return None
        return int(stats["keyspace_hits"]), int(stats["keyspace_misses"])

    def _replication(self) -> tuple[dict[str, float | None], int | None]:
        """Return each replica's lag by pg_stat_replication, and the connections to the primary."""
        lag: dict[str, float | None] = {replica.folder.name: None for replica in self.system.replicas}
        try:
            if self._database is None or self._database.closed:
                self._database = self.system.primary.connect(timeout=2)
                self._database.execute("SET statement_timeout = 1000")
            rows = self._database.execute(
                "SELECT application_name, COALESCE(EXTRACT(EPOCH FROM replay_lag), 0)::float8 FROM pg_stat_replication"
            ).fetchall()
            counted = self._database.execute(
                "SELECT count(*)::int FROM pg_stat_activity "
                "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            ).fetchone()
        except psycopg.Error:
            if self._database is not None:
                self._database.close()
            return lag, None
        for name, seconds in rows:
            if str(name) in lag:
                lag[str(name)] = float(str(seconds))
        return lag, int(str(counted[0])) if counted else None


def _percentiles(values: list[float]) -> dict[str, float | None]:
    ordered = sorted(values)
    if not ordered:
        return {"p50": None, "p95": None, "p99": None}
    last = len(ordered) - 1
    return {f"p{level}": ordered[min(last, level * len(ordered) // 100)] * 1000 for level in (50, 95, 99)}
