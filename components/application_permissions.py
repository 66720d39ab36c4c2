"""What the application may do on AWS, on a server and in a pod alike."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from components import permissions
from model.metrics import APPLICATION_NAMESPACE


def application_statements(
    bucket_arns: Sequence[pulumi.Input[str]], queue_arns: Sequence[pulumi.Input[str]] = ()
) -> list[permissions.Statement]:
    """Return the statements: files in these buckets, tasks in these queues, metrics in the application's namespace."""
    statements = [
        permissions.allow(
            ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            [pulumi.Output.concat(arn, "/*") for arn in bucket_arns],
        ),
        permissions.allow(["s3:ListBucket"], bucket_arns),
        # CloudWatch names no resource for metrics: the namespace is the limit there is.
        permissions.allow(
            ["cloudwatch:PutMetricData"],
            ["*"],
            conditions={"StringEquals": {"cloudwatch:namespace": APPLICATION_NAMESPACE}},
        ),
    ]
    if queue_arns:
        actions = ["SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes"]
        # Workers take back what they hold by making it visible, and ask each queue for its redrive policy.
        statements.append(permissions.allow([f"sqs:{action}" for action in actions], queue_arns))
    return statements
