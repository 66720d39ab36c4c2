"""AWS as a real HTTP endpoint on loopback, and an identity that it accepts."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from moto.server import ThreadedMotoServer

from scale.operate import credentials
from scale.operate.account import Account, open_account, read_stack
from scale.operate.find import Finder, Outputs
from tests.scale.operate.answers import Answers, Current
from tests.scale.operate.environment import Environment, build, composite
from tests.scale.projects import ROOT, own_plan

ACCOUNT = "123456789012"
"""The account of moto's identities."""


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """The address of a server that answers as AWS does."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def no_identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment without credentials, wherever the tests run."""
    for variable in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


@pytest.fixture
def identity(no_identity: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that moto accepts."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "an-example-and-no-key")


@pytest.fixture
def aws(endpoint: str, identity: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """An AWS: its address, to which AWS_ENDPOINT_URL leads."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    return endpoint


@pytest.fixture(scope="module")
def built(endpoint: str) -> Environment:
    """The shipped stack `prod`, built once a file of tests in AWS from its own plan. Tests change its answers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", endpoint)
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "an-example-and-no-key")
        requests.post(f"{endpoint}/moto-api/reset", timeout=10).raise_for_status()
        return build(own_plan("prod").update, read_stack(ROOT, "prod").settings.tags)


@pytest.fixture(scope="module")
def events() -> list[Answers]:
    """Which answers stand between `reader` and AWS: the last."""
    return []


@pytest.fixture(scope="module")
def reader(built: Environment, endpoint: str, events: list[Answers]) -> Account:
    """The account of the live environment, opened once: its clients take longer to make than to use."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", endpoint)
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "an-example-and-no-key")
        account = open_account(read_stack(ROOT, "prod"))
        account.session.get_credentials().get_frozen_credentials()
        Current(events).register(account.session.events)
        for service in ("autoscaling", "cloudwatch", "ec2", "elasticache", "elbv2", "rds", "s3", "sns", "wafv2"):
            account.client(service)
        account.client("resourcegroupstaggingapi")
        return account


@pytest.fixture
def finder(reader: Account, live: Answers, events: list[Answers]) -> Iterator[Finder]:
    """Finds the live environment's resources, quickly; `live` stands between."""
    events.append(live)
    yield Finder(reader, read_stack(ROOT, "prod").settings, Outputs({}))
    events.pop()


@pytest.fixture
def prod(built: Environment, aws: str) -> Environment:
    """The live environment, with credentials to read it."""
    return built


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """What AWS answers otherwise than moto does, and what it was asked."""
    found = Answers()
    original = credentials.session

    def session(provider: credentials.Provider, region: str) -> Any:
        made = original(provider, region)
        found.register(made.events)
        return made

    monkeypatch.setattr(credentials, "session", session)
    return found


@pytest.fixture
def live(prod: Environment, answers: Answers) -> Answers:
    """The live environment with what moto lacks: the composite alarm, replacements of the fleet, a few properties."""
    alarm = composite(prod)
    answers.change("cloudwatch:DescribeAlarms", lambda answer: answer.update(CompositeAlarms=[alarm]))
    answers.change(
        "resourcegroupstaggingapi:GetResources",
        lambda answer: answer["ResourceTagMappingList"].append({"ResourceARN": alarm["AlarmArn"], "Tags": []}),
    )
    answers.give("autoscaling:DescribeInstanceRefreshes", {"InstanceRefreshes": []})
    answers.change("autoscaling:DescribeAutoScalingGroups", _group)
    answers.change("rds:DescribeDBInstances", _instances)
    return answers


def _group(answer: dict[str, Any]) -> None:
    """Add what moto does not keep of a group."""
    bounds = {"MinHealthyPercentage": 100, "MaxHealthyPercentage": 150}
    for group in answer["AutoScalingGroups"]:
        group |= {"DefaultInstanceWarmup": 180, "InstanceMaintenancePolicy": bounds}


def _instances(answer: dict[str, Any]) -> None:
    """Take away what moto copies from a primary to its replicas."""
    for instance in answer["DBInstances"]:
        if "ReadReplicaSourceDBInstanceIdentifier" in instance:
            instance |= {"BackupRetentionPeriod": 0, "MultiAZ": False}
