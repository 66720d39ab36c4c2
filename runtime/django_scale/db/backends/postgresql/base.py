"""Django's PostgreSQL backend; a connection that fails is reported before any query could be."""

from __future__ import annotations

from typing import Any

import psycopg
from django.db.backends.postgresql import base

from django_scale.db import connections as known
from django_scale.db import tags
from django_scale.db.pool import replica_pool


class DatabaseWrapper(base.DatabaseWrapper):
    """An execute wrapper never sees a failed connect: this does, and ejects the replica."""

    def get_connection_params(self) -> dict[str, Any]:
        """Django's, with the cursors that carry a request's id. Statements whose parameters the server binds cannot."""
        params: dict[str, Any] = super().get_connection_params()
        if params.get("cursor_factory") is base.Cursor:
            params["cursor_factory"] = tags.Cursor
        return params

    def connect(self) -> None:
        """Connect; a replica that refuses is ejected, and the error goes on to the caller."""
        try:
            super().connect()
        except psycopg.Error as error:  # Django wraps it only further out
            replica_pool().report_failure(self.alias, error)
            raise

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection, remembered so that the monitor can interrupt it when its replica falls silent."""
        connection: Any = super().get_new_connection(conn_params)
        connection.django_scale_name = self.settings_dict["OPTIONS"].get("application_name", "django")
        known.register(self.alias, connection)
        return connection
