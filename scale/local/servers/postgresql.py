"""PostgreSQL: a primary, and replicas that stream from it."""

from __future__ import annotations

import signal
from pathlib import Path

import psycopg

from scale.local.servers.binaries import find_binary
from scale.local.servers.process import Server, own, run_tool, unprivileged_user

USER, PASSWORD, DATABASE = "app", "app-password", "app"
_SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
shared_buffers = 32MB
wal_level = replica
max_wal_senders = 10
wal_keep_size = 256MB
hot_standby = on
hot_standby_feedback = on
wal_receiver_status_interval = 1s
wal_retrieve_retry_interval = 200ms
# Test data: what a power cut would lose is not missed.
fsync = off
full_page_writes = off
max_worker_processes = 2
autovacuum = off
"""


class PostgreSQL(Server):
    """One server on `folder`/data. Its user is a superuser, so that tests can ask it anything."""

    # Fast shutdown: connections are ended.
    stop_signal = signal.SIGINT

    def __init__(self, folder: Path, port: int | None = None) -> None:
        super().__init__(folder, port, user=unprivileged_user())

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    def command(self) -> list[str]:
        """The server itself, not pg_ctl: it must be this process's child."""
        return [str(find_binary("postgres")), "-D", str(self.data), "-p", str(self.port)]

    def ready(self) -> bool:
        """Whether it takes a connection."""
        try:
            self.connect(DATABASE if self.ready_database else "postgres", timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    ready_database = False

    def connect(self, database: str = DATABASE, *, timeout: int = 5) -> psycopg.Connection[tuple[object, ...]]:
        """A connection in autocommit mode."""
        return psycopg.connect(
            host=self.host,
            port=self.port,
            dbname=database,
            user=USER,
            password=PASSWORD,
            autocommit=True,
            connect_timeout=timeout,
        )

    def execute(self, sql: str, database: str = DATABASE) -> None:
        """Run one statement."""
        with self.connect(database) as connection:
            connection.execute(sql.encode())

    def value(self, sql: str) -> object:
        """The first value of a query."""
        with self.connect() as connection:
            row = connection.execute(sql.encode()).fetchone()
            return row[0] if row else None


class Primary(PostgreSQL):
    """A new cluster with one database."""

    def prepare(self) -> None:
        """Make it."""
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        own(self.folder, self.user)
        run_tool(
            [
                *(str(find_binary("initdb")), "-D", str(self.data), "-U", USER, "--pwfile", str(secret)),
                *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync"),
            ],
            self.user,
            guard=self.guard,
        )
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write(_SETTINGS)
        with (self.data / "pg_hba.conf").open("a") as rules:
            rules.write("host replication all 127.0.0.1/32 scram-sha-256\n")

    def create_database(self, name: str = DATABASE) -> None:
        """Make a database."""
        self.execute(f'CREATE DATABASE "{name}"', "postgres")


class Replica(PostgreSQL):
    """A copy of `primary` that streams from it, replaying `delay_seconds` late."""

    ready_database = True

    def __init__(self, folder: Path, primary: Primary, delay_seconds: float = 0, port: int | None = None) -> None:
        super().__init__(folder, port)
        self._primary = primary
        self._delay = delay_seconds

    def prepare(self) -> None:
        """Copy the primary."""
        own(self.folder, self.user)
        source = self._primary
        run_tool(
            [
                *(
                    str(find_binary("pg_basebackup")),
                    "-D",
                    str(self.data),
                    "--no-sync",
                    "-R",
                    "-c",
                    "fast",
                    "-X",
                    "stream",
                ),
                *("-h", source.host, "-p", str(source.port), "-U", USER),
            ],
            self.user,
            {"PGPASSWORD": PASSWORD},
            self.guard,
        )
        with (self.data / "postgresql.conf").open("a") as settings:
            # The primary knows it by this name, in pg_stat_replication.
            settings.write(f"\ncluster_name = '{self.folder.name}'\n")
        self._write_delay()

    def set_delay(self, seconds: float) -> None:
        """Replay `seconds` late from now on."""
        self._delay = seconds
        self._write_delay()
        self.execute("SELECT pg_reload_conf()", "postgres")

    def _write_delay(self) -> None:
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write(f"\nrecovery_min_apply_delay = '{int(self._delay * 1000)}ms'\n")

    def caught_up(self) -> bool:
        """Whether it has replayed all that the primary has written."""
        with self._primary.connect() as primary, self.connect() as replica:
            written = primary.execute("SELECT pg_current_wal_lsn()::text").fetchone()
            row = replica.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", written).fetchone()
            return bool(row and row[0])
