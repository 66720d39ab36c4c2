"""PgBouncer on each server: how many connections the processes of a server share."""

from __future__ import annotations

from pydantic import Field

from model.fields import Count, Seconds, Section


class PgBouncer(Section):
    """A pooler on each server, in transaction mode: a connection is lent for a transaction, not for a session."""

    pool_size: Count = Field(default=20, ge=1, le=1000)
    """Connections of a server to each database instance."""

    reserve: Count = Field(default=5, ge=0, le=1000)
    """Further ones, once a client has waited for `reserve_seconds`."""

    reserve_seconds: Seconds = Field(default=3, ge=1, le=60)
    """How long a client waits before the reserve is used."""

    wait_seconds: Seconds = Field(default=15, ge=1, le=120)
    """How long a client waits for a connection before its query fails."""

    idle_seconds: Seconds = Field(default=600, ge=10, le=86_400)
    """How long a connection that nobody uses is kept."""

    lifetime_seconds: Seconds = Field(default=3600, ge=60, le=86_400)
    """How old a connection may become; it is then closed once it is free."""

    @property
    def connections(self) -> int:
        """Connections that the pooler of one server opens to each database instance at most."""
        return self.pool_size + self.reserve
