"""What this process knows of the replicas, and the choice among them. No I/O here: see monitor.py."""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate

from django.core.signals import setting_changed
from django.db import OperationalError
from django.dispatch import Signal

from django_scale.conf import Options, options
from django_scale.db.scope import Scope

logger = logging.getLogger("django_scale.db")

PRIMARY = "default"
# Sent once every ALERT_SECONDS at most while no replica serves and reads fall back to the primary; `replicas` is
# their aliases.
replicas_exhausted = Signal()
ALERT_SECONDS = 60.0
# A minute of samples: more than any lag in seconds that leaves a replica in by default needs to be told from.
HISTORY = 600


class ReplicasUnavailableError(OperationalError):
    """No replica serves and PRIMARY_FALLBACK_LIMIT requests of this process read from the primary already."""


@dataclass
class Replica:
    """The state of one replica. Times are of `time.monotonic()`; an LSN is in bytes, 0 unknown."""

    alias: str
    weight: int
    failures: int = 0
    ejected_until: float = 0.0
    ejected: bool = False
    lagging: bool = False
    replayed: int = 0
    lag_bytes: int | None = None
    lag_seconds: float | None = None

    @property
    def serves(self) -> bool:
        """True when reads may be sent to it."""
        return self.weight > 0 and not self.ejected and not self.lagging


@dataclass(frozen=True)
class Choice:
    """The replicas that serve, with their cumulative weights."""

    replicas: tuple[Replica, ...] = ()
    cumulative: tuple[int, ...] = field(default=())


