"""Fills a cache ahead of the traffic: in batches, by one server at a time, going on where an interrupted run ended."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.core.cache import caches
from django.utils.module_loading import autodiscover_modules

LOCK_SECONDS = 60
# An interrupted run is resumed within a day; after that its values have ended anyway.
PROGRESS_SECONDS = 86_400

Load = Callable[[Sequence[Any]], Mapping[str, Any]]
Ids = Callable[[], Iterable[Any]]


class AlreadyWarmingError(RuntimeError):
    """Another server holds the lock, or the cache is unreachable and cannot tell."""


@dataclass(frozen=True)
class Warmer:
    """How one kind of value is warmed. `ids` gives what there is, in a stable order; `load` the values of a batch by
    key."""

    name: str
    ids: Ids
    load: Load
    batch: int
    timeout: float | None


@dataclass(frozen=True)
class Progress:
    """After a batch: `done` of `total` ids, `stored` values in this run."""

    name: str
    done: int
    total: int
    stored: int


class CacheWarmer:
    """The warmers of a project and the cache that they fill."""

    def __init__(self, alias: str = "default") -> None:
        self._alias = alias
        self._warmers: dict[str, Warmer] = {}

    def register(
        self, name: str, *, ids: Ids, batch: int = 100, timeout: float | None = 3600
    ) -> Callable[[Load], Load]:
        """Decorator of a function that loads one batch; put it into an application's `warmers.py`. `timeout` in
        seconds.

        @warmer.register("articles", ids=popular_ids, timeout=1800)
        def articles(ids):
            return {f"article:{a.pk}": a for a in Article.objects.filter(pk__in=ids)}
        """
        if batch < 1:
            raise ValueError(f"batch is at least 1, not {batch}")

        def remember(load: Load) -> Load:
            self._warmers[name] = Warmer(name, ids, load, batch, timeout)
            return load

        return remember

    def names(self) -> list[str]:
        """The registered names, in the order of registration."""
        autodiscover_modules("warmers")
        return list(self._warmers)

    def warm(self, name: str, ids: Iterable[Any] | None = None, *, resume: bool = True) -> Generator[Progress]:
        """Warm batch after batch, giving progress after each.

        `ids` limits the run to these. AlreadyWarmingError when another server warms `name`; KeyError for a name that
        is unknown.
        A run that was broken off is resumed after its last whole batch, unless `resume` is false or `ids` is given.
        """
        self.names()
        found = self._warmers[name]
        cache, owner = caches[self._alias], secrets.token_hex(8)
        lock = f"warm:{name}:lock"
        if not cache.add(lock, owner, LOCK_SECONDS):
            raise AlreadyWarmingError(name)
        try:
            yield from self._run(found, ids, resume, lambda: _keep(cache, lock, owner))
        finally:
            if cache.get(lock) == owner:
                cache.delete(lock)

    def _run(
        self, found: Warmer, ids: Iterable[Any] | None, resume: bool, keep_lock: Callable[[], None]
    ) -> Generator[Progress]:
        cache, key = caches[self._alias], f"warm:{found.name}:progress"
        everything = list(found.ids() if ids is None else ids)
        last = cache.get(key) if resume and ids is None else None
        done = everything.index(last) + 1 if last is not None and last in everything else 0
        waiting, stored = iter(everything[done:]), 0
        while batch := list(islice(waiting, found.batch)):
            values = found.load(batch)
            missed = cache.set_many(dict(values), found.timeout)
            stored += len(values) - len(missed)
            done += len(batch)
            keep_lock()
            if ids is None:
                cache.set(key, batch[-1], PROGRESS_SECONDS)
            yield Progress(found.name, done, len(everything), stored)
        if ids is None:
            cache.delete(key)


def _keep(cache: Any, lock: str, owner: str) -> None:
    if cache.get(lock) != owner or not cache.touch(lock, LOCK_SECONDS):
        raise AlreadyWarmingError("the lock was lost: a batch took longer than a minute, or the cache is unreachable")


warmer = CacheWarmer()
