"""The files that a server writes, in the real programs: nginx, gunicorn, PgBouncer and PostgreSQL."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from model.environment import GUNICORN_PORT, PGBOUNCER_PORT, Endpoints, container_environment
from model.settings import Settings
from render import server as machine
from render.cloud_init import Container
from scale.local.servers import Primary, free_port
from scale.local.servers import Server as Process
from scale.local.servers.postgresql import DATABASE, PASSWORD, USER
from scale.local.servers.process import run_as, run_tool, wait_for
from tests.render.contained import Contained
from tests.render.server import Server

PROJECT = Path(__file__).parents[2]
SECRETS = {"arn:password": PASSWORD, "arn:key": "a secret of the tests"}
HOST = "shop.elb.amazonaws.com"


class Encrypted(Primary):
    """PostgreSQL that takes encrypted connections alone, with a certificate for its address."""

    def prepare(self) -> None:
        """Make its certificate too."""
        super().prepare()
        certificate, key = self.folder / "data/server.crt", self.folder / "data/server.key"
        names = ["-subj", "/CN=postgres", "-addext", f"subjectAltName=IP:{self.host}"]
        run_tool(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
                *(*names, "-days", "1", "-keyout", str(key), "-out", str(certificate)),
            ],
            self.user,
        )
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write("\nssl = on\n")
        rules = self.data / "pg_hba.conf"
        rules.write_text(f"hostnossl all all 0.0.0.0/0 reject\n{rules.read_text()}")


class Gunicorn(Process):
    """The application's container: the example, with what docker would have put into its environment."""

    def __init__(self, folder: Path, port: int, variables: Mapping[str, str]) -> None:
        super().__init__(folder, port)
        self._variables = variables

    def command(self) -> list[str]:
        """As an image starts it."""
        return [sys.executable, "-m", "gunicorn", "-c", "python:django_scale.gunicorn", "project.wsgi"]

    def environment(self) -> Mapping[str, str]:
        """The container's environment."""
        return self._variables

    def manage(self, *arguments: str) -> str:
        """The output of a management command in the container."""
        return run_tool([sys.executable, str(PROJECT / "example/manage.py"), *arguments], env=self._variables)


def settings(**groups: Any) -> Settings:
    application = {"name": "shop", "image": "shop:1", **groups.pop("application", {})}
    return Settings.parse({"application": application, **groups}, stack="prod", region="eu-west-1")


def booted(folder: Path, chosen: Settings, host: str = "127.0.0.1") -> Server:
    """Return a server whose user data has been run and whose services have been started once."""
    endpoints = Endpoints(
        balancer=HOST,
        database=host,
        replicas=[host] * len(chosen.database.replicas),
        cache=None,
        sessions=None,
        static_bucket="static",
        media_bucket="media",
        cdn="cdn.example.com",
    )
    server = Server(folder, SECRETS)
    container = Container(
        image=chosen.application.image,
        region=chosen.region,
        log_group="/django-scale/shop-prod-web",
        draining_seconds=chosen.traffic.draining_seconds,
        secret_generation=1,
        environment=container_environment(chosen, endpoints),
        secrets={"DB_PASSWORD": "arn:password", "DJANGO_SECRET_KEY": "arn:key"},
        registries=(),
        nginx=machine.nginx(chosen),
        pgbouncer=machine.pgbouncer(chosen, [host] * (1 + len(chosen.database.replicas))),
    )
    assert server.boot(container).returncode == 0
    pooled = ["django-scale-pgbouncer"] if container.pgbouncer else []
    for service in (*pooled, "django-scale-nginx", "django-scale"):
        assert server.start(service).returncode == 0
    return server


