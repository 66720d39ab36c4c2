"""Hits and misses of this process by cache level."""

from __future__ import annotations

import threading
from collections.abc import Callable
from weakref import WeakMethod

LEVELS = ("L1", "L2", "L3")

_lock = threading.Lock()
_sources: list[tuple[str, WeakMethod[Callable[[], tuple[int, int]]]]] = []
_hits: dict[str, int] = dict.fromkeys(LEVELS, 0)
_misses: dict[str, int] = dict.fromkeys(LEVELS, 0)


def count(level: str, hits: int, misses: int) -> None:
    """Add to a level."""
    with _lock:
        _hits[level] += hits
        _misses[level] += misses


def add_source(level: str, take_counts: Callable[[], tuple[int, int]]) -> None:
    """A method that gives its object's own hits and misses since its last call; counted for as long as the object
    lives."""
    _sources.append((level, WeakMethod(take_counts)))


def take() -> dict[str, tuple[int, int]]:
    """Hits and misses by level since the last call."""
    for level, source in list(_sources):
        method = source()
        if method is None:
            _sources.remove((level, source))
        else:
            count(level, *method())
    with _lock:
        taken = {level: (_hits[level], _misses[level]) for level in LEVELS}
        for level in LEVELS:
            _hits[level] = _misses[level] = 0
    return taken
