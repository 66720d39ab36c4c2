"""IAM policy documents, as small as the pieces they are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

Statement = dict[str, Any]


def document(*statements: Statement) -> pulumi.Output[str]:
    """Return the JSON of a policy with these statements."""
    return pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(
    actions: Sequence[str],
    resources: Sequence[pulumi.Input[str]],
    *,
    principal: Mapping[str, pulumi.Input[str]] | None = None,
    conditions: Mapping[str, Mapping[str, pulumi.Input[Any]]] | None = None,
) -> Statement:
    """Return a statement that allows `actions` on `resources`; with a principal it is a resource's own policy."""
    return _statement("Allow", actions, resources, principal, conditions)


def deny(
    actions: Sequence[str],
    resources: Sequence[pulumi.Input[str]],
    *,
    principal: Mapping[str, pulumi.Input[str]] | None = None,
    conditions: Mapping[str, Mapping[str, pulumi.Input[Any]]] | None = None,
) -> Statement:
    """Return a statement that denies `actions` on `resources`, whatever else allows them."""
    return _statement("Deny", actions, resources, principal, conditions)


def assume(service: str) -> pulumi.Output[str]:
    """Return the trust policy of a role that only an AWS service assumes."""
    return document({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}})


def assume_tagged(service: str) -> pulumi.Output[str]:
    """Return the trust policy of a role that an AWS service assumes with tags of the session.

    EKS Pod Identity tags sessions with cluster, namespace and service account, EKS Auto Mode with the cluster (EKS
    guide, "Learn how EKS Pod Identity grants Pods access to AWS services"; "Amazon EKS Auto Mode cluster IAM role").
    """
    return document(
        {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Principal": {"Service": service}}
    )


def require_tls(bucket_arn: pulumi.Output[str]) -> Statement:
    """Return the statement that refuses a bucket's plain HTTP requests (FSBP S3.5)."""
    return deny(
        ["s3:*"],
        [bucket_arn, pulumi.Output.concat(bucket_arn, "/*")],
        principal={"AWS": "*"},
        conditions={"Bool": {"aws:SecureTransport": "false"}},
    )


def log_streams(group: aws.cloudwatch.LogGroup) -> list[pulumi.Input[str]]:
    """Return the resources that writing to a log group's streams is allowed on."""
    return [pulumi.Output.concat(group.arn, ":*")]


def pull(*repository_arns: str) -> list[Statement]:
    """Return the statements that let images be pulled from repositories of ECR."""
    actions = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
    # The token is the registry's: it names no repository.
    return [allow(actions, repository_arns), allow(["ecr:GetAuthorizationToken"], ["*"])]


def send_traces() -> Statement:
    """Return the statement that lets X-Ray be sent traces. It names no resource (service authorization reference)."""
    return allow(["xray:PutTraceSegments", "xray:PutTelemetryRecords"], ["*"])


def _statement(
    effect: str,
    actions: Sequence[str],
    resources: Sequence[pulumi.Input[str]],
    principal: Mapping[str, pulumi.Input[str]] | None,
    conditions: Mapping[str, Mapping[str, pulumi.Input[Any]]] | None,
) -> Statement:
    statement: Statement = {"Effect": effect, "Action": list(actions), "Resource": list(resources)}
    if principal is not None:
        statement["Principal"] = dict(principal)
    if conditions is not None:
        statement["Condition"] = {operator: dict(values) for operator, values in conditions.items()}
    return statement
