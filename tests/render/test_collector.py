"""The collector of a server, installed by running the script."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from model.observability import COLLECTOR
from render.cloud_init import LIMIT_BYTES, cloud_init
from render.collector import configuration
from tests.model.parsing import problems
from tests.render.server import Server
from tests.render.test_cloud_init import CONTAINER, SECRETS

TRACED = replace(CONTAINER, collector=COLLECTOR)
AGENT = "amazon-cloudwatch-agent-ctl"


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path, SECRETS)


def test_without_traces_there_is_no_collector(server: Server) -> None:
    server.boot(CONTAINER)
    assert server.called(AGENT) == []
    assert "amazon-cloudwatch-agent" not in server.files


def test_the_agent_is_installed_and_started_with_its_configuration(server: Server) -> None:
    booted = server.boot(TRACED)
    assert (booted.returncode, booted.stderr) == (0, "")
    assert server.called("dnf")[-1] == ["install", "-y", "amazon-cloudwatch-agent"]
    assert server.called(AGENT) == [
        ["-a", "fetch-config", "-m", "ec2", "-s", "-c", "file:/etc/django-scale/collector.json"]
    ]
    assert json.loads(server.text("etc/django-scale/collector.json")) == json.loads(
        configuration(COLLECTOR, CONTAINER.region)
    )


def test_it_takes_otlp_on_loopback_alone() -> None:
    assert json.loads(configuration(COLLECTOR, "eu-west-1")) == {
        "agent": {"region": "eu-west-1"},
        "traces": {
            "traces_collected": {"otlp": {"http_endpoint": "127.0.0.1:4318", "grpc_endpoint": "127.0.0.1:4317"}}
        },
    }


def test_the_container_reaches_it_where_its_environment_says(server: Server) -> None:
    server.boot(TRACED)
    assert server.start().returncode == 0
    assert server.containers["django"].one("network") == "host"
    assert COLLECTOR.startswith("127.0.0.1:")


@pytest.mark.parametrize("port", [4317, 4318])
def test_nginx_has_another_port_than_the_collector(port: int) -> None:
    traced: dict[str, Any] = {"tracing": {}}
    assert problems(application={"port": port}, observability=traced) == [
        f"application.port: must not be {port}, where the collector of traces listens beside nginx"
    ]
    assert problems(application={"port": port}) == []
    elsewhere = {"tracing": {"endpoint": "https://otlp.example.com"}}
    assert problems(application={"port": port}, observability=elsewhere) == []


def test_a_collector_that_does_not_start_keeps_no_server_from_serving(tmp_path: Path) -> None:
    server = Server(tmp_path, SECRETS, failures={AGENT: 1})
    assert server.boot(TRACED).returncode != 0
    names = [name for name, *_ in server.calls]
    assert ["enable", "--now", "docker", "django-scale-nginx", "django-scale"] in server.called("systemctl")
    assert names[-1] == AGENT


def test_both_fit_into_user_data_with_room_for_variables() -> None:
    assert len(cloud_init(TRACED)) < LIMIT_BYTES / 3
