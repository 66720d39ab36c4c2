"""The real PgBouncer with what is rendered for it, asked by the environment that a stack writes."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django_scale.settings import databases
from django_scale.settings.environment import read

from model.environment import Endpoints, container_environment, secret_variables
from model.settings import Settings
from render.pgbouncer import pgbouncer_ini
from render.places import Pooler
from scale.local.servers import Primary, Server
from scale.local.servers.binaries import find_binary
from scale.local.servers.postgresql import DATABASE, PASSWORD, USER
from scale.local.servers.process import own, unprivileged_user
from tests.model.parsing import parse
from tests.render.needs import need


class Rendered(Server):
    """PgBouncer with a rendered configuration and a list of users."""

    def __init__(self, folder: Path, settings: Settings, places: dict[str, Any]) -> None:
        super().__init__(folder, user=unprivileged_user())
        self._settings, self._places = settings, places

    def command(self) -> list[str]:
        """In the foreground."""
        return [str(find_binary("pgbouncer")), str(self.folder / "pgbouncer.ini")]

    def prepare(self) -> None:
        """Write both files."""
        pooler = Pooler(run=str(self.folder), users=str(self.folder / "users.txt"), port=self.port, **self._places)
        (self.folder / "pgbouncer.ini").write_text(pgbouncer_ini(self._settings.database, pooler))
        (self.folder / "users.txt").write_text(f'"{USER}" "{PASSWORD}"\n')
        own(self.folder, self.user)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Readable by the user that PostgreSQL runs as."""
    made = Path(tempfile.mkdtemp(prefix="django-scale-pooler-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def primary(folder: Path) -> Iterator[Primary]:
    """A PostgreSQL server that stands for the primary and for a replica."""
    need("postgres")
    need("pgbouncer")
    with Primary(folder / "primary") as server:
        server.create_database()
        yield server


def settings(primary: Primary, **pgbouncer: Any) -> Settings:
    """Return settings with a pooler and a replica."""
    database: dict[str, Any] = {
        "name": DATABASE,
        "user": USER,
        "port": primary.port,
        "pooling": "pgbouncer",
        "replicas": [{}],
    }
    return parse(database={**database, "pgbouncer": pgbouncer})


@pytest.fixture(scope="module")
def small(folder: Path, primary: Primary) -> Iterator[Rendered]:
    """A pooler with two connections to each instance, and one in reserve."""
    chosen = settings(primary, pool_size=2, reserve=1, reserve_seconds=1, wait_seconds=2)
    with Rendered(folder / "small", chosen, {"primary": primary.host, "replicas": (primary.host,)}) as server:
        yield server


def connect(server: Rendered, name: str = DATABASE) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(
        host=server.host, port=server.port, dbname=name, user=USER, password=PASSWORD, prepare_threshold=None
    )


def test_a_process_reaches_every_instance_by_what_the_stack_writes(primary: Primary, small: Rendered) -> None:
    chosen = settings(primary)
    endpoints = Endpoints("x", primary.host, [primary.host], "cache", "sessions", "s", "m", "cdn")
    secrets = dict.fromkeys(secret_variables(chosen), PASSWORD)
    found = databases(read({**container_environment(chosen, endpoints), **secrets}))
    assert set(found) == {"default", "replica_1"}
    for entry in found.values():
        with psycopg.connect(
            host=entry["HOST"],
            # The stack's port is that of a server of its own; here it is a free one.
            port=small.port,
            dbname=entry["NAME"],
            user=entry["USER"],
            password=entry["PASSWORD"],
            **{key: value for key, value in entry["OPTIONS"].items() if key != "pool"},
        ) as connection:
            assert connection.execute("SELECT current_database()").fetchone() == (DATABASE,)
        assert (entry["HOST"], entry["PORT"]) == ("127.0.0.1", "6432")


def test_a_server_never_holds_more_connections_than_the_budget_counts(primary: Primary, small: Rendered) -> None:
    connections = "SELECT count(*) FROM pg_stat_activity"
    most: list[int] = []
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            # One that waits too long is told, on a busy machine; here it is about those that do not.
            with contextlib.suppress(psycopg.OperationalError), connect(small) as connection:
                connection.execute("SELECT pg_sleep(0.05)")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 2.5
    while time.monotonic() < deadline:
        held = primary.value(f"{connections} WHERE datname = '{DATABASE}' AND pid <> pg_backend_pid()")
        most.append(int(str(held)))
        time.sleep(0.02)
    stop.set()
    for thread in threads:
        thread.join()
    assert 2 <= max(most) <= 3


def test_a_client_that_waits_too_long_is_told(small: Rendered) -> None:
    held = [connect(small) for _ in range(3)]
    try:
        for connection in held:
            connection.execute("SELECT 1")  # a transaction that is open
        with pytest.raises(psycopg.OperationalError, match="query_wait_timeout"), connect(small) as late:
            late.execute("SELECT 1")
    finally:
        for connection in held:
            connection.close()


def test_a_connection_is_lent_for_a_transaction(small: Rendered) -> None:
    with connect(small) as one, connect(small) as two:
        one.autocommit = two.autocommit = True
        pids = {connection.execute("SELECT pg_backend_pid()").fetchone() for connection in (one, two, one, two)}
    assert len(pids) == 1


def test_nobody_gets_in_without_the_password(small: Rendered) -> None:
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(host=small.host, port=small.port, dbname=DATABASE, user=USER, password="wrong")


def test_it_listens_on_loopback_alone_and_speaks_tls_to_the_instances() -> None:
    text = pgbouncer_ini(
        parse(database={"pooling": "pgbouncer"}).database, Pooler(primary="db.example.com", certificates="/etc/rds.pem")
    )
    assert "listen_addr = 127.0.0.1\n" in text
    assert "server_tls_sslmode = verify-full\nserver_tls_ca_file = /etc/rds.pem\n" in text
    assert "\nunix_socket_dir =\n" in text


def test_an_instance_that_does_not_speak_tls_is_not_spoken_to(folder: Path, primary: Primary) -> None:
    (folder / "rds.pem").write_text("")
    places = {"primary": primary.host, "replicas": (primary.host,), "certificates": str(folder / "rds.pem")}
    chosen = settings(primary, wait_seconds=1)
    with Rendered(folder / "tls", chosen, places) as server, pytest.raises(psycopg.OperationalError):
        connect(server)


def test_an_instance_may_listen_at_a_port_of_its_own() -> None:
    database = parse(database={"pooling": "pgbouncer", "replicas": [{}]}).database
    text = pgbouncer_ini(database, Pooler(primary="db.example.com", replicas=("127.0.0.1:20001",)))
    assert "app = host=db.example.com port=5432 dbname=app\n" in text
    assert "_replica_1 = host=127.0.0.1 port=20001 dbname=app\n" in text


def test_a_pooler_for_another_number_of_replicas_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        pgbouncer_ini(parse(database={"replicas": [{}, {}]}).database, Pooler(primary="a", replicas=("b",)))
