"""The smoke test of an address, against a real nginx on loopback."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from typer.testing import CliRunner

from model.traffic import RateLimit
from scale.cli import app
from scale.local.servers import Server, find_binary, free_port
from scale.operate.verify.smoke import checks
from scale.operate.verify.smoke.limits import limit
from tests.scale.projects import ROOT

YEAR = '"public, max-age=31536000, immutable"'
CONFIGURATION = """
daemon off;
pid {folder}/pid;
error_log {folder}/errors;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  limit_req_zone $binary_remote_addr zone=held:1m rate=5r/m;
  limit_req_status 429;
  server {{
    listen 127.0.0.1:{http};
    location /moved/ {{ return 302 https://localhost:{port}$request_uri; }}
    location /a/path {{ return 301 https://localhost:{port}$request_uri; }}
    location /health/ready {{ return 200; }}
    location /auth/login/ {{ limit_req zone=held burst=20 nodelay; error_page 429 = @wait; try_files /none @in; }}
    location @in {{ return 204; }}
    location @wait {{ add_header Retry-After 300 always; return 429; }}
  }}
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/certificate.pem;
    ssl_certificate_key {folder}/key.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    default_type text/css;
    location / {{ return 404; }}
    location = / {{ default_type text/html; return 200 '<link href="/static/site.0123456789ab.css">'; }}
    location = /health/ready {{ return 200; }}
    location = /static/site.0123456789ab.css {{ add_header Cache-Control {year}; return 200 x; }}
    location = /static/short.0123456789ab.css {{ add_header Cache-Control "max-age=60"; return 200 x; }}
    location = /static/site.css {{ add_header Cache-Control {year}; return 200 x; }}
    location /held/ {{ limit_req zone=held burst=20 nodelay; try_files /none @held; }}
    location @held {{ return 204; }}
  }}
}}
"""


class Nginx(Server):
    """nginx with HTTPS for localhost, and what an application would answer behind it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.http = free_port()
        self.days = 90

    @property
    def url(self) -> str:
        """The address over HTTPS."""
        return f"https://localhost:{self.port}"

    @property
    def plain(self) -> str:
        """The address over HTTP."""
        return f"http://localhost:{self.http}"

    def prepare(self) -> None:
        certify(self.folder, self.days)
        text = CONFIGURATION.format(folder=self.folder, port=self.port, http=self.http, year=YEAR)
        (self.folder / "nginx.conf").write_text(text)

    def command(self) -> list[str]:
        """The command line."""
        return [str(find_binary("nginx")), "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]


def certify(folder: Path, days: int) -> None:
    """Write a certificate for localhost that is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=days, hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with Nginx(tmp_path_factory.mktemp("nginx")) as server:
        yield server


@pytest.fixture
def trusted(nginx: Nginx, monkeypatch: pytest.MonkeyPatch) -> Nginx:
    """The server, its authority trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(nginx.folder / "certificate.pem"))
    return nginx


def test_health_is_asked_for_at_the_path_of_the_settings(trusted: Nginx) -> None:
    assert checks.health(trusted.url, "/health/ready").result == "passed"
    found = checks.health(trusted.url, "/health/none")
    assert (found.result, found.seen) == ("failed", "/health/none answers 404")


def test_nobody_there_is_a_failure_and_no_exception() -> None:
    found = checks.health(f"http://127.0.0.1:{free_port()}", "/health/ready")
    assert found.result == "failed"
    assert "does not answer" in found.seen


def test_tls_tells_version_names_and_days(trusted: Nginx) -> None:
    found = checks.tls(trusted.url)
    assert (found.result, found.seen) == ("passed", "TLSv1.3, for localhost, 90 days left")


def test_a_certificate_that_was_not_renewed_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Nginx(tmp_path)
    server.days = 20
    with server:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        found = checks.tls(server.url)
    assert (found.result, found.seen) == ("failed", "TLSv1.3, for localhost, 20 days left")