class ReplicaPool:
    """The replicas of one process. `generation` changes whenever a choice made before may be wrong."""

    def __init__(self, weights: Mapping[str, int], opts: Options) -> None:
        self.options = opts
        self.generation = 0
        self.replicas = {alias: Replica(alias, weight) for alias, weight in weights.items()}
        self._lock = threading.Lock()
        self._primary: deque[tuple[float, int]] = deque(maxlen=HISTORY)
        self._fallbacks = 0
        self._alerted = -ALERT_SECONDS
        self._choice = Choice()
        # Replicas with a probe are let back by it; the others by time alone.
        self.probed: set[str] = set()
        # Set when a query or a connect has failed: its probe looks into it at once.
        self.suspects = {alias: threading.Event() for alias in self.replicas}
        self._timed: set[str] = set()
        self._rebuild()

    def _rebuild(self) -> None:
        serving = tuple(replica for replica in self.replicas.values() if replica.serves)
        self._choice = Choice(serving, tuple(accumulate(replica.weight for replica in serving)))
        self.generation += 1

    def choose(self, scope: Scope) -> str:
        """The alias for the reads of `scope`: a replica that has replayed what it wrote, else the primary."""
        if scope.token.pinned or (scope.wrote and not scope.ambient):
            return PRIMARY
        if self._timed:
            self._let_back()
        required = scope.token.lsn
        if scope.written_at:
            written = self.lsn_after(scope.written_at)
            if written is None:
                return PRIMARY
            required = max(required, written)
        choice = self._choice
        if not choice.replicas:
            return self._fall_back(scope)
        if required:
            able = [replica for replica in choice.replicas if replica.replayed >= required]
            if not able:
                return PRIMARY
            return random.choices(able, [replica.weight for replica in able])[0].alias  # noqa: S311  # no secret
        return random.choices(choice.replicas, cum_weights=choice.cumulative)[0].alias  # noqa: S311

    def _fall_back(self, scope: Scope) -> str:
        if not any(replica.weight for replica in self.replicas.values()):
            return PRIMARY
        with self._lock:
            limit = self.options.primary_fallback_limit
            if not scope.ambient and not scope.fallback:
                if limit is not None and self._fallbacks >= limit:
                    raise ReplicasUnavailableError(
                        f"no replica serves, and {limit} requests read from the primary already"
                    )
                scope.fallback = True
                self._fallbacks += 1
            now = time.monotonic()
            alert = now - self._alerted >= ALERT_SECONDS
            self._alerted = now if alert else self._alerted
        if alert:
            logger.error("no replica serves: reads fall back to the primary", extra={"replicas": list(self.replicas)})
            replicas_exhausted.send_robust(sender=type(self), replicas=tuple(self.replicas))
        return PRIMARY

    def release(self, scope: Scope) -> None:
        """At the end of a request: give its place under PRIMARY_FALLBACK_LIMIT back."""
        if scope.fallback:
            with self._lock:
                scope.fallback = False
                self._fallbacks -= 1

    def lsn_after(self, moment: float) -> int | None:
        """A position of the primary, sampled after `moment`: at or above all that was committed by then. None: not
        yet."""
        # The deque is copied: the monitor appends to it meanwhile.
        return next((lsn for sampled, lsn in tuple(self._primary) if sampled > moment), None)

    def eject(self, alias: str, reason: object) -> None:
        """Leave a replica out, for twice as long at each failure in a row, with jitter of a fifth."""
        with self._lock:
            replica = self.replicas.get(alias)
            if replica is None or (replica.ejected and time.monotonic() < replica.ejected_until):
                return
            seconds = min(self.options.ejection_seconds * 2**replica.failures, self.options.ejection_max_seconds)
            replica.failures += 1
            replica.ejected_until = time.monotonic() + seconds * random.uniform(0.8, 1.2)  # noqa: S311
            replica.ejected = True
            if alias not in self.probed:
                self._timed.add(alias)
            self._rebuild()
        logger.warning("replica %s ejected for %.1f s: %s", alias, seconds, reason)

    def report_failure(self, alias: str, error: BaseException) -> None:
        """A query or a connect failed: the replica is ejected. The primary, and other databases, are not ours to
        judge."""
        if alias in self.replicas:
            self.eject(alias, error)
            self.suspects[alias].set()

    def _let_back(self) -> None:
        """Without probes (no PostgreSQL), the next request after the ejection is the one that tries."""
        now = time.monotonic()
        for alias in [a for a in tuple(self._timed) if self.replicas[a].ejected_until <= now]:
            self._timed.discard(alias)
            with self._lock:
                # Not `restore`: nobody says that it is well, so the failures stay counted.
                self.replicas[alias].ejected = False
                self._rebuild()

    def restore(self, alias: str) -> None:
        """A probe has succeeded: the replica serves again."""
        with self._lock:
            replica = self.replicas[alias]
            if not replica.ejected:
                return
            replica.ejected, replica.failures = False, 0
            self._rebuild()
        logger.warning("replica %s serves again", alias)

    def observe_primary(self, asked: float, lsn: int) -> None:
        """A position of the primary; `asked` is the moment before the question was sent."""
        self._primary.append((asked, lsn))

    def observe_replica(self, alias: str, asked: float, replayed: int) -> None:
        """How far a replica has replayed; it is left out or taken back by its lag in bytes and in seconds."""
        with self._lock:
            replica = self.replicas[alias]
            replica.replayed = replayed
            samples = tuple(self._primary)
            if not samples:
                return
            replica.lag_bytes = max(0, samples[-1][1] - replayed)
            replica.lag_seconds = _lag_seconds(samples, asked, replayed)
            lagging = (
                replica.lag_bytes > self.options.max_lag_bytes or replica.lag_seconds > self.options.max_lag_seconds
            )
            if lagging == replica.lagging:
                return
            replica.lagging = lagging
            self._rebuild()
        verb = "left out, behind by" if lagging else "taken back, behind by"
        logger.warning("replica %s %s %d bytes, %.1f s", alias, verb, replica.lag_bytes, replica.lag_seconds)


def _lag_seconds(samples: tuple[tuple[float, int], ...], now: float, replayed: int) -> float:
    """Age of the first position of the primary that the replica has not replayed; 0 when it has them all.

    Not `now() - pg_last_xact_replay_timestamp()`: with an idle primary that grows although nothing is missing.
    """
    return next((max(0.0, now - sampled) for sampled, lsn in samples if lsn > replayed), 0.0)


@lru_cache(maxsize=1)
def replica_pool() -> ReplicaPool:
    """The pool of this process, by DJANGO_SCALE['REPLICA_WEIGHTS']."""
    opts = options()
    return ReplicaPool(opts.replica_weights, opts)


def _reset(*, setting: str = "DJANGO_SCALE", **_: object) -> None:
    if setting == "DJANGO_SCALE":
        replica_pool.cache_clear()


setting_changed.connect(_reset, dispatch_uid="django_scale.db.pool")
os.register_at_fork(after_in_child=_reset)
