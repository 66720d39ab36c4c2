"""Stampede protection: of all who miss a value, one makes it."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django_scale.cache.codec import is_stale
from django_scale.cache.flights import Flight, poll
from django_scale.cache.local import MISSING
from django_scale.cache.nodes import UnavailableError
from django_scale.cache.scripts import RELEASE

if TYPE_CHECKING:
    from django_scale.cache.multilevel import MultiLevelCache

logger = logging.getLogger("django_scale.cache")


class Stampede:
    """`get_or_set` of one cache. A value that it makes stays in L2 for STALE_SECONDS past its end."""

    def __init__(self, cache: MultiLevelCache) -> None:
        self._cache = cache

    def get_or_make(self, made: str, make: Callable[[], Any], seconds: float | None) -> Any:
        """The value of a key, or what `make` gives. Raises what `make` raises, to the one who called it."""
        while True:
            value, old = self._look(made)
            if value is not MISSING:
                return value
            with self._cache.levels.flights.join(made) as (flight, leads):
                if leads:
                    return self._lead(made, make, seconds, old, flight)
                if old is not None:
                    return self._cache.levels.codec.decode(old)
                flight.landed.wait(self._cache.options.lock_seconds)
                if flight.payload is not None:
                    # Its own copy: two threads must not share a mutable value.
                    return self._cache.levels.codec.decode(flight.payload)
            # The one who made it has failed: somebody else tries.

    def _look(self, made: str) -> tuple[Any, bytes | None]:
        """The value (or MISSING), and the payload of one that has ended."""
        cache, own = self._cache, self._cache.levels
        l1 = own.believed()
        if l1 is not None:
            value = l1.get(made)
            if value is not MISSING:
                return value, None
        token = l1.begin(made) if l1 is not None else None
        value, left = MISSING, 0.0
        try:
            value, left = cache.read_below(made)
        finally:
            if l1 is not None:
                l1.fill(made, token, value, left)
        if value is not MISSING:
            return value, None
        data = self._payload(made)
        return MISSING, data

    def _payload(self, made: str) -> bytes | None:
        raw = made.encode()
        try:
            return self._cache.levels.client.call(raw, "GET", raw)
        except UnavailableError:
            return None

    def _lead(
        self, made: str, make: Callable[[], Any], seconds: float | None, old: bytes | None, flight: Flight
    ) -> Any:
        owner = secrets.token_hex(8)
        taken = self._take_lock(made, owner)
        if taken is False:
            # Another process makes it.
            if old is not None:
                flight.payload = old
                return self._cache.levels.codec.decode(old)
            payload = self._wait(made)
            if payload is not None:
                flight.payload = payload
                return self._cache.levels.codec.decode(payload)
        try:
            # Somebody may have made it between the look and the lock.
            data = self._payload(made) if taken else None
            if data is not None and not is_stale(data):
                flight.payload = data
                return self._cache.levels.codec.decode(data)
            value = make()
            flight.payload = self._cache.store(made, value, seconds, stale_seconds=self._cache.options.stale_seconds)
            return value
        finally:
            if taken:
                self._release_lock(made, owner)

    def _take_lock(self, made: str, owner: str) -> bool | None:
        """True taken, False another's, None when L2 is lost: then each process makes its own."""
        key = _lock_key(made)
        try:
            milliseconds = int(self._cache.options.lock_seconds * 1000)
            return self._cache.levels.client.call(key, "SET", key, owner, "NX", "PX", milliseconds) is not None
        except UnavailableError:
            return None

    def _locked(self, made: str) -> bool:
        key = _lock_key(made)
        try:
            return bool(self._cache.levels.client.call(key, "EXISTS", key))
        except UnavailableError:
            return False

    def _release_lock(self, made: str, owner: str) -> None:
        key = _lock_key(made)
        try:
            self._cache.levels.client.script(key, RELEASE, owner)
        except UnavailableError as error:
            logger.debug("a lock ends by itself: %s", error)

    def _wait(self, made: str) -> bytes | None:
        """The payload that another process makes; None when it gives up or takes too long."""
        found: list[bytes] = []

        def there() -> bool:
            data = self._payload(made)
            if data is not None and not is_stale(data):
                found.append(data)
            return bool(found) or time.monotonic() >= deadline or not self._locked(made)

        deadline = time.monotonic() + self._cache.options.lock_seconds
        poll(there, self._cache.options.lock_seconds)
        return found[0] if found else None


def _lock_key(made: str) -> bytes:
    # Not below the key's own prefix: `clear` must not take a lock away from its owner.
    return f"lock:{made}".encode()
