"""L1: values in this process, bounded by number and by bytes, least recently used out first."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from pickle import HIGHEST_PROTOCOL, dumps, loads
from typing import Any

from django_scale.cache import stats

# Handed out as they are; anything else is kept as bytes, so that no caller changes another's value.
_IMMUTABLE = frozenset({str, bytes, int, float, bool, type(None)})
# A dictionary slot, the key object and the tuple, measured with tracemalloc on CPython 3.11.
_OVERHEAD = 250
MISSING: Any = object()

Entry = tuple[Any, float, int, bool]


class LocalLevel:
    """A dictionary with an end for each entry.

    A fill from below is taken only if no invalidation came after it began: `begin` before the read, `fill` with what it
    gave. Writers announce themselves the same way; of two that overlap, neither fills, as their order below is unknown.
    """

    def __init__(self, max_entries: int, max_bytes: int) -> None:
        self._max_entries, self._max_bytes = max_entries, max_bytes
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._bytes = 0
        self._hits = self._misses = 0
        self._reads: dict[str, object] = {}
        self._writers: dict[str, int] = {}
        self._contended: set[str] = set()
        stats.add_source("L1", self.take_counts)

    def __len__(self) -> int:
        """Number of entries."""
        return len(self._entries)

    @property
    def size(self) -> int:
        """Bytes, estimated."""
        return self._bytes

    def get(self, key: str) -> Any:
        """The value, or MISSING."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                if entry[1] > time.monotonic():
                    self._entries.move_to_end(key)
                else:
                    self._drop(key)
                    entry = None
            if entry is None:
                self._misses += 1
                return MISSING
            self._hits += 1
        return loads(entry[0]) if entry[3] else entry[0]  # noqa: S301  # written by this process

    def take_counts(self) -> tuple[int, int]:
        """Hits and misses since the last call."""
        with self._lock:
            taken = (self._hits, self._misses)
            self._hits = self._misses = 0
            return taken

    def begin(self, key: str) -> object:
        """Announce a read of the levels below."""
        with self._lock:
            token = self._reads.get(key)
            if token is None:
                token = self._reads[key] = object()
            return token

    def fill(self, key: str, token: object, value: Any, seconds: float) -> None:
        """Keep what a read gave, unless the key was written or invalidated since `begin`. MISSING ends the read
        only."""
        with self._lock:
            if self._reads.get(key) is not token:
                return
            del self._reads[key]
            if value is not MISSING and key not in self._writers:
                self._put(key, value, seconds)

    def begin_write(self, key: str) -> None:
        """Announce a write to the levels below."""
        with self._lock:
            self._forget(key)
            self._writers[key] = self._writers.get(key, 0) + 1
            if self._writers[key] > 1:
                self._contended.add(key)

    def end_write(self, key: str, value: Any, seconds: float) -> None:
        """Keep what was written, unless another write of the key overlapped. MISSING ends the write only."""
        with self._lock:
            self._writers[key] -= 1
            if self._writers[key]:
                return
            del self._writers[key]
            if key in self._contended:
                self._contended.discard(key)
            elif value is not MISSING:
                self._put(key, value, seconds)

    def invalidate(self, key: str) -> None:
        """Another process has written the key."""
        with self._lock:
            self._forget(key)
            if key in self._writers:
                self._contended.add(key)

    def clear(self) -> None:
        """Drop everything, and what is being read."""
        with self._lock:
            self._entries.clear()
            self._reads.clear()
            self._contended.update(self._writers)
            self._bytes = 0

    def _forget(self, key: str) -> None:
        self._reads.pop(key, None)
        if key in self._entries:
            self._drop(key)

    def _put(self, key: str, value: Any, seconds: float) -> None:
        if key in self._entries:
            self._drop(key)
        packed = type(value) not in _IMMUTABLE
        kept = dumps(value, HIGHEST_PROTOCOL) if packed else value
        size = _OVERHEAD + len(key) + (len(kept) if isinstance(kept, str | bytes) else 16)
        if seconds <= 0 or size > self._max_bytes:
            return
        self._entries[key] = (kept, time.monotonic() + seconds, size, packed)
        self._bytes += size
        while len(self._entries) > self._max_entries or self._bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: str) -> None:
        self._bytes -= self._entries.pop(key)[2]