NO_CACHES = {"data": None, "sessions": None}
STACKS: list[dict[str, Any]] = [
    {},
    {"traffic": {"api": None, "login": None, "connections_per_client": None, "hsts_seconds": 0, "compression": "all"}},
    {"traffic": {"algorithm": "weighted_random", "draining_seconds": 0}, "application": {"port": 65535}},
    {"network": {"zones": 3}, "application": {"domain": "shop.example.com"}},
]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that a user without rights may enter."""
    made = Path(tempfile.mkdtemp(prefix="django-scale-servers-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.mark.parametrize("groups", STACKS)
def test_nginx_takes_what_the_server_writes_without_a_warning(groups: dict[str, Any], folder: Path) -> None:
    server = booted(folder / "server", settings(**groups))
    contained = Contained(folder / "nginx", server, server.containers["nginx"], free_port(), MIME_TYPES)
    command = run_as(contained.user, [*contained.command(), "-t"])
    # To a file of its own, as docker gives a container's user its standard output.
    with (contained.folder / "log").open("ab") as log:
        checked = subprocess.run(command, stdout=log, stderr=log, check=False, cwd="/", timeout=30)
    assert checked.returncode == 0, contained.log()
    assert "[warn]" not in contained.log()


# The image's own, where Debian has it.
MIME_TYPES = {"/etc/nginx/mime.types": "/etc/nginx/mime.types"}


def pooler_port(port: int) -> dict[str, str]:
    return {f"listen_port = {PGBOUNCER_PORT}": f"listen_port = {port}"}


@pytest.mark.parametrize("replicas", [0, 2])
def test_pgbouncer_starts_with_what_the_server_writes(replicas: int, folder: Path) -> None:
    port = free_port()
    pooled: dict[str, Any] = {"pooling": "pgbouncer", "replicas": [{}] * replicas}
    server = booted(folder / "server", settings(database=pooled))
    with Contained(folder / "pgbouncer", server, server.containers["pgbouncer"], port, pooler_port(port)) as pooler:
        assert "WARNING" not in pooler.log()
        assert "ERROR" not in pooler.log()


def answer(port: int, path: str, **headers: str) -> tuple[int, str, Mapping[str, str]]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Host": HOST, **headers})
    try:
        with urllib.request.urlopen(request, timeout=60) as found:  # noqa: S310 - a server of the test
            return found.status, found.read().decode(), dict(found.headers)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode(), dict(refused.headers)


MAKE_ARTICLE = (
    "from django.contrib.auth.models import User; from articles.models import Article;"
    "Article.objects.create(author=User.objects.create_user('ann'), title='Through all of them', pk=7)"
)


def test_a_request_passes_through_nginx_gunicorn_and_pgbouncer_to_the_database(folder: Path) -> None:
    with Encrypted(folder / "postgresql") as database:
        database.create_database()
        front, pooled, gunicorn_port = free_port(), free_port(), free_port()
        chosen = settings(
            application={"port": front, "workers": 1, "threads": 2},
            database={
                "pooling": "pgbouncer",
                "name": DATABASE,
                "user": USER,
                "port": database.port,
            },
            cache=NO_CACHES,
        )
        server = booted(folder / "server", chosen)
        shutil.copy(database.data / "server.crt", server.root / "etc/django-scale/rds.pem")
        ports = {"PORT": str(gunicorn_port), "DB_PORT": str(pooled)}
        variables = contained_variables(server) | ports | {"TMPDIR": str(folder)}
        pooler = Contained(folder / "pgbouncer", server, server.containers["pgbouncer"], pooled, pooler_port(pooled))
        behind = {f"127.0.0.1:{GUNICORN_PORT}": f"127.0.0.1:{gunicorn_port}"} | MIME_TYPES
        nginx = Contained(folder / "nginx", server, server.containers["nginx"], front, behind)
        gunicorn = Gunicorn(folder / "gunicorn", gunicorn_port, variables)
        with pooler, nginx:
            gunicorn.manage("migrate", "-v0")
            gunicorn.manage("shell", "-v0", "-c", MAKE_ARTICLE)
            with gunicorn:
                status, body, headers = answer(front, "/api/articles/7/", **{"X-Forwarded-For": "198.51.100.9"})
                assert (status, json.loads(body)["title"]) == (200, "Through all of them")
                assert "nginx" in headers["Server"]
                # A check has a time limit, which a busy machine may once pass.
                wait_for(lambda: answer(front, "/health/ready")[0] == 200, 60, "it is not ready", gunicorn.log)
                assert answer(front, "/api/articles/8/")[0] == 404
                assert database.value("SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)") is True
            # gunicorn is gone, nginx is not: it says so to the load balancer instead of refusing the connection.
            assert answer(front, "/health/ready")[0] == 502
            logged = [json.loads(line) for line in nginx.log().splitlines() if line.startswith("{")]
            found = next(each for each in logged if each["uri"] == "/api/articles/7/")
            assert (found["client"], found["upstream_status"]) == ("127.0.0.1", "200")
            assert found["upstream"] == f"127.0.0.1:{gunicorn_port}"


def contained_variables(server: Server) -> dict[str, str]:
    """Return the variables of the application's container, but for what is AWS's own and is not here."""
    run = server.containers["django"]
    lines = server.text(run.one("env-file").lstrip("/")).splitlines()
    given = dict(line.split("=", 1) for line in lines)
    secret = {name: server.container_environment[name] for name in run.all("env")}
    elsewhere = dict.fromkeys(("STATIC_BUCKET", "MEDIA_BUCKET"), "") | {"METRICS_EXPORTER": "none"}
    paths = {"PYTHONPATH": str(PROJECT / "example"), "DJANGO_SETTINGS_MODULE": "project.settings"}
    return given | secret | elsewhere | paths