def test_a_certificate_that_nobody_vouches_for_fails(nginx: Nginx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    found = checks.tls(nginx.url)
    assert (found.result, found.seen) == ("failed", "the certificate is not valid: self-signed certificate")


def test_a_certificate_for_another_name_fails(trusted: Nginx) -> None:
    found = checks.tls(f"https://127.0.0.1:{trusted.port}")
    assert found.result == "failed"
    assert "not valid for '127.0.0.1'" in found.seen


def test_plain_http_leads_to_https(trusted: Nginx) -> None:
    assert checks.redirect(trusted.url, trusted.http).result == "passed"
    assert checks.redirect(trusted.plain).result == "skipped"


def test_http_that_answers_itself_fails(trusted: Nginx) -> None:
    found = checks.redirect(trusted.url, trusted.port)
    assert (found.result, "answers 400 to nowhere" in found.seen) == ("failed", True)


@pytest.mark.parametrize(
    ("file", "result", "says"),
    [
        (None, "passed", "/static/site.0123456789ab.css: public, max-age=31536000, immutable"),
        ("/static/short.0123456789ab.css", "failed", "its name has a hash, and Cache-Control is max-age=60"),
        ("/static/site.css", "failed", "its name has no hash"),
        ("/static/none.css", "failed", "answers 404"),
        ("/elsewhere/", "skipped", "names no file below"),
    ],
)
def test_static_files_are_kept_by_their_hash(trusted: Nginx, file: str | None, result: str, says: str) -> None:
    found = checks.static_files(trusted.url, file)
    assert found.result == result
    assert says in found.seen


def test_a_limit_is_tried_until_it_answers_429(nginx: Nginx) -> None:
    found = limit(nginx.plain, "login", RateLimit(path="/auth/login/", per_minute=5), wait_seconds=1)
    assert found.result == "passed", found.seen
    assert "Retry-After 300" in found.seen


def test_a_limit_that_does_not_hold_fails(nginx: Nginx) -> None:
    found = limit(nginx.plain, "login", RateLimit(path="/health/ready", per_minute=10), wait_seconds=0)
    assert (found.result, found.seen) == ("failed", "20 requests to /health/ready without a 429, 10 are allowed")


def test_a_429_says_when_to_come_again(trusted: Nginx) -> None:
    found = limit(trusted.url, "api", RateLimit(path="/held/", per_minute=20), wait_seconds=1)
    assert found.result == "failed"
    assert "without Retry-After" in found.seen


def test_an_address_is_checked_without_an_account(trusted: Nginx, no_identity: None) -> None:
    arguments = ["verify", "prod", "--cwd", str(ROOT), "--no-resources", "--url", trusted.url]
    done = CliRunner().invoke(app, [*arguments, "--http-port", str(trusted.http), "--json"])
    assert done.exit_code == 0, done.output
    found = {check["name"]: check["result"] for check in json.loads(done.stdout)["checks"]}
    assert found == dict.fromkeys(("health", "TLS", "redirect", "static files"), "passed") | {"limits": "skipped"}


def test_a_failed_check_is_exit_status_1(trusted: Nginx, no_identity: None) -> None:
    arguments = ["verify", "prod", "--cwd", str(ROOT), "--no-resources", "--url", trusted.plain]
    done = CliRunner().invoke(app, [*arguments, "--static-url", "/static/none.css"])
    assert done.exit_code == 1
    assert "failed  static files" in done.stdout


@pytest.mark.parametrize(
    "url", ["shop.example.com", "ftp://shop.example.com", "https://", "https://x:port", "http://[x"]
)
def test_an_address_that_is_none_is_a_line_and_exit_status_2(no_identity: None, url: str) -> None:
    done = CliRunner().invoke(app, ["verify", "prod", "--cwd", str(ROOT), "--no-resources", "--url", url])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == f"--url must be such as https://shop.example.com, is {url!r}\n"
