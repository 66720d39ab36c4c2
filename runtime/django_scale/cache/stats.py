"""Hits and misses of this process by cache level."""

from __future__ import annotations

import threading

LEVELS = ("L1", "L2", "L3")

_lock = threading.Lock()
_hits: dict[str, int] = dict.fromkeys(LEVELS, 0)
_misses: dict[str, int] = dict.fromkeys(LEVELS, 0)


def count(level: str, hits: int, misses: int) -> None:
    """Add to a level."""
    with _lock:
        _hits[level] += hits
        _misses[level] += misses


def take() -> dict[str, tuple[int, int]]:
    """Hits and misses by level since the last call."""
    with _lock:
        taken = {level: (_hits[level], _misses[level]) for level in LEVELS}
        for level in LEVELS:
            _hits[level] = _misses[level] = 0
    return taken
