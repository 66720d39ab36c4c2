"""What tells HAProxy of its servers and its certificate, with the real HAProxy and an AWS command that is made up."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from model.traffic import TrafficPolicy
from render.haproxy import haproxy_cfg
from render.haproxy_server import haproxy, places
from render.places import Edge, Slots
from render.programs import haproxy_servers
from scale.local.servers import free_port
from scale.local.servers.haproxy import Haproxy
from tests.model.parsing import parse

PROGRAM = Path(haproxy_servers.__file__)
GROUP = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/shop-prod-web/1"
ARN = "arn:aws:acm:eu-west-1:123456789012:certificate/1"
QUICK = TrafficPolicy.model_validate({"health_check": {"interval_seconds": 5, "timeout_seconds": 2}})

_AWS = """#!{python}
import json, pathlib, sys
folder = pathlib.Path({folder!r})
with (folder / "calls").open("a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
answer = folder / sys.argv[2]
if not answer.exists():
    sys.exit(255)
print(answer.read_text())
"""


class Account:
    """The answers of the AWS command, and how it was called."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        (folder / "aws").write_text(_AWS.format(python=sys.executable, folder=str(folder)))
        (folder / "aws").chmod(0o755)

    def targets(self, **states: str) -> None:
        """Let the target group have instances in these states; `a` is at 127.0.1.1, `b` at 127.0.1.2, ..."""
        described = [{"Target": {"Id": name}, "TargetHealth": {"State": state}} for name, state in states.items()]
        instances = [{"InstanceId": name, "PrivateIpAddress": address(name)} for name in states]
        self.answer("describe-target-health", {"TargetHealthDescriptions": described})
        self.answer("describe-instances", {"Reservations": [{"Instances": [each]} for each in instances]})

    def answer(self, operation: str, answer: object) -> None:
        """Let an operation have this answer."""
        (self.folder / operation).write_text(json.dumps(answer))

    def calls(self, operation: str) -> list[list[str]]:
        """The arguments of each call of an operation."""
        found = [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]
        return [words[2:] for words in found if words[1] == operation]


def address(name: str) -> str:
    return f"127.0.1.{ord(name) - ord('a') + 1}"


class _Named(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = str(self.connection.getsockname()[0]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """HAProxy's checks end their connections as they like."""


class Web:
    """Servers of the application that answer with their own addresses, all at one port."""

    def __init__(self, *names: str) -> None:
        self.port = free_port()
        self._servers = [_Quiet((address(name), self.port), _Named) for name in names]
        for server in self._servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        """End them."""
        for server in self._servers:
            server.shutdown()
            server.server_close()


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Account:
    made = Account(tmp_path / "account")
    monkeypatch.setenv("PATH", f"{made.folder}:{os.environ['PATH']}")
    return made


@pytest.fixture
def web() -> Iterator[Web]:
    made = Web("a", "b", "c")
    yield made
    made.close()


class Front:
    """A running HAProxy with three places, and what tells it."""

    def __init__(self, folder: Path, port: int, **edge: Any) -> None:
        self.http, self.health, self.port = free_port(), free_port(), port
        slots = Slots(port=port, count=3, health=f"127.0.0.1:{self.health}")
        run = folder / "run"
        run.mkdir(mode=0o777)
        run.chmod(0o777)
        place = Edge(slots=slots, http=f"127.0.0.1:{self.http}", run=str(run), log="stdout", stats=None, **edge)
        self.server = Haproxy(
            folder / "haproxy", haproxy_cfg(QUICK, place).replace("inter 5s", "inter 100ms"), self.http
        )
        self.haproxy = haproxy_servers.HAProxy(str(run / "haproxy.sock"))
        self.known: dict[str, str] = {}

    def tell(self) -> list[str]:
        """Look once, as `watch` does."""
        return haproxy_servers.tell_servers(self.haproxy, haproxy_servers.targets(GROUP, self.known), self.port)

    def get(self, port: int, path: str = "/") -> tuple[int, str]:
        """The status and the body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", path, headers={"Host": "shop.example.com"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def who(self, count: int = 12) -> set[str]:
        """Who answers requests."""
        return {body if status == 200 else str(status) for status, body in (self.get(self.http) for _ in range(count))}

    def until(self, wanted: set[str], seconds: float = 30) -> None:
        """Wait until these answer, and no one else."""
        end = time.monotonic() + seconds
        while (found := self.who()) != wanted:
            assert time.monotonic() < end, f"{found} answer, and not {wanted}"
            time.sleep(0.2)


@pytest.fixture
def front(tmp_path: Path, web: Web, account: Account) -> Iterator[Front]:
    made = Front(tmp_path, web.port)
    made.server.start()
    yield made
    made.server.stop()


def test_before_it_is_told_whoever_is_in_front_finds_it_unhealthy(front: Front, account: Account) -> None:
    assert front.get(front.health, "/health")[0] == 503
    account.targets(a="initial")
    front.tell()
    assert front.get(front.health, "/health")[0] == 200
    assert front.get(front.health, "/")[0] == 404


def test_servers_come_and_go_with_the_target_group(front: Front, account: Account) -> None:
    account.targets(a="healthy", b="unhealthy")
    assert front.tell() == ["127.0.1.1 ready (web1)", "127.0.1.2 ready (web2)"]
    front.until({"127.0.1.1", "127.0.1.2"})
    assert front.tell() == []

    account.targets(a="draining", b="healthy", c="initial")
    assert front.tell() == ["127.0.1.1 drain (web1)", "127.0.1.3 ready (web3)"]
    front.until({"127.0.1.2", "127.0.1.3"})
    assert front.tell() == []

    account.targets(b="healthy", c="healthy")
    assert front.tell() == ["127.0.1.1 maint (web1)"]
    account.targets(a="healthy", c="healthy")
    assert front.tell() == ["127.0.1.2 maint (web2)", "127.0.1.1 ready (web1)"]
    front.until({"127.0.1.1", "127.0.1.3"})


def test_an_empty_answer_takes_no_server_out(front: Front, account: Account) -> None:
    account.targets(a="healthy")
    front.tell()
    account.targets()
    assert front.tell() == []
    front.until({"127.0.1.1"})


def test_addresses_are_asked_for_once_an_instance(front: Front, account: Account) -> None:
    account.targets(a="healthy", b="healthy")
    front.tell()
    front.tell()
    account.targets(a="healthy", b="healthy", c="initial")
    front.tell()
    asked = [words[1:-2] for words in account.calls("describe-instances")]
    assert asked == [["a", "b"], ["c"]]


def test_a_server_that_has_no_place_is_an_error_and_the_others_serve(front: Front, account: Account) -> None:
    account.targets(a="healthy", b="healthy", c="healthy", d="initial")
    with pytest.raises(RuntimeError, match=r"no place is left for 127\.0\.1\.4: 3 are taken"):
        front.tell()
    front.until({"127.0.1.1", "127.0.1.2", "127.0.1.3"})


def test_an_answer_that_is_missing_changes_nothing(front: Front, account: Account) -> None:
    account.targets(a="healthy")
    front.tell()
    (account.folder / "describe-target-health").unlink()
    with pytest.raises(subprocess.CalledProcessError):
        front.tell()
    front.until({"127.0.1.1"})


def test_watching_goes_on_whatever_fails(front: Front, account: Account) -> None:
    options = ["watch", "--target-group", GROUP, "--port", str(front.port), "--interval", "0.2"]
    command = [sys.executable, str(PROGRAM), *options, "--socket", front.haproxy.path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as watching:
        try:
            assert watching.stdout is not None
            assert watching.stdout.readline().startswith("not told: ")
            account.targets(a="healthy")
            front.until({"127.0.1.1"})
        finally:
            watching.kill()


def pem(folder: Path, name: str) -> dict[str, str]:
    """Return a certificate as ACM exports it: its key is encrypted with the passphrase `secret`."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.crt"
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-passout", "pass:secret", "-days", "1"]
    subject = ["-subj", f"/CN={name}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*new, *subject], check=True, capture_output=True)
    text = certificate.read_text()
    return {"Certificate": text, "CertificateChain": text + "\n", "PrivateKey": key.read_text()}


@pytest.fixture
def passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    def always(_: int) -> str:
        return "secret"

    monkeypatch.setattr("secrets.token_hex", always)


def served(port: int) -> str:
    """Return the certificate that a client is shown, PEM."""
    return ssl.get_server_certificate(("127.0.0.1", port), timeout=10)


def body(text: str) -> str:
    return "".join(text.split())


@pytest.mark.usefixtures("passphrase")
def test_a_certificate_is_fetched_into_a_file_that_one_user_reads(tmp_path: Path, account: Account) -> None:
    exported = pem(tmp_path, "first")
    account.answer("export-certificate", exported)
    path = tmp_path / "certificate.pem"
    written = haproxy_servers.certificate(ARN, path)
    assert path.read_text() == written
    assert path.stat().st_mode & 0o777 == 0o600
    assert "-----BEGIN PRIVATE KEY-----" in written
    assert "ENCRYPTED" not in written
    assert written.count("BEGIN CERTIFICATE") == 2
    assert haproxy_servers.certificate(ARN, path) == ""
    assert not list(tmp_path.glob("*.passphrase")) + list(tmp_path.glob("*.new"))
    assert "secret" not in str(account.calls("export-certificate"))


@pytest.mark.usefixtures("passphrase")
def test_a_renewed_certificate_is_served_without_a_reload(tmp_path: Path, web: Web, account: Account) -> None:
    path, https = tmp_path / "certificate.pem", free_port()
    first, second = pem(tmp_path, "first"), pem(tmp_path, "second")
    account.answer("export-certificate", first)
    haproxy_servers.certificate(ARN, path)
    path.chmod(0o644)
    front = Front(tmp_path, web.port, https=f"127.0.0.1:{https}", certificate=str(path))
    front.server.start()
    try:
        before = front.server.pid
        assert body(served(https)) == body(first["Certificate"])
        account.answer("export-certificate", second)
        haproxy_servers.tell_certificate(front.haproxy, str(path), haproxy_servers.certificate(ARN, path))
        assert body(served(https)) == body(second["Certificate"])
        assert front.server.pid == before
    finally:
        front.server.stop()


def test_what_haproxy_refuses_is_an_error(front: Front) -> None:
    with pytest.raises(RuntimeError, match=r"set server django/web9 state ready: "):
        front.haproxy.tell("set server django/web9 state ready")


def test_there_is_place_for_all_servers_of_a_refresh_twice() -> None:
    # 6 servers at 150 percent are 9, and as many may be leaving.
    assert places(parse(servers={"min": 2, "max": 6})) == 18
    assert "server-template web 1-18 " in haproxy(parse(servers={"min": 2, "max": 6})).configuration
