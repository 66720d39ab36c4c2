"""A server of HAProxy, booted by running its script with commands that write down how they were called."""

from __future__ import annotations

import ast
import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from render import haproxy_server
from render.cloud_init import LIMIT_BYTES
from render.haproxy_server import HaproxyServer, cloud_init, haproxy, user_data
from scale.local.servers.haproxy import check_haproxy
from scale.user_data import script
from tests.model.parsing import parse
from tests.render.server import Server

GROUP = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/shop-prod-web/1"
ARN = "arn:aws:acm:eu-west-1:123456789012:certificate/1"
DOMAIN = {"domain": "shop.example.com", "hosted_zone": "example.com"}


def told(certificate_arn: str | None = ARN, **config: Any) -> HaproxyServer:
    application = DOMAIN if certificate_arn else {}
    return HaproxyServer(
        haproxy=haproxy(parse(application=application, **config)),
        region="eu-west-1",
        log_group="/django-scale/shop-prod-edge",
        target_group_arn=GROUP,
        port=8000,
        interval_seconds=10,
        draining_seconds=30,
        certificate_arn=certificate_arn,
    )


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def boot(server: Server, given: HaproxyServer) -> None:
    booted = server.boot_script(cloud_init(given))
    assert (booted.returncode, booted.stderr) == (0, "")


def test_what_it_needs_is_installed_and_both_services_start(server: Server) -> None:
    boot(server, told())
    assert server.called("dnf") == [["install", "-y", "docker"], ["install", "-y", "openssl"]]
    assert server.called("systemctl") == [
        ["daemon-reload"],
        ["enable", "--now", "docker", "django-scale-haproxy", "django-scale-haproxy-watch"],
    ]


def test_haproxy_runs_like_this(server: Server) -> None:
    boot(server, told(certificate_arn=None))
    assert server.start("django-scale-haproxy").returncode == 0
    image = "public.ecr.aws/docker/library/haproxy:3.0-alpine"
    assert " ".join(server.called("docker")[-1]) == (
        "run --rm --name haproxy --network host --security-opt no-new-privileges --log-driver awslogs"
        " --log-opt awslogs-region=eu-west-1 --log-opt awslogs-group=/django-scale/shop-prod-edge"
        " --log-opt awslogs-stream=i-0123456789abcdef0/haproxy"
        " --user 99:99 --cap-drop ALL --read-only --ulimit nofile=20000:20000"
        " --volume /run/django-scale-haproxy:/run/haproxy"
        " --volume /etc/django-scale/haproxy.cfg:/usr/local/etc/haproxy/haproxy.cfg:ro"
        f" --stop-signal SIGUSR1 --stop-timeout 30 --entrypoint haproxy {image}"
        " -db -f /usr/local/etc/haproxy/haproxy.cfg"
    )


def test_with_https_the_certificate_is_fetched_into_memory_before_haproxy_starts(server: Server) -> None:
    boot(server, told())
    start = server.text("usr/local/bin/django-scale-haproxy-start")
    fetched = start.index(f'certificate --certificate {ARN} --file "$folder/certificate.pem"')
    assert start.index("folder=/run/django-scale-haproxy") < fetched < start.index("exec ")
    assert ARN not in server.text("etc/django-scale/haproxy.cfg")
    assert "bind *:8443 ssl crt /run/haproxy/certificate.pem " in server.text("etc/django-scale/haproxy.cfg")


def test_without_https_there_is_nothing_of_a_certificate(server: Server) -> None:
    boot(server, told(certificate_arn=None))
    for name in ("start", "watch"):
        assert "--certificate" not in server.text(f"usr/local/bin/django-scale-haproxy-{name}")
    assert " ssl crt" not in server.text("etc/django-scale/haproxy.cfg")


def test_it_is_kept_told_of_the_servers_in_the_target_group(server: Server) -> None:
    boot(server, replace(told(), interval_seconds=5))
    watch = server.text("usr/local/bin/django-scale-haproxy-watch")
    assert f"watch --target-group {GROUP} --port 8000 \\\n  --interval 5 " in watch
    assert f"--certificate {ARN} --file /run/django-scale-haproxy/certificate.pem" in watch
    assert "--name /run/haproxy/certificate.pem" in watch
    assert "export AWS_DEFAULT_REGION=eu-west-1" in watch
    unit = server.text("etc/systemd/system/django-scale-haproxy-watch.service").splitlines()
    assert {"Restart=always", "ExecStart=/usr/local/bin/django-scale-haproxy-watch"} <= set(unit)


def test_the_program_on_the_server_is_the_tested_one_and_amazon_linux_s_python_reads_it(server: Server) -> None:
    boot(server, told())
    interpreter, _, program = server.text("usr/local/bin/django-scale-haproxy-servers").partition("\n")
    source = Path(haproxy_server.__file__).with_name("programs") / "haproxy_servers.py"
    assert interpreter == "#!/usr/bin/python3"
    assert program == source.read_text()
    ast.parse(program, feature_version=(3, 9))


@pytest.mark.parametrize("certificate", [ARN, None], ids=["https", "http"])
def test_the_real_haproxy_takes_the_file(certificate: str | None, tmp_path: Path) -> None:
    text = told(certificate).haproxy.configuration
    # Its folder is in the container, and a certificate of the tests' has no place there.
    text = text.replace(" ssl crt /run/haproxy/certificate.pem alpn h2,http/1.1", "")
    assert check_haproxy(tmp_path, text.replace("/run/haproxy", str(tmp_path))) is not None


def test_a_client_is_who_connects_and_no_header_says_otherwise() -> None:
    text = told().haproxy.configuration
    assert "set-src" not in text
    assert "accept-proxy" not in text
    assert "http-request set-header X-Forwarded-For %[src]" in text


def test_user_data_is_the_script_and_fits() -> None:
    assert script(base64.b64encode(user_data(told())).decode()) == cloud_init(told())
    assert len(user_data(told())) < LIMIT_BYTES * 2 / 3
