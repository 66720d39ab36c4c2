"""What a request's id costs: `python -m bench.request_id`, on a real PostgreSQL and a real PgBouncer.

The middleware with its line in JSON, and the ways to carry the id into the database, each timed in turns with the
others: a request of one statement on a kept connection. Loopback has next to no network: a proxy that holds each
message back stands for one. Through PgBouncer two clients share a server in turns, as many do. Figures are medians.
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from rich.console import Console
from rich.table import Table

from bench.machine import machine
from scale.local.servers import PgBouncer, Primary
from scale.local.servers.postgresql import DATABASE, PASSWORD, USER

ROUNDS = 15
CALLS = 100
FOLDER = Path(tempfile.mkdtemp(prefix="django-scale-bench-"))
# One way between two availability zones of a region (est).
DELAY_SECONDS = 0.0005


def measure(call: Callable[[], object], calls: int = CALLS) -> float:
    """Microseconds a call."""
    began = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - began) / calls * 1e6


def rounds(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Medians, in turns."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            found[name].append(measure(call))
    return {name: statistics.median(values) for name, values in found.items()}


class Delay:
    """A proxy before a server that holds each message back."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                time.sleep(DELAY_SECONDS)
                sink.sendall(data)
        except OSError:
            pass
        finally:
            sink.close()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()


def configure(primary: Primary, bouncer: PgBouncer, delayed: Delay) -> None:
    """Django on the same database, by three ways."""
    base: dict[str, Any] = {
        "ENGINE": "django_scale.db.backends.postgresql",
        "HOST": "127.0.0.1",
        "NAME": DATABASE,
        "USER": USER,
        "PASSWORD": PASSWORD,
        "CONN_MAX_AGE": None,
        "OPTIONS": {"application_name": "bench"},
    }
    ports = {"default": primary.port, "delayed": delayed.port, "pgbouncer": bouncer.port, "pgbouncer-2": bouncer.port}
    settings.configure(
        SECRET_KEY="bench",  # noqa: S106
        ALLOWED_HOSTS=["*"],
        INSTALLED_APPS=["django_scale"],
        DATABASES={alias: {**base, "PORT": str(port)} for alias, port in ports.items()},
        DJANGO_SCALE={"METRICS_DIRECTORY": str(FOLDER / "metrics")},
    )
    django.setup()


def middleware() -> dict[str, float]:
    """A request through nothing, through the middleware, and with its line written to a file."""
    from django.http import HttpRequest, HttpResponse
    from django.test import RequestFactory, override_settings
    from django_scale.logs import JsonFormatter, RequestLogMiddleware

    request, response = RequestFactory().get("/articles/1/", headers={"X-Request-ID": "0" * 32}), HttpResponse()
    access = logging.getLogger("django_scale.access")
    access.propagate = False
    with (FOLDER / "lines").open("w") as file:
        handler = logging.StreamHandler(file)
        handler.setFormatter(JsonFormatter())
        access.addHandler(handler)

        def view(_: HttpRequest) -> HttpResponse:
            return response

        with override_settings(DJANGO_SCALE={"ACCESS_LOG": False}):
            quiet: Any = RequestLogMiddleware(view)
        with override_settings(DJANGO_SCALE={"ACCESS_LOG": True}):
            loud: Any = RequestLogMiddleware(view)
        found = rounds(
            {"nothing": lambda: view(request), "id": lambda: quiet(request), "id and line": lambda: loud(request)}
        )
        access.removeHandler(handler)
    nothing = found.pop("nothing")
    return {name: value - nothing for name, value in found.items()}


@contextmanager
def _tagged(chosen: str) -> Generator[None]:
    from django.test import override_settings

    with override_settings(DJANGO_SCALE={"DATABASE_TAGS": chosen}):
        yield


def database(alias: str) -> dict[str, float]:
    """A request of one statement, by what it carries."""
    from django.db import connections
    from django_scale.logs.context import Context, current, new_id

    clients = cycle([connections[name] for name in connections if name.startswith(alias)])

    def request(*, separate: bool = False) -> None:
        current.set(Context(new_id()))
        with next(clients).cursor() as cursor:
            if separate:
                cursor.execute("SET application_name TO %s", [f"bench:{new_id()}"])
            cursor.execute("SELECT 1")
            cursor.fetchone()

    ways = ("none", "comment", "application_name", "both")
    found: dict[str, list[float]] = {name: [] for name in (*ways, "SET of its own")}
    for _ in range(ROUNDS):
        for chosen in ways:
            with _tagged(chosen):
                found[chosen].append(measure(request))
        with _tagged("none"):
            found["SET of its own"].append(measure(lambda: request(separate=True)))
    connections.close_all()
    return {name: statistics.median(values) for name, values in found.items()}


def report(costs: dict[str, float], requests: dict[str, dict[str, float]]) -> None:
    """Print two tables."""
    console = Console(width=110)
    console.print(machine())
    table = Table("middleware", "microseconds a request", title=f"medians of {ROUNDS} rounds")
    for name, value in costs.items():
        table.add_row(name, f"{value:.1f}")
    console.print(table)
    ways = list(next(iter(requests.values())))
    table = Table("a request of one statement, microseconds", *ways, title=f"medians of {ROUNDS} rounds")
    for name, values in requests.items():
        table.add_row(name, *(f"{values[way]:.0f}" for way in ways))
    console.print(table)


def main() -> None:
    """Start the servers, and measure."""
    try:
        with Primary(FOLDER / "primary") as primary:
            primary.create_database()
            with PgBouncer(FOLDER / "pgbouncer", {DATABASE: primary}) as bouncer:
                delayed = Delay(primary.host, primary.port)
                configure(primary, bouncer, delayed)
                aliases = {
                    "kept connection, loopback": "default",
                    f"kept connection, {DELAY_SECONDS * 2000:g} ms away": "delayed",
                    "two clients of PgBouncer, loopback": "pgbouncer",
                }
                report(middleware(), {name: database(alias) for name, alias in aliases.items()})
                delayed.close()
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)


if __name__ == "__main__":
    os.umask(0o022)
    FOLDER.chmod(0o755)
    main()
