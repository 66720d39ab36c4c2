"""What Karpenter's controller may do: start and end this cluster's nodes, and nothing else's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components import permissions

# Karpenter's guide, "CloudFormation", says what each of its calls needs; here subnets and security groups are named
# where its own example allows all of them. The tags are those that its release 1.15.0 writes (pkg/utils, GetTags;
# pkg/apis/v1, InstanceProfileTags), and requests for spot capacity carry them too (pkg/providers/launchtemplate).
_CREATED = ("fleet", "instance", "volume", "network-interface", "launch-template", "spot-instances-request")
_CLUSTER_TAG = "eks:eks-cluster-name"
_CLASS_TAG = "karpenter.k8s.aws/ec2nodeclass"


@dataclass(frozen=True)
class Scope:
    """What the controller is limited to."""

    region: str
    account_id: pulumi.Input[str]
    cluster_name: str
    cluster_arn: pulumi.Input[str]
    node_role_arn: pulumi.Input[str]
    queue_arn: pulumi.Input[str]
    subnet_ids: list[pulumi.Input[str]]
    security_group_id: pulumi.Input[str]


def karpenter_statements(scope: Scope) -> list[permissions.Statement]:
    """Return the statements of the controller's policy."""
    owned = f"kubernetes.io/cluster/{scope.cluster_name}"
    return [*_start(scope, owned), *_end(scope, owned), *_read(scope), *_profiles(scope, owned), *_notices(scope)]


def _start(scope: Scope, owned: str) -> list[permissions.Statement]:
    requested = _named(_tagged("aws:RequestTag", owned), scope)
    creating = {"ec2:CreateAction": ["RunInstances", "CreateFleet", "CreateLaunchTemplate"]}
    used: list[pulumi.Input[str]] = [
        f"arn:aws:ec2:{scope.region}::image/*",
        f"arn:aws:ec2:{scope.region}::snapshot/*",
        *(_arn(scope, "subnet/", subnet) for subnet in scope.subnet_ids),
        _arn(scope, "security-group/", scope.security_group_id),
    ]
    return [
        permissions.allow(["ec2:RunInstances", "ec2:CreateFleet"], used),
        permissions.allow(
            ["ec2:RunInstances", "ec2:CreateFleet"],
            [_arn(scope, "launch-template/*")],
            conditions=_tagged("aws:ResourceTag", owned),
        ),
        permissions.allow(
            ["ec2:RunInstances", "ec2:CreateFleet", "ec2:CreateLaunchTemplate"], _created(scope), conditions=requested
        ),
        permissions.allow(
            ["ec2:CreateTags"],
            _created(scope),
            conditions={**requested, "StringEquals": {**requested["StringEquals"], **creating}},
        ),
    ]


def _end(scope: Scope, owned: str) -> list[permissions.Statement]:
    ours = _tagged("aws:ResourceTag", owned)
    tagging = {
        "ForAllValues:StringEquals": {"aws:TagKeys": [_CLUSTER_TAG, "karpenter.sh/nodeclaim", "Name"]},
        "StringEqualsIfExists": {f"aws:RequestTag/{_CLUSTER_TAG}": scope.cluster_name},
    }
    return [
        permissions.allow(["ec2:CreateTags"], [_arn(scope, "instance/*")], conditions={**ours, **tagging}),
        permissions.allow(
            ["ec2:TerminateInstances", "ec2:DeleteLaunchTemplate"],
            [_arn(scope, "instance/*"), _arn(scope, "launch-template/*")],
            conditions=ours,
        ),
    ]


def _read(scope: Scope) -> list[permissions.Statement]:
    """Return what knows no resource, in this region alone, and the parameters with the images' ids."""
    described = (  # The calls of its release (pkg/aws/sdk.go), but those of parts that are not used here.
        "Images",
        "Instances",
        "InstanceStatus",
        "InstanceTypeOfferings",
        "InstanceTypes",
        "LaunchTemplates",
        "SecurityGroups",
        "SpotPriceHistory",
        "Subnets",
    )
    # The Price List has endpoints in few regions and prices of all: the region is no limit there.
    return [
        permissions.allow(
            [f"ec2:Describe{what}" for what in described],
            ["*"],
            conditions={"StringEquals": {"aws:RequestedRegion": scope.region}},
        ),
        permissions.allow(["ssm:GetParameter"], [f"arn:aws:ssm:{scope.region}::parameter/aws/service/*"]),
        permissions.allow(["pricing:GetProducts"], ["*"]),
        permissions.allow(["eks:DescribeCluster"], [scope.cluster_arn]),
    ]


def _profiles(scope: Scope, owned: str) -> list[permissions.Statement]:
    """Return what hands nodes their role: Karpenter makes their instance profiles itself."""
    profiles: list[pulumi.Input[str]] = [pulumi.Output.concat("arn:aws:iam::", scope.account_id, ":instance-profile/*")]
    requested = _named(_profile("aws:RequestTag", owned, scope.region), scope)
    ours = _profile("aws:ResourceTag", owned, scope.region)
    both = {operator: {**ours[operator], **requested[operator]} for operator in ours}
    return [
        permissions.allow(
            ["iam:PassRole"],
            [scope.node_role_arn],
            conditions={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
        ),
        permissions.allow(["iam:CreateInstanceProfile"], profiles, conditions=requested),
        permissions.allow(["iam:TagInstanceProfile"], profiles, conditions=both),
        permissions.allow(
            ["iam:AddRoleToInstanceProfile", "iam:RemoveRoleFromInstanceProfile", "iam:DeleteInstanceProfile"],
            profiles,
            conditions=ours,
        ),
        # A list is of the profiles below a path (kubernetes/kops#17854 has it refused on one).
        permissions.allow(["iam:GetInstanceProfile", "iam:ListInstanceProfiles"], profiles),
    ]


def _notices(scope: Scope) -> list[permissions.Statement]:
    reading = ["sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"]
    return [permissions.allow(reading, [scope.queue_arn])]


def _created(scope: Scope) -> list[pulumi.Input[str]]:
    return [_arn(scope, f"{kind}/*") for kind in _CREATED]


def _arn(scope: Scope, *resource: pulumi.Input[str]) -> pulumi.Output[str]:
    return pulumi.Output.concat(f"arn:aws:ec2:{scope.region}:", scope.account_id, ":", *resource)


def _tagged(key: str, owned: str) -> dict[str, Mapping[str, Any]]:
    return {"StringEquals": {f"{key}/{owned}": "owned"}, "StringLike": {f"{key}/karpenter.sh/nodepool": "*"}}


def _profile(key: str, owned: str, region: str) -> dict[str, Mapping[str, Any]]:
    return {
        "StringEquals": {f"{key}/{owned}": "owned", f"{key}/topology.kubernetes.io/region": region},
        "StringLike": {f"{key}/{_CLASS_TAG}": "*"},
    }


def _named(requested: Mapping[str, Mapping[str, Any]], scope: Scope) -> dict[str, Mapping[str, Any]]:
    """Return the conditions of a request, which must name the cluster as well."""
    equal = {**requested["StringEquals"], f"aws:RequestTag/{_CLUSTER_TAG}": scope.cluster_name}
    return {**requested, "StringEquals": equal}
