"""IAM policy documents."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pulumi_aws as aws

from components import permissions
from scale.testing import run


def output(make: Any) -> Any:
    """Return the value of the output that `make` returns."""
    return run(lambda: pulumi.export("it", make())).outputs["it"]


def test_a_document_has_the_current_language_version_and_its_statements_in_order() -> None:
    first = permissions.allow(["s3:GetObject"], ["*"])
    second = permissions.deny(["s3:PutObject"], ["*"])
    assert json.loads(output(lambda: permissions.document(first, second))) == {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["*"]},
            {"Effect": "Deny", "Action": ["s3:PutObject"], "Resource": ["*"]},
        ],
    }


def test_a_statement_with_a_principal_is_a_resources_own() -> None:
    statement = permissions.allow(
        ["sns:Publish"],
        ["*"],
        principal={"Service": "cloudwatch.amazonaws.com"},
        conditions={"StringEquals": {"aws:SourceAccount": "1"}},
    )
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "1"}}


def test_a_trust_policy_lets_one_service_assume_the_role() -> None:
    assert json.loads(output(lambda: permissions.assume("ec2.amazonaws.com")))["Statement"] == [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
    ]


def test_streams_are_those_of_one_group() -> None:
    def program() -> None:
        group = aws.cloudwatch.LogGroup("logs", name="/shop")
        pulumi.export("streams", permissions.log_streams(group))

    assert run(program).outputs["streams"] == ["arn:aws:logs:eu-west-1:123456789012:log-group:/shop:*"]
