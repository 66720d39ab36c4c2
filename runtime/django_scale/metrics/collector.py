"""The state of the application on this host, as scaling decisions need it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connections

from django_scale.cache import stats
from django_scale.metrics import sources
from django_scale.metrics.decisions import CHAPTER, Decision, Thresholds, scale_down, scale_up
from django_scale.metrics.host import Host
from django_scale.metrics.slots import Slots, Totals, slots

SESSION_SECONDS = 60.0
# A scrape or a sample within this time asks the database no second time.
SOURCE_SECONDS = 10.0


@dataclass(frozen=True)
class Sample:
    """`values` by metric name, in the units of names.METRICS; what could not be read is not in it. `at` is Unix
    seconds."""

    at: float
    values: Mapping[str, float]
    cache_levels: Mapping[str, float] = field(default_factory=lambda: dict[str, float]())
    queues: Mapping[str, float] = field(default_factory=lambda: dict[str, float]())


class _Remembered:
    """An answer, for a time: a count of all sessions must not run at each scrape."""

    def __init__(self, source: Callable[[], Any], seconds: float) -> None:
        self._source, self._seconds = source, seconds
        self._asked = -seconds
        self._answer: Any = None
        self._lock = threading.Lock()

    def __call__(self) -> Any:
        with self._lock:
            if time.monotonic() - self._asked >= self._seconds:
                self._answer = sources.read(self._source)
                self._asked = time.monotonic()
            return self._answer


class ScalingMetricsCollector:
    """Records requests into the host's counters and reads them back, with what the host and the servers say."""

    def __init__(self, thresholds: Thresholds = CHAPTER, host: Host | None = None) -> None:
        self.thresholds = thresholds
        self._host = host or Host()
        self._connections = _Remembered(sources.database_connections, SOURCE_SECONDS)
        self._waiting = _Remembered(sources.pgbouncer_waiting, SOURCE_SECONDS)
        self._sessions = _Remembered(sources.active_sessions, SESSION_SECONDS)
        self._queues = _Remembered(sources.queue_lengths, SOURCE_SECONDS)
        self._flushed = 0.0

    def record_request(self, response_time: float, status_code: int, endpoint: str = "") -> None:
        """Record a request of `response_time` seconds that was served outside ScalingMetricsMiddleware."""
        held = slots()
        held.begin()
        self.finish(held, response_time, status_code)

    def finish(self, held: Slots, seconds: float, status_code: int) -> None:
        """Record the end of a request; once a second, also what the caches and pools of this process have counted."""
        held.finish(seconds, error=status_code >= 500)
        now = time.monotonic()
        if now - self._flushed >= 1.0:
            self._flushed = now
            self.flush(held)

    def flush(self, held: Slots) -> None:
        """Pass the counts of this process's caches and connection pools on to the host's."""
        held.count_cache(stats.take())
        pools = [pool for alias in connections.settings if (pool := _pool(alias)) is not None]
        if pools:
            held.note_pool(sum(int(pool.get_stats().get("requests_waiting", 0)) for pool in pools))

    def totals(self) -> Totals:
        """The counters of the host."""
        held = slots()
        self.flush(held)
        return held.totals()

    def sample(self) -> Sample:
        """Read everything. Asks the database and the broker, so never in a request: exporters do, in their own time."""
        totals = self.totals()
        values = _of_requests(totals) | _of_cache(totals)
        queues: dict[str, float] = self._queues() or {}
        more: dict[str, float | None] = {
            "CPUUtilization": self._host.cpu_percent(),
            "MemoryUtilization": self._host.memory_percent(),
            "DatabaseConnections": self._connections(),
            "DatabasePoolWaiting": _sum(totals.pool_waiting, self._waiting()),
            "ActiveSessions": self._sessions(),
            "CeleryQueueLength": sum(queues.values()) if queues else None,
        }
        values |= {name: value for name, value in more.items() if value is not None}
        return Sample(time.time(), values, _rates(totals.recent_cache), queues)

    def should_scale_up(self, sample: Sample | None = None) -> Decision:
        """Whether to scale up, and why."""
        return scale_up((sample or self.sample()).values, self.thresholds)

    def should_scale_down(self, sample: Sample | None = None) -> Decision:
        """Whether to scale down, and why, or why not."""
        return scale_down((sample or self.sample()).values, self.thresholds)


def _pool(alias: str) -> Any:
    """The psycopg pool of an alias, if it has been opened: asking Django for one would open it."""
    wrapper: Any = connections[alias]
    return getattr(wrapper, "_connection_pools", {}).get(alias)


def _sum(*values: float | None) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _of_requests(totals: Totals) -> dict[str, float]:
    found: dict[str, float] = {}
    if totals.observed_seconds >= 1:
        found["RequestRate"] = totals.recent_requests / totals.observed_seconds
    if totals.recent_requests:
        found["ResponseTime"] = totals.recent_seconds / totals.recent_requests
        found["ErrorRate"] = 100 * totals.recent_errors / totals.recent_requests
    if totals.capacity_seconds >= 1:
        found["WorkerSaturation"] = min(100.0, 100 * totals.busy_seconds / totals.capacity_seconds)
    return found


def _of_cache(totals: Totals) -> dict[str, float]:
    """A read that no level could serve is a miss of L2 that L3 did not make good."""
    (l1, _), (l2, missed), (l3, _) = (totals.recent_cache[level] for level in stats.LEVELS)
    reads = l1 + l2 + missed
    return {"CacheHitRate": 100 * min(reads, l1 + l2 + l3) / reads} if reads else {}


def _rates(counts: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    return {level: 100 * hits / (hits + misses) for level, (hits, misses) in counts.items() if hits + misses}


scaling_metrics = ScalingMetricsCollector()
