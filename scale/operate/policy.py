"""The IAM policy that `scale status`, `scale verify` and `scale release` need, made from the calls that they make.

`python -m scale.operate.policy shop-prod` prints it for the environment whose names begin with `shop-prod`.
"""

from __future__ import annotations

import json
import sys

_LOOKED_UP = ("autoscaling:DescribeAutoScalingGroups", "resourcegroupstaggingapi:GetResources")

CALLS: dict[str, tuple[str, ...]] = {
    "status": (
        *_LOOKED_UP,
        "autoscaling:DescribeScalingActivities",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:GetMetricData",
        "eks:DescribeCluster",
        "elasticache:DescribeReplicationGroups",
        "elbv2:DescribeTargetGroups",
        "elbv2:DescribeTargetHealth",
        "rds:DescribeDBInstances",
    ),
    "verify": (
        *_LOOKED_UP,
        "autoscaling:DescribePolicies",
        "autoscaling:DescribeScheduledActions",
        "cloudwatch:DescribeAlarms",
        "ec2:DescribeLaunchTemplateVersions",
        "ec2:DescribeLaunchTemplates",
        "elasticache:DescribeReplicationGroups",
        "elbv2:DescribeListeners",
        "elbv2:DescribeLoadBalancerAttributes",
        "elbv2:DescribeLoadBalancers",
        "elbv2:DescribeTargetGroupAttributes",
        "elbv2:DescribeTargetGroups",
        "rds:DescribeDBInstances",
        "s3:GetBucketEncryption",
        "s3:GetPublicAccessBlock",
        "sns:GetTopicAttributes",
        "sns:ListSubscriptionsByTopic",
        "wafv2:GetWebACLForResource",
    ),
    "release": (
        *_LOOKED_UP,
        "autoscaling:DescribeInstanceRefreshes",
        "cloudwatch:DescribeAlarmHistory",
        "cloudwatch:DescribeAlarms",
        "ec2:DescribeLaunchTemplateVersions",
        "ecr:DescribeImages",
        "eks:DescribeCluster",
    ),
}
"""The calls of each command, by boto3's name of the service. GetCallerIdentity needs no permission (STS API)."""

_ACTIONS = {
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
}
_SERVICES = {"elbv2": "elasticloadbalancing", "resourcegroupstaggingapi": "tag"}
"""The name of an action, and of a service's actions, where it is not the call's (Service Authorization Reference)."""

_BESIDES = {"wafv2:GetWebACLForResource": "wafv2:GetWebACL"}
"""The action that a call asks for besides its own (AWS WAF API, GetWebACLForResource)."""

_RESOURCES = {
    "eks": "arn:aws:eks:*:*:cluster/{prefix}-*",
    "s3": "arn:aws:s3:::{prefix}-*",
    "sns": "arn:aws:sns:*:*:{prefix}-*",
}
"""The resources of services whose reading can be limited by name; others' descriptions know no resource, or no name."""


def action(call: str) -> str:
    """Return the IAM action of a call."""
    service, _, operation = call.partition(":")
    return _ACTIONS.get(call) or f"{_SERVICES.get(service, service)}:{operation}"


def document(prefix: str, commands: tuple[str, ...] = tuple(CALLS)) -> dict[str, object]:
    """Return the policy for the commands on the environment whose names begin with `prefix`; it only reads."""
    calls = {call for command in commands for call in CALLS[command]}
    actions = sorted({action(call) for call in calls} | {_BESIDES[call] for call in calls if call in _BESIDES})
    statements: list[dict[str, object]] = []
    for resource in ("*", *_RESOURCES.values()):
        chosen = [each for each in actions if _RESOURCES.get(each.partition(":")[0], "*") == resource]
        if chosen:
            statements.append(
                {"Effect": "Allow", "Action": chosen, "Resource": resource.format(prefix=prefix)},
            )
    return {"Version": "2012-10-17", "Statement": statements}


def main() -> None:
    """Print the policy for the prefix that the command line names."""
    if len(sys.argv) != 2:
        raise SystemExit("python -m scale.operate.policy PREFIX, such as shop-prod")
    print(json.dumps(document(sys.argv[1]), indent=2))


if __name__ == "__main__":
    main()
