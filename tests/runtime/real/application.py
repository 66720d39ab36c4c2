"""The example under gunicorn, configured by nothing but the contract's variables."""

from __future__ import annotations

import http.cookiejar
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scale.local.servers import PgBouncer, Primary, Redis, RedisCluster, Replica
from scale.local.servers.postgresql import DATABASE, PASSWORD, USER
from scale.local.servers.process import Server, run_tool

ROOT = Path(__file__).resolve().parents[3]
Variables = dict[str, str]


def base_variables() -> Variables:
    """What every deployment has."""
    return {
        "DJANGO_SCALE_ENVIRONMENT": "tests",
        "DJANGO_SECRET_KEY": "a secret of the tests",
        "DJANGO_ALLOWED_HOSTS": "example.test",
        "LOG_LEVEL": "WARNING",
    }


def database_variables(primary: Primary, replicas: list[Replica], pooling: str = "direct") -> Variables:
    """A primary and its replicas."""
    found = {
        "DB_HOST": primary.host,
        "DB_PORT": str(primary.port),
        "DB_NAME": DATABASE,
        "DB_USER": USER,
        "DB_PASSWORD": PASSWORD,
        "DB_SSLMODE": "disable",
        "DB_POOLING": pooling,
    }
    for number, replica in enumerate(replicas, 1):
        found |= {f"DB_REPLICA_{number}_HOST": replica.host, f"DB_REPLICA_{number}_PORT": str(replica.port)}
    return found


def pgbouncer_variables(bouncer: PgBouncer) -> Variables:
    """The same, behind PgBouncer."""
    return {
        "DB_HOST": bouncer.host,
        "DB_PORT": str(bouncer.port),
        "DB_NAME": "app",
        "DB_USER": USER,
        "DB_PASSWORD": PASSWORD,
        "DB_SSLMODE": "disable",
        "DB_POOLING": "pgbouncer",
        "DB_REPLICA_1_HOST": bouncer.host,
        "DB_REPLICA_1_NAME": "app_replica_1",
        "DB_REPLICA_2_HOST": bouncer.host,
        "DB_REPLICA_2_NAME": "app_replica_2",
    }


def cache_variables(cluster: RedisCluster, session: Redis) -> Variables:
    """A cluster for the cache, a server for sessions."""
    return {
        "CACHE_MODE": "cluster",
        "CACHE_NODES": ",".join(master.address for master in cluster.masters),
        "SESSION_MODE": "single",
        "SESSION_NODES": session.address,
    }


class Application(Server):
    """gunicorn with the example; `variables` are those of the stack."""

    stop_seconds = 15.0

    def __init__(self, folder: Path, variables: Mapping[str, str], *, workers: int = 1, threads: int = 4) -> None:
        super().__init__(folder)
        self._variables = {
            **variables,
            "PORT": str(self.port),
            "WEB_CONCURRENCY": str(workers),
            "GUNICORN_THREADS": str(threads),
            "TMPDIR": str(folder),
            "DJANGO_SETTINGS_MODULE": "tests.runtime.real.probe_settings",
            "PYTHONPATH": f"{ROOT}:{ROOT / 'example'}",
        }

    def command(self) -> list[str]:
        """Its configuration is the package's own, but for the address."""
        config = ["-c", "python:django_scale.gunicorn", "--bind", self.address, "--graceful-timeout", "3"]
        return [sys.executable, "-m", "gunicorn", *config, "project.wsgi"]

    def environment(self) -> Mapping[str, str]:
        """The stack's variables."""
        return self._variables

    def add_path(self, folder: Path) -> None:
        """Let its interpreter look for modules in `folder` first."""
        self._variables["PYTHONPATH"] = f"{folder}:{self._variables['PYTHONPATH']}"

    def manage(self, *arguments: str) -> str:
        """The output of a management command with the same variables."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return run_tool([sys.executable, str(ROOT / "example" / "manage.py"), *arguments], env=self._variables)

    def lines(self, **wanted: Any) -> list[dict[str, Any]]:
        """What it has logged as JSON: the records in which these fields have these values."""
        text = (self.folder / "log").read_text(encoding="utf-8")
        found = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        return [each for each in found if all(each.get(key) == value for key, value in wanted.items())]

    def ready(self) -> bool:
        """Whether it answers."""
        try:
            return Client(self).get("/health/live").status == 200
        except OSError:
            return False


class Answer:
    """A response, whatever its status."""

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.status, self.body, self.headers = status, body, headers

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The body."""
        return self.body.decode()


class Client:
    """A browser with cookies of its own."""

    def __init__(self, application: Server, host: str = "example.test", timeout: float = 15) -> None:
        self._base = f"http://{application.address}"
        self._host, self._timeout = host, timeout
        self.cookies = http.cookiejar.CookieJar()
        # The host of the jar is the address: cookies for example.test would not be sent back.
        handler = urllib.request.HTTPCookieProcessor(self.cookies)
        self._opener = urllib.request.build_opener(handler, _NoRedirect())

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """GET."""
        return self._send(urllib.request.Request(self._base + path, headers=dict(headers or {})))  # noqa: S310  # loopback

    def post(self, path: str, data: Mapping[str, str], *, form: bool = False) -> Answer:
        """POST as JSON, or as a form."""
        body = urllib.parse.urlencode(data) if form else json.dumps(data)
        return self._send(urllib.request.Request(self._base + path, body.encode(), method="POST"))  # noqa: S310

    def _send(self, request: urllib.request.Request) -> Answer:
        request.add_unredirected_header("Host", self._host)
        try:
            with self._opener.open(request, timeout=self._timeout) as response:
                return Answer(response.status, response.read(), dict(response.headers))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read(), dict(error.headers))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def wait_until(condition: Any, seconds: float) -> float:
    """Seconds until `condition()`; AssertionError when it takes longer."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"not within {seconds} s"
        time.sleep(0.05)
    return time.monotonic() - began


def environment_without_contract() -> Variables:
    """This process's variables; none of the contract's may leak into a test."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("DB_", "CACHE_", "DJANGO_"))}
