"""One recompute of a key at a time: in a process by a flight, between processes by a lock in Redis."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager


class Flight:
    """A computation under way; `payload` is its encoded result, None until it has landed or when it failed."""

    def __init__(self) -> None:
        self.landed = threading.Event()
        self.payload: bytes | None = None


class Flights:
    """The computations under way in this process by key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[str, Flight] = {}

    @contextmanager
    def join(self, key: str) -> Generator[tuple[Flight, bool]]:
        """The flight of `key`, and whether the caller leads it; a leader's flight lands when the block ends."""
        with self._lock:
            flight = self._flights.get(key)
            leads = flight is None
            if flight is None:
                flight = self._flights[key] = Flight()
        try:
            yield flight, leads
        finally:
            if leads:
                with self._lock:
                    del self._flights[key]
                flight.landed.set()


def poll(ready: Callable[[], bool], seconds: float) -> bool:
    """Wait until `ready()`, at intervals that grow from 5 to 50 ms; False when `seconds` have passed."""
    waiting, pause, waited = threading.Event(), 0.005, 0.0
    while waited < seconds:
        if ready():
            return True
        waiting.wait(pause)
        waited += pause
        pause = min(pause * 1.5, 0.05)
    return ready()
