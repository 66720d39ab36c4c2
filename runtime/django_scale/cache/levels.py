"""What the threads of a process share of one cache: L1, the connections, the subscription."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from django_scale.cache.client import ShardedClient, StoreOptions
from django_scale.cache.codec import Codec
from django_scale.cache.flights import Flights
from django_scale.cache.invalidation import Invalidation
from django_scale.cache.local import LocalLevel


@dataclass(frozen=True)
class CacheOptions:
    """OPTIONS of MultiLevelCache, there in upper case. Times are in seconds.

    `l1_seconds` and `l3_seconds` are the longest times in these levels, 0 for none; `l3` is the alias of a
    DatabaseCache.
    `stale_seconds`: how long past its end a value made by `get_or_set` may be served while it is made anew.
    `lock_seconds`: how long one server may take to make it before another tries.
    """

    mode: str = "cluster"
    username: str = ""
    password: str = ""
    tls: bool = False
    timeout: float = 0.5
    cooldown: float = 1.0
    serializer: str = "pickle"
    compressor: str = "zlib"
    compress_min_bytes: int = 1024
    l1_seconds: float = 60.0
    l1_max_entries: int = 10_000
    l1_max_bytes: int = 32 * 2**20
    l3: str = ""
    l3_seconds: float = 3600.0
    stale_seconds: float = 60.0
    lock_seconds: float = 10.0

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> CacheOptions:
        """The options; ImproperlyConfigured names one that does not exist."""
        known = {field.name.upper() for field in fields(cls)}
        unknown = sorted(set(given) - known)
        if unknown:
            raise ImproperlyConfigured(f"MultiLevelCache has no option {unknown[0]!r}")
        options = cls(**{key.lower(): value for key, value in given.items()})
        if options.mode not in {"cluster", "shards"}:
            raise ImproperlyConfigured(f"MODE is cluster or shards, not {options.mode!r}")
        return options


def addresses(location: str | list[str]) -> tuple[tuple[str, int], ...]:
    """(host, port) of LOCATION: a list, or text with commas, of host:port."""
    given = location.split(",") if isinstance(location, str) else location
    pairs = [str(node).strip().rpartition(":") for node in given if str(node).strip()]
    if not pairs or any(not host or not port.isdigit() for host, _, port in pairs):
        raise ImproperlyConfigured(f"LOCATION is a list of host:port, not {location!r}")
    return tuple((host.strip("[]"), int(port)) for host, _, port in pairs)


class Levels:
    """L1 (None without one), L2 and their company."""

    def __init__(self, nodes: tuple[tuple[str, int], ...], options: CacheOptions, prefix: str) -> None:
        self.codec = Codec(options.serializer, options.compressor, options.compress_min_bytes)
        self.client = ShardedClient(
            StoreOptions(
                addresses=nodes,
                mode=options.mode,
                username=options.username,
                password=options.password,
                tls=options.tls,
                timeout=options.timeout,
                cooldown=options.cooldown,
            )
        )
        self.flights = Flights()
        self.l1: LocalLevel | None = None
        self.invalidation: Invalidation | None = None
        if options.l1_seconds > 0:
            self.l1 = LocalLevel(options.l1_max_entries, options.l1_max_bytes)
            self.invalidation = Invalidation(self.client, self.l1, f"{prefix}:invalidate")

    def believed(self) -> LocalLevel | None:
        """L1, while writes of other processes are heard."""
        return self.l1 if self.invalidation is not None and self.invalidation.heard else None


_lock = threading.Lock()
_levels: dict[tuple[tuple[tuple[str, int], ...], CacheOptions, str], Levels] = {}
generation: int = 0


def shared(nodes: tuple[tuple[str, int], ...], options: CacheOptions, prefix: str) -> Levels:
    """The levels of this process for one cache: Django makes a backend object a thread."""
    with _lock:
        found = _levels.get((nodes, options, prefix))
        if found is None:
            found = _levels[nodes, options, prefix] = Levels(nodes, options, prefix)
        return found


def close(own: Levels) -> None:
    """End the threads of a cache that is not needed any more; the next use makes its levels anew."""
    global generation
    with _lock:
        for key in [key for key, found in _levels.items() if found is own]:
            del _levels[key]
        generation += 1
    if own.invalidation is not None:
        own.invalidation.stop()


def _after_fork() -> None:
    # Sockets and threads are the parent's.
    global generation, _lock
    generation += 1
    _lock = threading.Lock()
    _levels.clear()


os.register_at_fork(after_in_child=_after_fork)
