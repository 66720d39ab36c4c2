"""Karpenter's policy against the requests that its controller makes, with the tags of its release."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any, cast

import pytest

from tests.components.building import statements
from tests.components.kubernetes.test_platform import NAME, ROLE_POLICY, SUBNETS, managed

OWNED = f"kubernetes.io/cluster/{NAME}"
# karpenter-provider-aws 1.15.0: pkg/utils, GetTags; pkg/apis/v1, EC2NodeClass.InstanceProfileTags.
LAUNCH = {
    OWNED: "owned",
    "eks:eks-cluster-name": NAME,
    "karpenter.sh/nodepool": "application",
    "karpenter.k8s.aws/ec2nodeclass": "application",
    "Name": "any",
}
PROFILE = {
    OWNED: "owned",
    "eks:eks-cluster-name": NAME,
    "karpenter.k8s.aws/ec2nodeclass": "application",
    "topology.kubernetes.io/region": "eu-west-1",
}
ANOTHER = {key.replace(NAME, "another"): value.replace(NAME, "another") for key, value in LAUNCH.items()}
ACCOUNT = "arn:aws:ec2:eu-west-1:123456789012"
PROFILES = "arn:aws:iam::123456789012:instance-profile/karpenter/eu-west-1/application"
REGION = {"aws:RequestedRegion": "eu-west-1"}


def context(
    request: dict[str, str] | None = None, resource: dict[str, str] | None = None, **keys: str
) -> dict[str, Any]:
    """Return the keys of a request that writes tags to a resource that has some."""
    found: dict[str, Any] = {f"aws:RequestTag/{key}": value for key, value in (request or {}).items()}
    found |= {f"aws:ResourceTag/{key}": value for key, value in (resource or {}).items()}
    return found | REGION | {"aws:TagKeys": list(request or {})} | {key.replace("__", ":"): keys[key] for key in keys}


def some(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def holds(operator: str, key: str, wanted: Any, given: dict[str, Any]) -> bool:
    """Return whether a condition holds (IAM guide, "Condition operators")."""
    if operator.startswith("ForAllValues"):
        return all(each in wanted for each in given.get(key, []))
    if key not in given:
        return operator.endswith("IfExists")
    if operator.startswith("StringLike"):
        return any(fnmatchcase(given[key], each) for each in some(wanted))
    assert operator.startswith("StringEquals")
    return given[key] in some(wanted)


def allowed(action: str, resource: str, given: dict[str, Any]) -> bool:
    return any(
        action in statement["Action"]
        and any(fnmatchcase(resource, each) for each in statement["Resource"])
        and all(
            holds(operator, key, wanted, given)
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
        for statement in statements(managed().one(ROLE_POLICY, f"{NAME}-karpenter-pods"))
    )


CREATED = ["fleet", "instance", "volume", "network-interface", "spot-instances-request"]


@pytest.mark.parametrize("kind", [*CREATED, "launch-template"])
def test_it_makes_and_tags_what_a_node_is_made_of(kind: str) -> None:
    call = "CreateLaunchTemplate" if kind == "launch-template" else "CreateFleet"
    for tags, expected in ((LAUNCH, True), (ANOTHER, False), ({}, False)):
        assert allowed(f"ec2:{call}", f"{ACCOUNT}:{kind}/new", context(tags)) is expected
        given = context(tags, ec2__CreateAction=call)
        assert allowed("ec2:CreateTags", f"{ACCOUNT}:{kind}/new", given) is expected
    assert not allowed("ec2:CreateTags", f"{ACCOUNT}:{kind}/old", context(LAUNCH))


def test_it_starts_nodes_from_its_own_template_in_the_stacks_subnets() -> None:
    own, foreign = context({}, LAUNCH), context({}, ANOTHER)
    assert allowed("ec2:RunInstances", f"{ACCOUNT}:launch-template/own", own)
    assert not allowed("ec2:RunInstances", f"{ACCOUNT}:launch-template/foreign", foreign)
    assert all(allowed("ec2:CreateFleet", f"{ACCOUNT}:subnet/{subnet}", context()) for subnet in SUBNETS)
    assert not allowed("ec2:CreateFleet", f"{ACCOUNT}:subnet/subnet-of-others", context())


@pytest.mark.parametrize(("tags", "expected"), [(LAUNCH, True), (ANOTHER, False)])
def test_it_ends_and_names_its_own_nodes_alone(tags: dict[str, str], expected: bool) -> None:
    names = {"karpenter.sh/nodeclaim": "one", "Name": "one", "eks:eks-cluster-name": NAME}
    assert allowed("ec2:TerminateInstances", f"{ACCOUNT}:instance/i-1", context({}, tags)) is expected
    assert allowed("ec2:DeleteLaunchTemplate", f"{ACCOUNT}:launch-template/1", context({}, tags)) is expected
    assert allowed("ec2:CreateTags", f"{ACCOUNT}:instance/i-1", context(names, tags)) is expected
    assert not allowed("ec2:CreateTags", f"{ACCOUNT}:instance/i-1", context({"Owner": "me"}, tags))


def test_it_makes_and_unmakes_the_profile_that_hands_nodes_their_role() -> None:
    assert allowed("iam:CreateInstanceProfile", PROFILES, context(PROFILE))
    assert not allowed("iam:CreateInstanceProfile", PROFILES, context(PROFILE | {"eks:eks-cluster-name": "another"}))
    assert allowed("iam:TagInstanceProfile", PROFILES, context(PROFILE, PROFILE))
    for action in ("AddRoleToInstanceProfile", "RemoveRoleFromInstanceProfile", "DeleteInstanceProfile"):
        assert allowed(f"iam:{action}", PROFILES, context({}, PROFILE))
        assert not allowed(f"iam:{action}", PROFILES, context({}, {"karpenter.k8s.aws/ec2nodeclass": "other"}))
    assert allowed("iam:GetInstanceProfile", PROFILES, context())
    assert allowed("iam:ListInstanceProfiles", PROFILES.rpartition("/")[0] + "/", context())


LOOKED_UP = ["Images", "Instances", "InstanceStatus", "InstanceTypeOfferings", "InstanceTypes", "LaunchTemplates"]


@pytest.mark.parametrize("what", [*LOOKED_UP, "SecurityGroups", "SpotPriceHistory", "Subnets"])
def test_it_looks_up_what_its_release_asks_for_in_this_region(what: str) -> None:
    """The calls of karpenter-provider-aws 1.15.0, pkg/aws/sdk.go, but those of parts that are not used."""
    assert allowed(f"ec2:Describe{what}", "*", context())
    assert not allowed(f"ec2:Describe{what}", "*", context() | {"aws:RequestedRegion": "us-east-1"})


def test_the_policy_fits_into_a_role() -> None:
    """A role's inline policies have 10,240 characters together, blanks not counted (IAM guide, "IAM quotas")."""
    policy = managed().one(ROLE_POLICY, f"{NAME}-karpenter-pods").properties["policy"]
    assert len("".join(str(policy).split())) < 10_240
