"""The whole example, as a person uses it, under every pooling profile."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scale.local.servers import PgBouncer, Primary, Replica, free_port
from scale.local.servers.process import Server
from tests.runtime.real.application import (
    ROOT,
    Application,
    Client,
    Variables,
    environment_without_contract,
    pgbouncer_variables,
    wait_until,
)

MAKE_USER = "from django.contrib.auth.models import User; User.objects.create_superuser('{0}', 'a@b.c', 'pass-{0}')"


class Pooled(Application):
    """The example, with a user of its own."""

    @property
    def person(self) -> str:
        """Their name."""
        return f"user-{self.folder.name}"


@pytest.fixture(params=["direct", "psycopg-pool", "pgbouncer"], scope="module")
def pooled(
    request: pytest.FixtureRequest, variables: Variables, pgbouncer: PgBouncer, servers_folder: Path
) -> Iterator[Pooled]:
    """The example under one profile."""
    if request.param == "pgbouncer":
        chosen = {k: v for k, v in variables.items() if not k.startswith("DB_")} | pgbouncer_variables(pgbouncer)
    else:
        chosen = variables | {"DB_POOLING": request.param, "DB_POOL_SIZE": "3"}
    chosen |= {"CACHE_KEY_PREFIX": f"example-{request.param}", "METRICS_EXPORTER": "prometheus"}
    with Pooled(servers_folder / f"example-{request.param}", chosen, workers=2) as running:
        running.manage("shell", "-v0", "-c", MAKE_USER.format(running.person))
        yield running


def _token(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found, page[:500]
    return found[1]


def _post(client: Client, path: str, **fields: str) -> str:
    page = client.get(path)
    assert page.status == 200
    answer = client.post(path, {"csrfmiddlewaretoken": _token(page.text), **fields}, form=True)
    assert answer.status == 302, answer.text[:500]
    return answer.headers["Location"]


def _log_in(pooled: Pooled) -> Client:
    client, user = Client(pooled), pooled.person
    assert _post(client, "/accounts/login/", username=user, password=f"pass-{user}") == "/"
    return client


def _write(client: Client, title: str) -> str:
    return _post(client, "/articles/write/", title=title, body="text", published="on")


def test_a_person_logs_in_writes_reads_and_deletes(pooled: Pooled) -> None:
    client, path = _log_in(pooled), ""
    for number in range(5):
        title = f"{pooled.person} {number}"
        path = _write(client, title)
        assert title in client.get(path).text, "the redirect after a write must show it"
        assert title in client.get("/").text
        assert client.get(f"/api{path}").json["title"] == title
    token = _token(client.get(path).text)
    assert client.post(f"{path}delete/", {"csrfmiddlewaretoken": token}, form=True).status == 302
    assert client.get(path).status == 404
    assert client.get("/admin/articles/article/").status == 200
    assert "done" in client.get("/slow/?seconds=0").text
    assert "done" in client.get("/slow/async/?seconds=0").text


def test_many_at_once_are_served(pooled: Pooled) -> None:
    from tests.runtime.real.load import load

    with load(pooled, "/probe/read/", clients=12) as seen:
        time.sleep(1.5)
    assert len(seen.requests) > 12
    assert seen.failures() == []


def test_the_metrics_of_all_workers_come_from_any_of_them(pooled: Pooled) -> None:
    client = Client(pooled, host="10.0.0.1")
    first = _requests(client.get("/metrics").text)
    for _ in range(20):
        assert Client(pooled).get("/probe/read/").status == 200
    text = client.get("/metrics").text
    assert _requests(text) >= first + 20
    assert float(re.findall(r"^django_database_connections (\S+)$", text, re.MULTILINE)[0]) >= 1
    assert "django_worker_processes 2" in text
    assert "django_active_sessions" in text
    # Of psycopg's pools, and of PgBouncer's console; without a pool nobody can wait for one.
    assert ("django_database_pool_waiting 0" in text) is (pooled.folder.name != "example-direct")


def _requests(text: str) -> float:
    return float(re.findall(r"^django_requests_total (\S+)$", text, re.MULTILINE)[0])


def test_the_warmer_fills_the_cache_that_the_workers_read(pooled: Pooled, replicas: list[Replica]) -> None:
    _write(_log_in(pooled), "to warm")
    wait_until(lambda: all(replica.caught_up() for replica in replicas), 15)  # a command reads from replicas too
    output = pooled.manage("warm_cache")
    assert re.search(r"users \[#+\] (\d+)/\1, \1 stored", output), output
    assert re.search(r"articles \[#+\] (\d+)/\1, \1 stored", output), output


def test_ready_says_what_it_has_checked_whatever_the_host_is_called(pooled: Pooled) -> None:
    answer = Client(pooled, host="10.1.2.3").get("/health/ready")
    assert answer.status == 200
    assert set(answer.json["checks"]) == {"database", "migrations", "cache", "replicas"}
    assert Client(pooled, host="10.1.2.3").get("/").status == 400


class RunServer(Server):
    """manage.py runserver with no variable at all."""

    def command(self) -> list[str]:
        return [sys.executable, "manage.py", "runserver", "--noreload", self.address]

    def start(self, seconds: float = 20.0) -> RunServer:
        self.folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=self.folder, env=self._clean(), check=True)
        self._process = subprocess.Popen(
            self.command(), cwd=self.folder, env=self._clean(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(self.ready, seconds)
        return self

    @staticmethod
    def _clean() -> Variables:
        return {k: v for k, v in environment_without_contract().items() if k in {"PATH", "HOME", "LANG", "VIRTUAL_ENV"}}


def test_runserver_works_with_no_variable_set_at_all(tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "example"
    shutil.copytree(ROOT / "example", folder, ignore=shutil.ignore_patterns("*.sqlite3", "__pycache__"))
    with RunServer(folder, free_port()) as server:
        client = Client(server, host="localhost")
        for path in (
            "/",
            "/health/",
            "/health/ready",
            "/accounts/login/",
            "/slow/?seconds=0",
            "/slow/async/?seconds=0",
        ):
            assert client.get(path).status == 200, path
        assert client.get("/api/articles/1/").status == 404


def test_a_server_that_is_told_to_end_says_so_before_it_does(variables: Variables, servers_folder: Path) -> None:
    chosen = variables | {"DRAIN_FOR_TESTS": "1"}
    with Application(servers_folder / "draining", chosen) as running:
        client = Client(running)
        assert client.get("/health/ready").status == 200
        running._process.send_signal(signal.SIGTERM)  # type: ignore[union-attr]
        wait_until(lambda: client.get("/health/ready").status == 503, 3)
        assert client.get("/health/ready").json == {"status": "draining"}
        assert client.get("/health/live").status == 200
        assert client.get("/probe/read/").status == 200
        wait_until(lambda: running._process.poll() is not None, 10)  # type: ignore[union-attr]


def test_a_migration_that_is_missing_makes_a_server_unready(
    primary: Primary, replicas: list[Replica], variables: Variables, servers_folder: Path
) -> None:
    primary.execute("CREATE DATABASE unmigrated", "postgres")
    chosen = {k: v for k, v in variables.items() if not k.startswith("DB_REPLICA")} | {"DB_NAME": "unmigrated"}
    with Application(servers_folder / "unmigrated", chosen) as running:
        answer = Client(running).get("/health/ready")
        assert answer.status == 503
        assert answer.json["checks"]["migrations"] == "RuntimeError"
        assert answer.json["checks"]["database"] == "ok"
        running.manage("migrate", "-v0")
        wait_until(lambda: Client(running).get("/health/ready").status == 200, 5)
