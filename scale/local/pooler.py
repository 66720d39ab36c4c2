"""PgBouncer with the configuration that a server of the stack has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import psycopg

from model.database import Database
from render.pgbouncer import pgbouncer_ini
from render.places import Pooler
from scale.local.servers import PostgreSQL, Server, find_binary
from scale.local.servers.postgresql import DATABASE, PASSWORD, USER
from scale.local.servers.process import own, unprivileged_user

_CONSOLE = "pgbouncer"
"""The name of PgBouncer's own database, which it answers for itself (PgBouncer's manual, "Admin console")."""


class LocalPooler(Server):
    """PgBouncer between the application servers and PostgreSQL. `database` is the stack's, with the local names."""

    def __init__(
        self, folder: Path, database: Database, primary: PostgreSQL, replicas: Sequence[PostgreSQL] = ()
    ) -> None:
        super().__init__(folder, user=unprivileged_user())
        self._database = database.model_copy(update={"name": DATABASE, "user": USER})
        self._pooler = Pooler(
            primary=primary.address,
            replicas=tuple(replica.address for replica in replicas),
            port=self.port,
            users=str(folder / "users.txt"),
            run=str(folder),
        )

    @property
    def configuration(self) -> Path:
        """The file."""
        return self.folder / "pgbouncer.ini"

    def command(self) -> list[str]:
        """In the foreground."""
        return [str(find_binary("pgbouncer")), str(self.configuration)]

    def prepare(self) -> None:
        """Write its configuration and its list of users."""
        self.configuration.write_text(pgbouncer_ini(self._database, self._pooler), encoding="utf-8")
        Path(self._pooler.users).write_text(f'"{USER}" "{PASSWORD}"\n', encoding="utf-8")
        own(self.folder, self.user)

    def ready(self) -> bool:
        """Whether a query reaches the primary."""
        return self._answers(DATABASE, "SELECT 1")

    def alive(self) -> bool:
        """Whether its console answers, for which it asks no database."""
        return self._answers(_CONSOLE, "SHOW VERSION")

    def _answers(self, database: str, query: str) -> bool:
        try:
            with psycopg.connect(
                host=self.host,
                port=self.port,
                dbname=database,
                user=USER,
                password=PASSWORD,
                autocommit=True,
                connect_timeout=2,
            ) as connection:
                connection.execute(query.encode())
        except psycopg.Error:
            return False
        return True
