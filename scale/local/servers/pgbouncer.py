"""PgBouncer in front of PostgreSQL servers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import psycopg

from scale.local.servers.binaries import find_binary
from scale.local.servers.postgresql import DATABASE, PASSWORD, USER, PostgreSQL
from scale.local.servers.process import Server, own, unprivileged_user


class PgBouncer(Server):
    """A pooler in transaction mode; `databases` maps its names to servers."""

    def __init__(self, folder: Path, databases: Mapping[str, PostgreSQL], pool_size: int = 5) -> None:
        super().__init__(folder, user=unprivileged_user())
        self._databases = dict(databases)
        self._pool_size = pool_size

    def command(self) -> list[str]:
        """In the foreground."""
        return [str(find_binary("pgbouncer")), str(self.folder / "pgbouncer.ini")]

    def prepare(self) -> None:
        """Write its configuration and its list of users."""
        lines = ["[databases]"]
        for name, server in self._databases.items():
            lines.append(f"{name} = host={server.host} port={server.port} dbname={DATABASE} password={PASSWORD}")
        lines += [
            "[pgbouncer]",
            f"listen_addr = {self.host}",
            f"listen_port = {self.port}",
            "unix_socket_dir =",
            "auth_type = scram-sha-256",
            f"auth_file = {self.folder / 'users.txt'}",
            "pool_mode = transaction",
            f"default_pool_size = {self._pool_size}",
            "max_client_conn = 200",
            f"stats_users = {USER}",
            "server_login_retry = 1",
        ]
        (self.folder / "pgbouncer.ini").write_text("\n".join(lines) + "\n")
        (self.folder / "users.txt").write_text(f'"{USER}" "{PASSWORD}"\n')
        own(self.folder, self.user)

    def ready(self) -> bool:
        """Whether a query reaches the first of its databases."""
        name = next(iter(self._databases))
        try:
            with psycopg.connect(
                host=self.host,
                port=self.port,
                dbname=name,
                user=USER,
                password=PASSWORD,
                # Else leaving the block commits, and leaves a connection open whose commit the pooler refuses.
                autocommit=True,
                connect_timeout=2,
            ) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True
