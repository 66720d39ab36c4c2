"""`manage.py migrate_once`: `migrate`, on one server at a time."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from django.core.management.commands import migrate
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

LOCK = "django_scale.migrate_once"


class Command(migrate.Command):
    """Django's own command under a lock of the database.

    Servers of a new release start together. The first that holds the lock migrates; the others wait for it, and find
    nothing left to do.
    """

    help = "Update the database schema, on one server at a time."

    def handle(self, *args: Any, **options: Any) -> Any:
        """Wait, and migrate."""
        with alone(connections[options["database"]]):
            return super().handle(*args, **options)


@contextmanager
def alone(connection: BaseDatabaseWrapper) -> Generator[None]:
    """Hold PostgreSQL's advisory lock, which is gone with the process; with another database there is none to hold."""
    if connection.vendor != "postgresql":
        yield
        return
    # A connection and a transaction of its own: some migrations take no transaction around them, and PgBouncer gives
    # what a session holds to somebody else after each.
    holder = connection.copy()
    try:
        holder.set_autocommit(False)
        with holder.cursor() as cursor:
            for limit in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
                cursor.execute(f"SET LOCAL {limit} = 0")
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [LOCK])
        yield
    finally:
        holder.close()
