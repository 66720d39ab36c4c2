"""The multi-level cache: L1 in this process, L2 sharded over Redis servers, L3 in the database."""

from __future__ import annotations

from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT

from django_scale.cache.reading import ReadingCache
from django_scale.cache.stampede import Stampede
from django_scale.cache.writing import WritingCache


class MultiLevelCache(ReadingCache, WritingCache):
    """Django's cache contract over three levels; LOCATION is a list of host:port, OPTIONS those of CacheOptions.

    What two processes must agree on (`add`, `incr`, `touch`) is decided in L2. A level that is lost degrades: reads
    miss, `add` says False, `set_many` names what was not stored; nothing raises but `incr` on a key that is not there.
    """

    def __init__(self, location: str | list[str], params: dict[str, Any]) -> None:
        super().__init__(location, params)
        self._stampede = Stampede(self)

    def get_or_set(self, key: Any, default: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> Any:
        """The value, made by calling `default` when it is not there.

        One caller makes it, of all processes; the others get the value that has just ended, or wait for the new one.
        """
        seconds = self.seconds(timeout)
        if not callable(default) or (seconds is not None and seconds <= 0):
            return super().get_or_set(key, default, timeout, version)
        return self._stampede.get_or_make(self.made(key, version), default, seconds)
