"""Where the reads of one request, task or thread go: decided once, changed by a write."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db.backends.base.base import BaseDatabaseWrapper

from django_scale.db.lsn import Token

# Outside a request or task, a replica is chosen anew after this many seconds, or a long command would load one for
# ever.
AMBIENT_SECONDS = 5.0


class Scope:
    """One request or task; `ambient` for code outside any, such as a management command or a plain thread.

    Shared by the threads that serve one request: asgiref copies the context variable, not the object.
    """

    __slots__ = (
        "alias",
        "ambient",
        "expires",
        "fallback",
        "generation",
        "parent",
        "primary_depth",
        "silent",
        "thread",
        "token",
        "wrapper",
        "written_at",
        "wrote",
    )

    def __init__(self, token: Token | None = None, *, ambient: bool = False) -> None:
        self.token = token or Token()
        self.ambient = ambient
        self.alias = ""
        self.generation = -1
        self.expires = float("inf")
        self.primary_depth = 0
        self.wrote = False
        self.written_at = 0.0
        self.fallback = False
        self.silent = False
        # The primary's connection object of `thread`, for the router.
        self.thread = 0
        self.wrapper: BaseDatabaseWrapper | None = None
        self.parent: Scope | None = None

    def note_write(self) -> None:
        """A commit on the primary: later reads of this scope may not see less."""
        self.wrote = True
        self.written_at = time.monotonic()
        self.alias = ""

    def forget_choice(self) -> None:
        """Choose a replica anew at the next read."""
        self.alias = ""


current: ContextVar[Scope | None] = ContextVar("django_scale_scope", default=None)


def scope() -> Scope:
    """The scope of the running code; an ambient one is made where there is none."""
    found = current.get()
    if found is None:
        found = Scope(ambient=True)
        current.set(found)
    return found


def note_write() -> None:
    """Say that the running code has written to the primary in a way that its SQL does not show (a function, another
    client)."""
    scope().note_write()


@contextmanager
def unrecorded() -> Generator[None]:
    """Writes in this block bind nobody to the primary: a cache's rows, for example."""
    previous = current.get()
    silent = Scope(ambient=True)
    silent.silent = True
    current.set(silent)
    try:
        yield
    finally:
        current.set(previous)
