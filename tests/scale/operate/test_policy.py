"""The read-only policy: exactly the calls that the commands make."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from typer.testing import CliRunner

from scale.cli import app
from scale.operate.boto import boto3
from scale.operate.policy import CALLS, action, document
from tests.scale.operate.answers import Answers
from tests.scale.operate.cluster import NAME, deployment, serving
from tests.scale.projects import ROOT

IDENTITY = "sts:GetCallerIdentity"


def with_cluster(live: Answers) -> None:
    """Let the environment have a cluster, as its tags say."""
    arn = f"arn:aws:eks:eu-west-1:123456789012:cluster/{NAME}"
    live.change(
        "resourcegroupstaggingapi:GetResources",
        lambda answer: answer["ResourceTagMappingList"].append({"ResourceARN": arn, "Tags": []}),
    )


def run(*arguments: str) -> int:
    return CliRunner().invoke(app, [*arguments, "--cwd", str(ROOT)]).exit_code


def test_status_makes_these_calls_and_no_others(live: Answers) -> None:
    with serving() as cluster:
        with_cluster(live)
        live.give("eks:DescribeCluster", cluster.described())
        assert run("status", "prod") == 0
    assert live.asked - {IDENTITY} == set(CALLS["status"])


def test_verify_makes_these_calls_and_no_others(live: Answers) -> None:
    assert run("verify", "prod", "--no-address") == 0
    # The address of a stack without a domain is the balancer's own.
    assert live.asked - {IDENTITY} == set(CALLS["verify"]) - {"elbv2:DescribeLoadBalancers"}


def test_release_makes_these_calls_and_no_others(live: Answers) -> None:
    failed = {
        "InstanceRefreshId": "1",
        "StartTime": datetime.now(UTC),
        "Preferences": {"AlarmSpecification": {"Alarms": ["shop-prod-errors"]}},
    }
    live.give("cloudwatch:DescribeAlarmHistory", {"AlarmHistoryItems": []})
    live.give("autoscaling:DescribeInstanceRefreshes", {"InstanceRefreshes": [{**failed, "Status": "Failed"}]})
    assert run("release", "prod", "--status") == 1
    live.give("autoscaling:DescribeInstanceRefreshes", {"InstanceRefreshes": [{**failed, "Status": "Successful"}]})
    assert run("release", "prod", "--status") == 0
    with serving() as cluster:
        with_cluster(live)
        cluster.deployments = [deployment("ghcr.io/example/shop:1.4.0")]
        live.give("eks:DescribeCluster", cluster.described())
        assert run("release", "prod", "--status") == 0
    assert live.asked - {IDENTITY} == set(CALLS["release"]) - {"ecr:DescribeImages"}


@pytest.mark.parametrize("call", sorted({call for calls in CALLS.values() for call in calls}))
def test_every_call_only_reads_and_exists(call: str) -> None:
    service, _, operation = call.partition(":")
    known = boto3.client(service, region_name="eu-west-1").meta.method_to_api_mapping
    assert re.match(r"(Describe|Get|List)[A-Z]", operation)
    assert operation in known.values()


def test_what_can_be_limited_by_name_is() -> None:
    statements: list[dict[str, Any]] = json.loads(json.dumps(document("shop-prod")["Statement"]))
    by_resource = {each["Resource"]: each["Action"] for each in statements}
    assert by_resource["arn:aws:s3:::shop-prod-*"] == ["s3:GetBucketPublicAccessBlock", "s3:GetEncryptionConfiguration"]
    assert all(not each.startswith(("s3:", "sns:", "eks:")) for each in by_resource["*"])
    assert action("elbv2:DescribeListeners") in by_resource["*"]


def test_the_page_shows_the_policy() -> None:
    text = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```json\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert json.loads(shown) == document("shop-prod")
