"""What the reading and the writing half of the multi-level cache share."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.core.cache import caches
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.exceptions import ImproperlyConfigured
from redis.exceptions import ResponseError

from django_scale.cache import levels as processes
from django_scale.cache.asynchronous import AsyncCache
from django_scale.cache.codec import end_of
from django_scale.cache.database import DatabaseCache
from django_scale.cache.levels import CacheOptions, Levels, addresses
from django_scale.cache.nodes import Command, UnavailableError

if TYPE_CHECKING:
    from django_scale.cache.table import Table

logger = logging.getLogger("django_scale.cache")

# What Django's own check warns of: longer keys, control characters, spaces.
_PLAIN_KEY = re.compile(r"[!-~\x80-\U0010ffff]{1,250}").fullmatch
# Whatever L2 says instead of doing: it is lost, or full, or no master any more.
LOST = (UnavailableError, ResponseError)


class LevelledCache(AsyncCache):
    """A cache with its levels, keys and times."""

    def __init__(self, location: str | list[str], params: dict[str, Any]) -> None:
        super().__init__(params)
        self.options = CacheOptions.read(params.get("OPTIONS", {}))
        self._addresses = addresses(location)
        self._generation = -1
        self._own: Levels | None = None
        self.thread_sensitive = bool(self.options.l3)

    @property
    def levels(self) -> Levels:
        """What this process shares; made anew after a fork."""
        if self._own is None or self._generation != processes.generation:
            self._generation = processes.generation
            self._own = processes.shared(self._addresses, self.options, self.key_prefix)
        return self._own

    @property
    def table(self) -> Table | None:
        """L3's rows, None without an L3."""
        if not self.options.l3 or not self.options.l3_seconds:
            return None
        cache: object = caches[self.options.l3]
        if not isinstance(cache, DatabaseCache):
            raise ImproperlyConfigured(f"L3 is the alias of a DatabaseCache, not {self.options.l3!r}")
        return cache.table

    def made(self, key: Any, version: int | None = None) -> str:
        """The key as the levels have it, checked."""
        made: str = self.make_key(key, version)
        if not _PLAIN_KEY(made):
            self.validate_key(made)
        return made

    def seconds(self, timeout: Any) -> float | None:
        """Seconds of a timeout; None for ever, 0 or less for one that deletes."""
        return self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout

    def l1_seconds(self, data: bytes) -> float:
        """For how long L1 may keep a payload: no longer than it lasts, and no integer, whose end only Redis knows."""
        end = end_of(data)
        return self.options.l1_seconds if end is None else min(self.options.l1_seconds, end - time.time())

    def messages(self, keys: Sequence[str] | None) -> list[Command]:
        """What tells the other processes of a write."""
        invalidation = self.levels.invalidation
        return [] if invalidation is None else [invalidation.message(keys)]

    def degraded(self, what: str, error: BaseException, written: str | None = None) -> None:
        """Note that L2 did not do something; a write that it missed is made good before its server is used again."""
        logger.debug("L2 did not %s: %s", what, error)
        if isinstance(error, ResponseError):
            # Not an outage but a refusal: full, read-only after a failover, or not allowed.
            logger.warning("L2 refused to %s: %s", what, error)
            self.levels.client.topology.lost()
        elif written is not None:
            try:
                self.levels.client.topology.node_for(written.encode()).owe_delete(written.encode())
            except UnavailableError:
                logger.warning("L2 has no server for a write of %s", written)


def pexpire(seconds: float | None) -> int:
    """Milliseconds for Redis; 0 for ever."""
    return 0 if seconds is None else max(1, int(seconds * 1000))


def set_command(made: str, payload: bytes, seconds: float | None) -> Command:
    """SET for a time, or for ever."""
    return ("SET", made, payload) if seconds is None else ("SET", made, payload, "PX", pexpire(seconds))
