"""L3's rows: encoded values in a table of the primary, written by UPSERT, culled in the background."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import DatabaseError, connections, router, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from django_scale.db.scope import unrecorded
from django_scale.models import CacheEntry

logger = logging.getLogger("django_scale.cache")

# Writes of a process between two culls; Django's DatabaseCache counts the whole table at every write.
CULL_EVERY = 500
CULL_BATCH = 1000
# After an error the table is left alone: the database has other work to do.
COOLDOWN_SECONDS = 5.0
MAX_KEY = 250
Row = tuple[bytes, float | None]
T = TypeVar("T")


def _alias() -> str:
    return router.db_for_write(CacheEntry)


def _rows() -> QuerySet[CacheEntry]:
    return CacheEntry.objects.using(_alias())


def _live() -> QuerySet[CacheEntry]:
    return _rows().filter(Q(expires=None) | Q(expires__gt=timezone.now()))


def column(key: str) -> str:
    """The key as the column takes it: 255 characters at most, none of them NUL. What is cut is replaced by its hash."""
    if len(key) <= MAX_KEY and "\0" not in key:
        return key
    return f"{key[:180]}#{hashlib.blake2b(key.encode(), digest_size=16).hexdigest()}".replace("\0", "")


def _end(seconds: float | None) -> datetime | None:
    return None if seconds is None else timezone.now() + timedelta(seconds=seconds)


class Table:
    """The rows of one cache. Raises no DatabaseError: a level that is lost is a miss, and a write to it says False."""

    _culling = threading.Lock()

    def __init__(self, max_entries: int) -> None:
        self._max_entries = max_entries
        self._writes = 0
        self._down_until = 0.0

    def get(self, keys: Sequence[str]) -> dict[str, Row]:
        """Payload and seconds left (None: for ever) of the keys that are there."""

        columns = {column(key): key for key in keys}

        def query() -> dict[str, Row]:
            now = timezone.now()
            rows = _live().filter(key__in=columns).values_list("key", "value", "expires")
            return {
                columns[key]: (bytes(value), (end - now).total_seconds() if end else None) for key, value, end in rows
            }

        return self._run(query, {})

    def put(self, rows: Mapping[str, Row]) -> bool:
        """Insert or replace, in one statement."""
        # In one order: two writers that lock rows in different ones would wait for each other.
        columns = sorted((column(key), row) for key, row in rows.items())
        entries = [CacheEntry(key=key, value=value, expires=_end(left)) for key, (value, left) in columns]

        def query() -> bool:
            _rows().bulk_create(
                entries, update_conflicts=True, unique_fields=["key"], update_fields=["value", "expires"]
            )
            return True

        done = self._run(query, otherwise=False)
        self._written(len(entries))
        return done

    def add(self, key: str, value: bytes, seconds: float | None) -> bool:
        """Insert unless a live row is there."""

        def query() -> bool:
            _rows().filter(key=column(key), expires__lte=timezone.now()).delete()
            return _rows().get_or_create(key=column(key), defaults={"value": value, "expires": _end(seconds)})[1]

        added = self._run(query, otherwise=False)
        self._written(1)
        return added

    def touch(self, key: str, seconds: float | None) -> bool:
        """Move the end of a live row."""
        return self._run(lambda: _live().filter(key=column(key)).update(expires=_end(seconds)) > 0, False)

    def change(self, key: str, change: Callable[[bytes], bytes]) -> bytes | None:
        """Replace the payload of a live row by what `change` makes of it, its end kept; None when there is no row."""

        def query() -> bytes | None:
            with transaction.atomic(using=_alias()):
                row = _live().select_for_update().filter(key=column(key)).first()
                if row is None:
                    return None
                payload = change(bytes(row.value))
                _rows().filter(key=row.key).update(value=payload)
                return payload

        return self._run(query, None)

    def delete(self, keys: Sequence[str]) -> bool:
        """Delete; True when a row was there."""
        columns = [column(key) for key in keys]
        return self._run(lambda: _rows().filter(key__in=columns).delete()[0] > 0, otherwise=False)

    def clear(self, prefix: str) -> None:
        """Delete all rows whose key begins with `prefix`."""
        self._run(lambda: _rows().filter(key__startswith=prefix).delete()[0], 0)

    def cull(self) -> int:
        """Delete ended rows, then those that end first beyond the limit; gives their number."""

        def query() -> int:
            gone = _delete(_rows().filter(expires__lte=timezone.now()), None)
            return gone + _delete(_rows().order_by("expires", "key"), max(0, _rows().count() - self._max_entries))

        return self._run(query, 0)

    def _run(self, query: Callable[[], T], otherwise: T) -> T:
        """Run a query that may fail: neither a transaction around it breaks, nor is the user bound to the primary."""
        if time.monotonic() < self._down_until:
            return otherwise
        alias = _alias()
        try:
            with unrecorded():
                if not connections[alias].in_atomic_block:
                    return query()
                with transaction.atomic(using=alias):
                    return query()
        except DatabaseError as error:
            self._down_until = time.monotonic() + COOLDOWN_SECONDS
            logger.warning("the L3 cache is left alone for %.0f s: %s", COOLDOWN_SECONDS, error)
            return otherwise

    def _written(self, number: int) -> None:
        self._writes += number
        if self._writes < CULL_EVERY:
            return
        self._writes = 0
        if connections[_alias()].vendor == "sqlite":
            # One writer at a time: a thread would only wait for this one.
            self.cull()
        elif not self._culling.locked():
            threading.Thread(target=self._cull_in_background, name="django-scale-cull", daemon=True).start()

    def _cull_in_background(self) -> None:
        if not self._culling.acquire(blocking=False):
            return
        try:
            self.cull()
        finally:
            connections.close_all()
            self._culling.release()


def _delete(rows: QuerySet[CacheEntry], most: int | None) -> int:
    """Delete `rows`, `most` at most, in batches: a long delete would hold locks and swell the log."""
    gone = 0
    while most is None or gone < most:
        size = CULL_BATCH if most is None else min(CULL_BATCH, most - gone)
        keys = list(rows.values_list("key", flat=True)[:size])
        if not keys:
            break
        gone += _rows().filter(key__in=keys).delete()[0]
    return gone
