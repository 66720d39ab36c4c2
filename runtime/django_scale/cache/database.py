"""The L3 level as a cache of its own."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT

from django_scale.cache.asynchronous import AsyncCache
from django_scale.cache.codec import Codec

MISSING: Any = object()


class DatabaseCache(AsyncCache):
    """A cache in the table of the application `django_scale`; `migrate` makes it.

    OPTIONS: MAX_ENTRIES (default 10,000, the chapter's), SERIALIZER, COMPRESSOR, COMPRESS_MIN_BYTES. Unlike Django's
    DatabaseCache it writes by UPSERT, reads and writes many keys in one statement, and culls in the background.
    """

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        from django_scale.cache.table import Table  # models cannot be imported before the applications are ready

        options: dict[str, Any] = params.get("OPTIONS", {})
        self.table = Table(int(options.get("MAX_ENTRIES", 10_000)))
        self.codec = Codec(
            options.get("SERIALIZER", "pickle"),
            options.get("COMPRESSOR", "zlib"),
            int(options.get("COMPRESS_MIN_BYTES", 1024)),
        )

    def _seconds(self, timeout: Any) -> float | None:
        end = self.get_backend_timeout(timeout)
        return None if end is None else end - time.time()

    def _payload(self, value: Any) -> bytes:
        return self.codec.encode(value)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """The value, or `default`."""
        found = self.table.get([self.make_and_validate_key(key, version)])
        return next((self.codec.decode(value) for value, _ in found.values()), default)

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        """Set; a timeout of 0 or less deletes."""
        self.set_many({key: value}, timeout, version)

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Set unless the key exists; True when done."""
        made, seconds = self.make_and_validate_key(key, version), self._seconds(timeout)
        if seconds is not None and seconds <= 0:
            return not self.table.get([made])
        return self.table.add(made, self._payload(value), seconds)

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Move the end of a key; True when it exists."""
        made, seconds = self.make_and_validate_key(key, version), self._seconds(timeout)
        if seconds is not None and seconds <= 0:
            return self.table.delete([made])
        return self.table.touch(made, seconds)

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """Add to a number, its end kept; ValueError when the key does not exist."""
        made = self.make_and_validate_key(key, version)
        payload = self.table.change(made, lambda old: self._payload(self.codec.decode(old) + delta))
        if payload is None:
            raise ValueError(f"Key {made!r} not found")
        return self.codec.decode(payload)

    def delete(self, key: Any, version: int | None = None) -> bool:
        """Delete; True when the key was there."""
        return self.table.delete([self.make_and_validate_key(key, version)])

    def get_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        """The values that exist, in one statement."""
        made = {self.make_and_validate_key(key, version): key for key in keys}
        return {made[key]: self.codec.decode(value) for key, (value, _) in self.table.get(list(made)).items()}

    def set_many(
        self, data: Mapping[Any, Any], timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> list[Any]:
        """Set all, in one statement; gives the keys that were not stored."""
        seconds = self._seconds(timeout)
        made = {self.make_and_validate_key(key, version): self._payload(value) for key, value in data.items()}
        if seconds is not None and seconds <= 0:
            self.table.delete(list(made))
            return []
        stored = not made or self.table.put({key: (value, seconds) for key, value in made.items()})
        return [] if stored else list(data)

    def delete_many(self, keys: Iterable[Any], version: int | None = None) -> None:
        """Delete all, in one statement."""
        self.table.delete([self.make_and_validate_key(key, version) for key in keys])

    def has_key(self, key: Any, version: int | None = None) -> bool:
        """True when the key exists."""
        return bool(self.table.get([self.make_and_validate_key(key, version)]))

    def clear(self) -> None:
        """Delete the rows of this cache's prefix."""
        self.table.clear(f"{self.key_prefix}:")
