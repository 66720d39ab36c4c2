"""`scale render`: what it prints, where it writes, and what it says when it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from scale.cli import app
from scale.local.servers.haproxy import check_haproxy
from scale.local.servers.nginx import check_nginx
from tests.render.conftest import certificate, folder
from tests.render.needs import need
from tests.scale.projects import ROOT, project

__all__ = ["certificate", "folder"]

STACKS = ("dev", "staging", "prod")
FILES = {"nginx": "nginx.conf", "haproxy": "haproxy.cfg", "pgbouncer": "pgbouncer.ini"}


def scale(*arguments: str, directory: Path = ROOT) -> Result:
    """Run `scale render` with these arguments in this process."""
    return CliRunner().invoke(app, ["render", *arguments, "--cwd", str(directory)])


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("kind", FILES)
def test_every_file_of_every_stack_is_printed_and_nothing_else(kind: str, stack: str) -> None:
    done = scale(kind, stack)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith(("# Written by django-scale", "; Written by django-scale"))
    assert done.stdout.endswith("\n")


@pytest.mark.parametrize("kind", FILES)
def test_with_out_the_file_is_written_under_its_usual_name_and_its_path_printed(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "new" / "folder"
    done = scale(kind, "prod", "--out", str(folder))
    path = folder / FILES[kind]
    assert (done.exit_code, done.stdout) == (0, f"{path}\n")
    assert path.read_text() == scale(kind, "prod").stdout


SERVERS = (
    *("--server", "10.0.1.10:8000,weight=3", "--server", "10.0.1.11:8000,weight=3"),
    *("--server", "10.0.1.12:8000,weight=2", "--server", "spare=10.0.1.13:8000,backup"),
)


def test_nginx_is_printed_for_the_servers_that_are_named(tmp_path: Path) -> None:
    need("nginx")
    text = scale("nginx", "prod", *SERVERS, "--http", "127.0.0.1:18080").stdout
    assert "server 10.0.1.12:8000 weight=2 max_fails=3 fail_timeout=30s;" in text
    assert "server 10.0.1.13:8000 weight=1 max_fails=3 fail_timeout=30s backup;" in text
    for place in ("/run/nginx", "/var/lib/nginx/tmp", "/var/log/nginx"):
        text = text.replace(place, str(tmp_path))
    check_nginx(tmp_path, text)


def test_haproxy_is_printed_for_the_servers_that_are_named(tmp_path: Path, certificate: str) -> None:
    need("haproxy")
    https = ("--https", "127.0.0.1:18443", "--certificate", certificate, "--trusted", "10.0.0.0/24")
    text = scale("haproxy", "prod", *SERVERS, *https).stdout
    assert "server web3 10.0.1.12:8000 weight 2 maxconn 67\n" in text
    assert "server spare 10.0.1.13:8000 weight 1 maxconn 100 backup\n" in text
    check_haproxy(tmp_path, text)


def test_without_servers_nginx_stands_in_front_of_a_server_s_gunicorn_and_trusts_the_balancer_s_subnets() -> None:
    text = scale("nginx", "prod").stdout
    assert "server 127.0.0.1:8001 weight=1" in text
    assert "listen *:8000 default_server;" in text
    assert text.count("set_real_ip_from 10.20.") == 3


def test_without_servers_haproxy_finds_them_by_name() -> None:
    text = scale("haproxy", "prod").stdout
    assert "server-template web 1-20 web.shop-prod.internal:8000 resolvers names" in text


def test_pgbouncer_has_a_database_for_the_primary_and_for_each_replica() -> None:
    text = scale("pgbouncer", "prod", "--primary", "db.example.com", "--replica", "r1", "--replica", "r2").stdout
    assert "\napp = host=db.example.com port=5432 dbname=app\n_replica_1 = host=r1 " in text
    # Four workers, two threads and a watcher in each, three databases.
    assert "max_client_conn = 36\n" in text


WRONG = {
    "a stack that is not there": (
        ("nginx", "nope"),
        "Pulumi.nope.yaml does not exist; the stacks are dev, ",
    ),
    "a weight": (("haproxy", "prod", "--server", "a:1,weight=0"), "a server's weight must be 1 to 256, is 0"),
    "an option": (("nginx", "prod", "--server", "a:1,wait=3"), "--server: 'wait=3' is neither weight=N nor backup"),
    "no port": (("nginx", "prod", "--server", "10.0.1.10"), "an address must be host:port, is '10.0.1.10'"),
    "only backups": (("nginx", "prod", "--server", "a:1,backup"), "there must be a server that is no backup"),
    "one name twice": (
        ("nginx", "prod", "--server", "a=x:1", "--server", "a=y:1"),
        "servers must have names of their own, are a, a",
    ),
    "nowhere to listen": (
        ("haproxy", "prod", "--http", "none"),
        "neither http nor https: there is nothing to ",
    ),
    "no certificate": (("haproxy", "prod", "--https", "*:443"), "https needs a certificate"),
    "a line in a path": (
        ("nginx", "prod", "--static-folder", "/srv;}\n"),
        "a path must have no spaces, quotes, ; { } # $ or backslashes, is '/srv;}\\n'",
    ),
    "no network": (("nginx", "prod", "--trusted", "10.0.0.1/8"), "'10.0.0.1/8' is no network: "),
    "replicas": (("pgbouncer", "prod", "--replica", "r"), "--replica: the stack has 2 replicas, 1 are given"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_rendered_is_said_in_one_line(name: str) -> None:
    arguments, message = WRONG[name]
    done = scale(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1


def test_wrong_settings_are_told_as_the_plan_tells_them(tmp_path: Path) -> None:
    config = '{"aws:region": eu-west-1, "shop:application": {image: "a:1"}, "shop:traffic": {pool: {max_fails: 0}}}'
    done = scale("nginx", "dev", directory=project(tmp_path, "", config))
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "1 setting is wrong:\n  traffic.pool.max_fails: must be at least 1, is 0\n"
