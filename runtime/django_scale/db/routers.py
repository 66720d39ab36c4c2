"""The database routers. They decide from memory: no connection is opened here."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from functools import wraps
from inspect import iscoroutinefunction
from threading import get_ident
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.db import connections, models

from django_scale.conf import options
from django_scale.db import monitor
from django_scale.db.pool import PRIMARY, replica_pool
from django_scale.db.scope import AMBIENT_SECONDS, Scope, current, scope

# The chapter's lists. django_scale's own rows are the L3 cache: what was just written must be found.
SIMPLE_PRIMARY_APPS = frozenset({"sessions", "admin", "django_scale"})
PRIMARY_APPS = SIMPLE_PRIMARY_APPS | {"auth"}


P = ParamSpec("P")
R = TypeVar("R")


class using_primary:  # noqa: N801  # a context manager and decorator, named like transaction.atomic
    """Reads in the block, or in the decorated function (plain or `async`), go to the primary.

    with using_primary():
        account = Account.objects.get(pk=pk)
    """

    def __enter__(self) -> None:
        """Begin; blocks may be nested."""
        scope().primary_depth += 1

    def __exit__(self, *_: object) -> None:
        """End."""
        scope().primary_depth -= 1

    async def __aenter__(self) -> None:
        """Begin, for `async with`."""
        self.__enter__()

    async def __aexit__(self, *_: object) -> None:
        """End, for `async with`."""
        self.__exit__()

    def __call__(self, func: Callable[P, R]) -> Callable[P, R]:
        """Decorate `func`."""
        return _decorate(func)


class DatabaseRouter:
    """Writes to the primary, reads to a replica at random; sessions and admin to the primary."""

    primary_apps: frozenset[str] = SIMPLE_PRIMARY_APPS

    def __init__(self) -> None:
        self._labels = self.primary_apps | options().primary_apps
        weights = options().replica_weights
        self._aliases = tuple(alias for alias in weights if weights[alias]) or tuple(_replica_aliases())
        self._pool = frozenset({PRIMARY, *weights, *self._aliases})

    def db_for_read(self, model: type[models.Model], **hints: Any) -> str | None:
        """An alias of DATABASES; the primary inside a transaction on it and in `using_primary()`."""
        found = current.get()
        if found is not None and found.primary_depth:
            return PRIMARY
        if model._meta.app_label in self._labels or not self._aliases or connections[PRIMARY].in_atomic_block:
            return PRIMARY
        return random.choice(self._aliases)  # noqa: S311

    def db_for_write(self, model: type[models.Model], **hints: Any) -> str | None:
        """The primary."""
        return PRIMARY

    def allow_relation(self, obj1: models.Model, obj2: models.Model, **hints: Any) -> bool | None:
        """True between the primary and its replicas, which hold the same rows; no opinion on other databases."""
        return True if obj1._state.db in self._pool and obj2._state.db in self._pool else None

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool | None:
        """Never on a replica; no opinion on the primary or other databases."""
        return False if db in self._pool and db != PRIMARY else None


class LoadBalancedDatabaseRouter(DatabaseRouter):
    """Reads to healthy replicas by weight, one replica a request, and never less than the session has written."""

    primary_apps = PRIMARY_APPS

    def db_for_read(self, model: type[models.Model], **hints: Any) -> str | None:
        """A replica that serves, or the primary; ReplicasUnavailableError when none does and the cap is reached."""
        found = current.get() or scope()
        if found.primary_depth or model._meta.app_label in self._labels:
            return PRIMARY
        # Django's look-up of a connection costs more than all the rest here, and a request does not change its own.
        if found.wrapper is None or found.thread != get_ident():
            found.thread, found.wrapper = get_ident(), connections[PRIMARY]
        if found.wrapper.in_atomic_block:
            return PRIMARY
        if found.alias and found.generation == replica_pool().generation:
            if not found.ambient or time.monotonic() < found.expires:
                return found.alias
            found.wrapper = None
        return self._choose(found)

    def _choose(self, found: Scope) -> str:
        pool = monitor.watch()
        generation = pool.generation
        alias = pool.choose(found)
        if alias != PRIMARY:
            found.alias, found.generation = alias, generation
            found.expires = time.monotonic() + AMBIENT_SECONDS if found.ambient else float("inf")
        return alias


def _replica_aliases() -> Iterator[str]:
    return (alias for alias in settings.DATABASES if alias.startswith("replica_"))


def _decorate(func: Callable[P, R]) -> Callable[P, R]:
    if iscoroutinefunction(func):

        @wraps(func)
        async def waiting(*args: P.args, **kwargs: P.kwargs) -> Any:
            async with using_primary():
                return await func(*args, **kwargs)  # type: ignore[misc]

        return waiting  # type: ignore[return-value]

    @wraps(func)
    def plain(*args: P.args, **kwargs: P.kwargs) -> R:
        with using_primary():
            return func(*args, **kwargs)

    return plain
