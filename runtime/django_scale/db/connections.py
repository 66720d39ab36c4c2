"""The open connections of this process by alias, so that those to a silent replica can be interrupted."""

from __future__ import annotations

import os
import socket
import threading
import weakref
from typing import Any

import psycopg
from django.db import connections

_lock = threading.Lock()
_open: dict[str, weakref.WeakSet[psycopg.Connection[Any]]] = {}


def register(alias: str, connection: psycopg.Connection[Any]) -> None:
    """Remember `connection` for as long as it lives."""
    with _lock:
        _open.setdefault(alias, weakref.WeakSet()).add(connection)


def interrupt(alias: str) -> int:
    """Shut the sockets of an alias down: calls that wait on them fail at once. Gives their number.

    A replica that is frozen keeps its TCP connections: neither a server-side time-out nor keep-alive ends a query on
    it.
    """
    _drop_pool(alias)
    with _lock:
        waiting = list(_open.get(alias, ()))
    return sum(_shut_down(connection) for connection in waiting)


def _drop_pool(alias: str) -> None:
    """Close psycopg's pool of an alias: who waits for a connection fails at once. Django makes a new one when it is
    asked."""
    pools: dict[str, Any] = getattr(connections[alias], "_connection_pools", {})
    pool: Any = pools.pop(alias, None)
    if pool is not None:
        pool.close(timeout=0)


def _shut_down(connection: psycopg.Connection[Any]) -> bool:
    try:
        handle = os.dup(connection.fileno())
    except (psycopg.Error, OSError):
        return False
    with socket.socket(fileno=handle) as own:
        # The descriptor may have been closed and given to another file between the two calls above.
        if connection.closed:
            return False
        try:
            own.shutdown(socket.SHUT_RDWR)
        except OSError:
            return False
    return True


def forget_all() -> None:
    """In a forked child: the parent's connections are not its own."""
    _open.clear()
