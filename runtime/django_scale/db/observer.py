"""Sees each query: a write on the primary moves the reads of its scope, a failure on a replica ejects it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from django_scale.db.pool import PRIMARY, replica_pool
from django_scale.db.scope import scope

# What cannot change rows. A SELECT that calls a writing function is not seen: see scope.note_write.
_READS = re.compile(
    r"[\s(]*(?:SELECT|SHOW|EXPLAIN|VALUES|TABLE|SAVEPOINT|RELEASE|ROLLBACK|BEGIN|COMMIT|SET|RESET|FETCH|DECLARE|CLOSE|PRAGMA)\b",
    re.IGNORECASE,
)
_WITH = re.compile(r"[\s(]*WITH\b", re.IGNORECASE)
_CHANGES = re.compile(r"\b(?:INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)
# SQLSTATE: 08 connection, 57P01 to 57P03 shutdown and start, 53300 too many connections.
_LOST = ("08", "57P0", "53300")

Execute = Callable[[Any, Any, bool, dict[str, Any]], Any]


def is_write(sql: object) -> bool:
    """True unless `sql` is known to change nothing."""
    if not isinstance(sql, str):
        return True
    if _READS.match(sql):
        return False
    return _CHANGES.search(sql) is not None if _WITH.match(sql) else True


def lost(error: BaseException, connection: BaseDatabaseWrapper) -> bool:
    """True when `error` says that the server is gone; False for a query that it refused or cancelled."""
    state: str = getattr(error.__cause__, "sqlstate", None) or ""
    driver: Any = connection.connection
    broken = driver is not None and (getattr(driver, "closed", False) or getattr(driver, "broken", False))
    return bool(broken) or state.startswith(_LOST)


def watch_replica(execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Execute wrapper of a replica."""
    try:
        return execute(sql, params, many, context)
    except (OperationalError, InterfaceError) as error:
        connection: BaseDatabaseWrapper = context["connection"]
        if lost(error, connection):
            replica_pool().report_failure(connection.alias, error)
        raise


def watch_primary(execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Execute wrapper of the primary."""
    result = execute(sql, params, many, context)
    if is_write(sql):
        _written(context["connection"])
    return result


def _written(connection: BaseDatabaseWrapper) -> None:
    if scope().silent:
        return
    if not connection.in_atomic_block:
        scope().note_write()
        return
    # Only what is committed moves reads, and only then is its position known. One hook a transaction, not one a row.
    waiting: list[Any] = connection.run_on_commit
    if not (waiting and waiting[-1][1] is _committed):
        transaction.on_commit(_committed, using=connection.alias)


def _committed() -> None:
    scope().note_write()


def observe(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Receiver of `connection_created`."""
    wrapper = None
    if connection.alias == PRIMARY:
        wrapper = watch_primary
    elif connection.alias in replica_pool().replicas:
        wrapper = watch_replica
    if wrapper and replica_pool().replicas and wrapper not in connection.execute_wrappers:
        connection.execute_wrappers.append(wrapper)
