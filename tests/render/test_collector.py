"""The collector of a server, installed by running the script."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

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


def test_it_takes_otlp_on_dockers_bridge_and_otherwise_on_loopback() -> None:
    assert json.loads(configuration("172.17.0.1:4318", "eu-west-1")) == {
        "agent": {"region": "eu-west-1"},
        "traces": {
            "traces_collected": {"otlp": {"http_endpoint": "172.17.0.1:4318", "grpc_endpoint": "127.0.0.1:4317"}}
        },
    }


def test_no_environments_network_contains_the_collectors_address() -> None:
    block = f"{COLLECTOR.rpartition('.')[0]}.0/20"
    assert any("172.17.0.0/16" in problem for problem in problems(network={"cidr": block}))


def test_it_waits_for_dockers_bridge(server: Server) -> None:
    server.boot(TRACED)
    unit = server.text("etc/systemd/system/amazon-cloudwatch-agent.service.d/docker.conf").splitlines()
    assert {"Wants=docker.service", "After=docker.service"} <= set(unit)


def test_a_collector_that_does_not_start_keeps_no_server_from_serving(tmp_path: Path) -> None:
    server = Server(tmp_path, SECRETS, failures={AGENT: 1})
    assert server.boot(TRACED).returncode != 0
    names = [name for name, *_ in server.calls]
    assert ["enable", "--now", "docker", "django-scale"] in server.called("systemctl")
    assert names[-1] == AGENT


def test_both_fit_into_user_data_with_room_for_variables() -> None:
    assert len(cloud_init(TRACED)) < LIMIT_BYTES / 3
