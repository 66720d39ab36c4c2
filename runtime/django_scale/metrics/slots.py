"""Counters of all worker processes of a host in one file of fixed size.

Each process holds one slot, by a lock that the kernel gives back when it ends; the next process goes on counting where
it stopped. A file a process identifier, as prometheus-client's multiprocess mode has it, grows at every recycled
worker.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import mmap
import os
import tempfile
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django_scale.cache.stats import LEVELS
from django_scale.conf import options

logger = logging.getLogger("django_scale.metrics")

SLOTS = 256
# Seconds. Those of prometheus-client, and the chapter's 0.5 and 2.0 among them.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
WINDOW_SECONDS = 60
STEP_SECONDS = 5
# One more than the window has: the oldest is being written over.
STEPS = WINDOW_SECONDS // STEP_SECONDS + 1

_CACHE = len(LEVELS) * 2
# Cumulative: requests, errors, seconds, a bucket a bound and one above, hits and misses a level.
REQUESTS, ERRORS, SECONDS, BUCKETS = 0, 1, 2, 3
CACHE = BUCKETS + len(BOUNDS) + 1
# Of the process that holds the slot.
BUSY = CACHE + _CACHE
CAPACITY, STARTED, CHANGED, POOL_WAITING, POOL_USED = range(BUSY + 1, BUSY + 6)
RING = POOL_USED + 1
# A step: its number, requests, errors, seconds, busy seconds, hits and misses a level.
STEP_WIDTH = 5 + _CACHE
WIDTH = RING + STEPS * STEP_WIDTH
# The file's name changes with its layout: two versions during a deployment do not read each other's numbers.
LAYOUT = f"{SLOTS}x{WIDTH}"


class NoSlotError(OSError):
    """More than SLOTS processes record at once."""


@dataclass(frozen=True)
class Totals:
    """Sums over the processes of the host. `recent_*` are of the last minute; `capacity_seconds` what it offered."""

    requests: float
    errors: float
    seconds: float
    buckets: tuple[float, ...]
    cache: dict[str, tuple[float, float]]
    busy: float
    capacity: float
    processes: int
    pool_waiting: float | None
    recent_requests: float
    recent_errors: float
    recent_seconds: float
    recent_cache: dict[str, tuple[float, float]]
    busy_seconds: float
    capacity_seconds: float
    observed_seconds: float


def directory() -> Path:
    """Where the file is: DJANGO_SCALE['METRICS_DIRECTORY'], or a private folder of the temporary one."""
    given = options().metrics_directory
    user = os.getuid()
    path = Path(given or Path(tempfile.gettempdir()) / f"django-scale-{options().environment or 'local'}-{user}")
    with contextlib.suppress(OSError):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not given and path.exists() and path.stat().st_uid != user:
        raise PermissionError(f"{path} belongs to another user")
    return path


def _open(path: Path) -> int:
    try:
        return os.open(path / f"slots-{LAYOUT}.bin", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        # Pages are served without metrics of the other processes rather than not at all.
        logger.error("metrics are of this process alone, %s cannot be written: %s", path, error)  # noqa: TRY400
        return os.memfd_create("django-scale-slots")


class Slots:
    """The file, and the slot that this process holds."""

    def __init__(self, path: Path, capacity: int) -> None:
        # Never closed: POSIX drops all locks of a process on a file when it closes any descriptor of it.
        self._file = _open(path)
        size = SLOTS * WIDTH * 8
        if os.fstat(self._file).st_size < size:
            os.ftruncate(self._file, size)
        self._values = memoryview(mmap.mmap(self._file, size)).cast("d")
        self._lock = threading.Lock()
        self.number = self._claim()
        self._base = self.number * WIDTH
        now = time.monotonic()
        self._values[self._base + BUSY] = 0
        self._values[self._base + CAPACITY] = capacity
        self._values[self._base + STARTED] = now
        self._values[self._base + CHANGED] = now
        self._values[self._base + POOL_WAITING] = self._values[self._base + POOL_USED] = 0

    def _claim(self) -> int:
        for number in range(SLOTS):
            if self._try_lock(number):
                return number
        raise NoSlotError(f"{SLOTS} processes record already")

    def _try_lock(self, number: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
        except OSError:
            return False
        return True

    def lead(self) -> bool:
        """True in the one process of the host that publishes; when it ends, another may lead."""
        return self._try_lock(SLOTS)

    def begin(self) -> None:
        """A request has begun."""
        values, base = self._values, self._base
        with self._lock:
            self._integrate(time.monotonic())
            values[base + BUSY] += 1

    def finish(self, seconds: float, *, error: bool) -> None:
        """A request has ended after `seconds`."""
        values, base = self._values, self._base
        with self._lock:
            step = self._integrate(time.monotonic())
            values[base + BUSY] -= 1
            values[base + REQUESTS] += 1
            values[base + SECONDS] += seconds
            values[base + BUCKETS + bisect_left(BOUNDS, seconds)] += 1
            values[step + 1] += 1
            values[step + 3] += seconds
            if error:
                values[base + ERRORS] += 1
                values[step + 2] += 1

    def count_cache(self, taken: dict[str, tuple[int, int]]) -> None:
        """Add hits and misses by level."""
        values = self._values
        with self._lock:
            step = self._step(time.monotonic())
            for index, level in enumerate(LEVELS):
                for offset, number in enumerate(taken[level]):
                    values[self._base + CACHE + 2 * index + offset] += number
                    values[step + 5 + 2 * index + offset] += number

    def note_pool(self, waiting: int) -> None:
        """Requests of this process that wait for a database connection now."""
        self._values[self._base + POOL_WAITING] = waiting
        self._values[self._base + POOL_USED] = 1

    def _integrate(self, now: float) -> int:
        """Add the time since the last change, for each request that ran through it; gives the current step's place."""
        values, base = self._values, self._base
        step = self._step(now)
        values[step + 4] += values[base + BUSY] * min(now - values[base + CHANGED], WINDOW_SECONDS)
        values[base + CHANGED] = now
        return step

    def _step(self, now: float) -> int:
        number = int(now) // STEP_SECONDS
        place = self._base + RING + number % STEPS * STEP_WIDTH
        if self._values[place] != number:
            for offset in range(1, STEP_WIDTH):
                self._values[place + offset] = 0
            self._values[place] = number
        return place

    def _live(self) -> Iterator[int]:
        for number in range(SLOTS):
            # A lock on one's own slot is always granted, and giving it back would give the slot away.
            if number == self.number:
                yield number
            elif self._values[number * WIDTH + STARTED]:
                if self._try_lock(number):
                    fcntl.lockf(self._file, fcntl.LOCK_UN, 1, number)
                else:
                    yield number

    def totals(self) -> Totals:
        """The sums now."""
        values, now = self._values, time.monotonic()
        used = [number for number in range(SLOTS) if values[number * WIDTH + STARTED]]
        sums = [sum(values[number * WIDTH + place] for number in used) for place in range(BUSY)]
        recent = [0.0] * STEP_WIDTH
        newest = int(now) // STEP_SECONDS
        for number in used:
            for place in range(number * WIDTH + RING, (number + 1) * WIDTH, STEP_WIDTH):
                # Not above: a file of before a reboot has steps of another clock.
                if newest - STEPS + 1 < values[place] <= newest:
                    for offset in range(1, STEP_WIDTH):
                        recent[offset] += values[place + offset]
        busy = capacity = offered = waiting = 0.0
        observed, pooled, processes = 0.0, False, 0
        for number in self._live():
            base = number * WIDTH
            processes += 1
            busy += values[base + BUSY]
            capacity += values[base + CAPACITY]
            age = min(WINDOW_SECONDS, max(now - values[base + STARTED], 0.001))
            observed = max(observed, age)
            offered += values[base + CAPACITY] * age
            recent[4] += values[base + BUSY] * min(now - values[base + CHANGED], WINDOW_SECONDS)
            pooled = pooled or values[base + POOL_USED] > 0
            waiting += values[base + POOL_WAITING]
        return Totals(
            requests=sums[REQUESTS],
            errors=sums[ERRORS],
            seconds=sums[SECONDS],
            buckets=tuple(sums[BUCKETS:CACHE]),
            cache={level: (sums[CACHE + 2 * i], sums[CACHE + 2 * i + 1]) for i, level in enumerate(LEVELS)},
            busy=busy,
            capacity=capacity,
            processes=processes,
            pool_waiting=waiting if pooled else None,
            recent_requests=recent[1],
            recent_errors=recent[2],
            recent_seconds=recent[3],
            recent_cache={level: (recent[5 + 2 * i], recent[6 + 2 * i]) for i, level in enumerate(LEVELS)},
            busy_seconds=recent[4],
            capacity_seconds=offered,
            observed_seconds=observed,
        )


_current: Slots | None = None
_parents: list[Slots] = []
_creating = threading.Lock()


def slots() -> Slots:
    """The slot of this process, claimed at the first call after its start or fork."""
    global _current
    found = _current
    if found is None:
        with _creating:
            if _current is None:
                _current = Slots(directory(), options().worker_capacity)
            found = _current
    return found


def _after_fork() -> None:
    global _current, _creating
    _creating = threading.Lock()
    if _current is not None:
        # Kept: closing its descriptor later would drop the lock that this process is about to take.
        _parents.append(_current)
        _current = None


os.register_at_fork(after_in_child=_after_fork)
