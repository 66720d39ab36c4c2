"""The cluster and what it needs: exact children, who waits for whom, and who may do what."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.kubernetes.platform import Platform, Surroundings
from scale.testing import Recording, Resource, run
from tests.components.building import (
    LOG_GROUP,
    NAME,
    ROLE,
    ROLE_POLICY,
    SUBNETS,
    ZONES,
    component,
    counts,
    get,
    settings,
    statements,
    waits_for,
)
from tests.components.kubernetes.cluster_building import manifest
from tests.components.kubernetes.schemas import problems

CLUSTER = "aws:eks/cluster:Cluster"
GROUP = "aws:eks/nodeGroup:NodeGroup"
ADD_ON = "aws:eks/addon:Addon"
ENTRY = "aws:eks/accessEntry:AccessEntry"
ADMISSION = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
IDENTITY = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
PROVIDER = "pulumi:providers:kubernetes"
RELEASE = "kubernetes:helm.sh/v3:Release"
POOL = "kubernetes:karpenter.sh/v1:NodePool"
CLASS = "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"
AUTO_CLASS = "kubernetes:eks.amazonaws.com/v1:NodeClass"
TARGETS = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/pods/0123456789abcdef"
DEPLOYER = "arn:aws:iam::123456789012:role/deployer"
OPS = "arn:aws:iam::123456789012:role/ops/on-call"


def build(provider: dict[str, Any] | None = None, **cluster: Any) -> None:
    parsed = settings(network={"zones": 3}, compute={"kubernetes": cluster})
    assert parsed.compute.kubernetes is not None
    around = Surroundings(
        region="eu-west-1",
        account_id="123456789012",
        deployer_arn=DEPLOYER,
        provider=provider or {},
        tags=parsed.tags,
        vpc_id="vpc-1",
        subnet_ids=SUBNETS,
        zone_names=ZONES,
        balancer_group_id="sg-balancer",
        target_group_arn=TARGETS,
        pod_port=8000,
        used={"database": ("sg-database", 5432), "cache": ("sg-cache", 6379)},
    )
    own = aws.Provider("aws", region="eu-west-1")
    opts = pulumi.ResourceOptions(providers=[own])
    Platform(NAME, parsed.compute.kubernetes, parsed.application.architecture, around, opts)


@cache
def managed() -> Recording:
    return run(build)


@cache
def auto() -> Recording:
    return run(lambda: build(nodes="auto"))


def inside(plan: Recording) -> list[Resource]:
    return [each for each in plan.all() if each.type.startswith("kubernetes:")]


def kubeconfig(plan: Recording) -> dict[str, Any]:
    return json.loads(get(plan.one(PROVIDER), "kubeconfig"))


def command(plan: Recording) -> dict[str, Any]:
    return kubeconfig(plan)["users"][0]["user"]["exec"]


def test_with_managed_nodes_it_has_exactly_these_resources() -> None:
    assert counts(managed()) == {
        "AccessEntry": 2,
        "AccessPolicyAssociation": 1,
        "Addon": 5,
        "Cluster": 1,
        "EC2NodeClass": 1,
        "EventRule": 4,
        "EventTarget": 4,
        "Key": 1,
        "LaunchTemplate": 1,
        "LogGroup": 1,
        "NodeGroup": 1,
        "NodePool": 1,
        "PodIdentityAssociation": 3,
        "Queue": 1,
        "QueuePolicy": 1,
        "Release": 3,
        "Role": 6,
        "RolePolicy": 3,
        "RolePolicyAttachment": 8,
        "SecurityGroupEgressRule": 1,
        "SecurityGroupIngressRule": 3,
        "aws": 1,
        "kubernetes": 1,
    }


def test_in_auto_mode_it_has_exactly_these_resources() -> None:
    assert counts(auto()) == {
        "AccessEntry": 1,
        "AccessPolicyAssociation": 1,
        "Addon": 1,
        "Cluster": 1,
        "ConfigMap": 1,
        "Key": 1,
        "LogGroup": 1,
        "NodeClass": 1,
        "NodePool": 1,
        "Role": 2,
        "RolePolicy": 1,
        "RolePolicyAttachment": 7,
        "SecurityGroupEgressRule": 1,
        "SecurityGroupIngressRule": 3,
        "aws": 1,
        "kubernetes": 1,
    }


@pytest.mark.parametrize("cluster", [{}, {"nodes": "auto"}, {"pool": None}])
def test_a_preview_registers_the_same_resources(cluster: dict[str, Any]) -> None:
    preview = run(lambda: build(**cluster), "preview").resources
    assert preview.keys() == run(lambda: build(**cluster)).resources.keys()


@pytest.mark.parametrize("plan", [managed, auto])
def test_everything_in_the_cluster_is_made_by_its_own_provider(plan: Any) -> None:
    provider = plan().one(PROVIDER)
    assert {each.provider for each in inside(plan())} == {f"{provider.urn}::{provider.id}"}
    assert all(waits_for(plan(), provider, admitted) for admitted in plan().all(ADMISSION))


def test_the_api_is_private_but_for_the_allow_list() -> None:
    assert get(managed().one(CLUSTER), "vpcConfig.endpointPrivateAccess") is True
    assert get(managed().one(CLUSTER), "vpcConfig.endpointPublicAccess") is False
    plan = run(lambda: build(endpoint={"public_cidrs": ["203.0.113.0/24"], "private_cidrs": ["10.9.0.0/16"]}))
    assert get(plan.one(CLUSTER), "vpcConfig.publicAccessCidrs") == ["203.0.113.0/24"]
    rule = plan.one(INGRESS, f"{NAME}-endpoint-1")
    assert (get(rule, "cidrIpv4"), get(rule, "fromPort"), get(rule, "toPort")) == ("10.9.0.0/16", 443, 443)
    # Whoever deploys through it must still reach the API when the last object goes.
    assert waits_for(plan, plan.one(PROVIDER), rule)


def test_nobody_is_let_in_but_by_an_entry() -> None:
    access = get(managed().one(CLUSTER), "accessConfig")
    assert access == {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False}
    deployer = managed().one(ENTRY, f"{NAME}-deployer")
    assert get(deployer, "principalArn") == DEPLOYER
    assert deployer.ignore_changes == ("principalArn",)
    assert get(managed().one(ADMISSION), "policyArn").endswith("/AmazonEKSClusterAdminPolicy")


def test_others_are_let_in_as_far_as_the_settings_say() -> None:
    plan = run(lambda: build(access=[{"principal": OPS, "policy": "view", "namespaces": ["shop"]}]))
    (found,) = [each for each in plan.all(ADMISSION) if "on-call" in each.name]
    assert get(found, "principalArn") == OPS
    assert get(found, "policyArn").endswith("/AmazonEKSViewPolicy")
    assert get(found, "accessScope") == {"type": "namespace", "namespaces": ["shop"]}


def test_secrets_are_encrypted_and_the_control_plane_logs_where_they_end() -> None:
    plan = managed()
    cluster, logs = plan.one(CLUSTER), plan.one(LOG_GROUP)
    assert get(cluster, "encryptionConfig.provider.keyArn") == plan.one("aws:kms/key:Key").state["arn"]
    assert get(logs, "name") == f"/aws/eks/{NAME}/cluster"
    assert get(logs, "retentionInDays") == 30
    assert waits_for(plan, cluster, logs)
    assert cluster.protect
    assert get(cluster, "deletionProtection") is True


def test_nodes_have_encrypted_volumes_tags_and_credentials_out_of_their_pods_reach() -> None:
    template = managed().one(TEMPLATE)
    assert get(template, "metadataOptions.httpTokens") == "required"
    assert get(template, "metadataOptions.httpPutResponseHopLimit") == 1
    assert [get(template, f"blockDeviceMappings.{place}.ebs.encrypted") for place in (0, 1)] == ["true", "true"]
    assert get(template, "tagSpecifications.0.tags.Environment") == "prod"


@pytest.mark.parametrize(
    ("image", "architecture", "expected"),
    [
        ("bottlerocket", "arm64", "BOTTLEROCKET_ARM_64"),
        ("bottlerocket", "x86_64", "BOTTLEROCKET_x86_64"),
        ("al2023", "arm64", "AL2023_ARM_64_STANDARD"),
        ("al2023", "x86_64", "AL2023_x86_64_STANDARD"),
    ],
)
def test_a_groups_image_is_of_its_system_and_architecture(image: str, architecture: str, expected: str) -> None:
    from components.kubernetes.nodes import Nodes
    from model.nodes import NodeGroup

    group = NodeGroup.model_validate({"image": image, "spot_percent": 50, "zones": [2], "min": 2, "max": 5})

    def program() -> None:
        Nodes(
            NAME,
            [group],
            architecture,  # pyright: ignore[reportArgumentType]
            tags={},
            cluster_name=NAME,
            version="1.35",
            node_role_arn=DEPLOYER,
            subnet_ids=SUBNETS,
            after=[],
        )

    plan = run(program)
    found = {get(each, "capacityType"): each for each in plan.all(GROUP)}
    assert {get(each, "amiType") for each in found.values()} == {expected}
    assert {tuple(get(each, "subnetIds")) for each in found.values()} == {("subnet-2",)}
    sizes = {kind: get(each, "scalingConfig") for kind, each in found.items()}
    assert sizes == {
        "ON_DEMAND": {"minSize": 1, "maxSize": 3, "desiredSize": 1},
        "SPOT": {"minSize": 1, "maxSize": 2, "desiredSize": 1},
    }


def test_the_pods_network_outlives_the_nodes_and_names_come_after_them() -> None:
    plan = managed()
    nodes = plan.one(GROUP)
    for name in ("vpc-cni", "kube-proxy", "eks-pod-identity-agent"):
        assert waits_for(plan, nodes, plan.one(ADD_ON, f"{NAME}-network-{name}"))
    for name in ("coredns", "metrics-server"):
        assert waits_for(plan, plan.one(ADD_ON, f"{NAME}-services-{name}"), nodes)
    assert waits_for(plan, plan.one(PROVIDER), nodes)


def test_add_ons_are_pinned_and_a_setting_moves_a_pin() -> None:
    assert all(get(each, "addonVersion").startswith("v") for each in managed().all(ADD_ON))
    plan = run(lambda: build(add_ons={"coredns": "v1.99.0-eksbuild.1"}))
    assert get(plan.one(ADD_ON, f"{NAME}-services-coredns"), "addonVersion") == "v1.99.0-eksbuild.1"


def test_network_policies_are_enforced_and_addresses_are_not_hoarded() -> None:
    configuration = json.loads(get(managed().one(ADD_ON, f"{NAME}-network-vpc-cni"), "configurationValues"))
    assert configuration["enableNetworkPolicy"] == "true"
    assert configuration["env"] == {"MINIMUM_IP_TARGET": "10", "WARM_IP_TARGET": "2"}
    assert get(auto().one(AUTO_CLASS), "spec.networkPolicy") == "DefaultAllow"


def test_each_controller_has_a_role_of_its_own_through_its_service_account() -> None:
    found = {get(each, "serviceAccount"): get(each, "namespace") for each in managed().all(IDENTITY)}
    assert found == {
        "aws-node": "kube-system",
        "karpenter": "kube-system",
        "aws-load-balancer-controller": "kube-system",
    }
    roles = [each for each in managed().all(ROLE) if each.name.endswith("-pods")]
    assert len(roles) == 3
    for role in roles:
        (trust,) = statements(role, "assumeRolePolicy")
        assert trust["Principal"] == {"Service": "pods.eks.amazonaws.com"}
        assert trust["Action"] == ["sts:AssumeRole", "sts:TagSession"]


def test_the_balancer_controller_changes_one_target_group_and_nothing_else() -> None:
    change, look = statements(managed().one(ROLE_POLICY, f"{NAME}-balancer-controller-pods"))
    assert change["Resource"] == [TARGETS]
    assert all(":Describe" in action for action in look["Action"])
    assert look["Condition"] == {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}


def test_karpenter_ends_only_this_clusters_nodes() -> None:
    policy = statements(managed().one(ROLE_POLICY, f"{NAME}-karpenter-pods"))
    (ends,) = [each for each in policy if "ec2:TerminateInstances" in each["Action"]]
    assert ends["Condition"]["StringEquals"] == {f"aws:ResourceTag/kubernetes.io/cluster/{NAME}": "owned"}
    starts = [each for each in policy if "ec2:RunInstances" in each["Action"]]
    assert len(starts) == 3
    for each in starts:
        resources = " ".join(each["Resource"])
        assert each.get("Condition") or not any(f":{made}/*" in resources for made in ("instance", "launch-template"))
    subnets = [arn for each in starts for arn in each["Resource"] if ":subnet/" in arn]
    assert [arn.rpartition("/")[2] for arn in subnets] == SUBNETS


def test_karpenter_passes_on_its_nodes_role_alone() -> None:
    plan = managed()
    (passes,) = [
        each for each in statements(plan.one(ROLE_POLICY, f"{NAME}-karpenter-pods")) if "iam:PassRole" in each["Action"]
    ]
    assert passes["Resource"] == [plan.one(ROLE, f"{NAME}-karpenter-nodes").state["arn"]]
    assert get(plan.one(ENTRY, f"{NAME}-karpenter-nodes"), "type") == "EC2_LINUX"


def test_only_its_own_event_rules_write_to_the_interruption_queue() -> None:
    plan = managed()
    (send,) = statements(plan.one("aws:sqs/queuePolicy:QueuePolicy"))
    rules = [each.state["arn"] for each in plan.all("aws:cloudwatch/eventRule:EventRule")]
    assert send["Condition"] == {"ArnEquals": {"aws:SourceArn": rules}}
    targets = plan.all("aws:cloudwatch/eventTarget:EventTarget")
    assert {get(each, "arn") for each in targets} == {str(plan.one("aws:sqs/queue:Queue").state["arn"])}


def test_charts_are_pinned_and_their_definitions_come_first() -> None:
    plan = managed()
    assert all(get(each, "version").count(".") == 2 for each in plan.all(RELEASE))
    controller = plan.one(RELEASE, f"{NAME}-karpenter")
    assert waits_for(plan, controller, plan.one(RELEASE, f"{NAME}-karpenter-crd"))
    assert get(controller, "skipCrds") is True


def test_a_pool_and_its_nodes_go_before_the_controller_that_ends_them() -> None:
    plan = managed()
    pool, node_class = plan.one(POOL), plan.one(CLASS)
    assert waits_for(plan, pool, node_class)
    assert waits_for(plan, node_class, plan.one(RELEASE, f"{NAME}-karpenter"))
    assert pool.custom_timeouts.delete == "30m"


def test_a_node_is_let_in_until_its_pool_is_gone() -> None:
    plan = managed()
    attached = [
        each
        for each in plan.all("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
        if each.name.startswith(f"{NAME}-karpenter-nodes-")
    ]
    assert len(attached) == 3
    for each in (*attached, plan.one(ENTRY, f"{NAME}-karpenter-nodes")):
        assert waits_for(plan, plan.one(CLASS), each)


@pytest.mark.parametrize(("task_seconds", "patience"), [(300, 3600), (3540, 3600), (3541, 3601), (20_000, 20_060)])
def test_a_node_that_goes_waits_for_its_longest_task(task_seconds: int, patience: int) -> None:
    workers = [{"name": "long", "longest_task_seconds": task_seconds}]
    plan = run(lambda: build(tasks={"app": "project", "workers": workers}))
    assert get(plan.one(POOL), "spec.template.spec.terminationGracePeriod") == f"{patience}s"


def test_a_pool_starts_what_the_settings_name_and_no_more() -> None:
    plan = run(lambda: build(pool={"instance_types": ["m7g.large"], "spot": True, "zones": [3], "max_processors": 8}))
    requirements = {each["key"]: each["values"] for each in get(plan.one(POOL), "spec.template.spec.requirements")}
    assert requirements == {
        "kubernetes.io/arch": ["arm64"],
        "kubernetes.io/os": ["linux"],
        "karpenter.sh/capacity-type": ["spot", "on-demand"],
        "node.kubernetes.io/instance-type": ["m7g.large"],
        "topology.kubernetes.io/zone": ["eu-west-1c"],
    }
    assert get(plan.one(POOL), "spec.limits") == {"cpu": "8"}
    assert get(plan.one(CLASS), "spec.subnetSelectorTerms") == [{"id": "subnet-3"}]
    assert get(plan.one(CLASS), "spec.metadataOptions.httpPutResponseHopLimit") == 1


@pytest.mark.parametrize(
    ("pool", "alias"),
    [
        ({}, "bottlerocket@latest"),
        ({"image_version": "v1.52.0"}, "bottlerocket@v1.52.0"),
        ({"image": "al2023", "image_version": "v20260210"}, "al2023@v20260210"),
    ],
)
def test_a_nodes_image_is_the_newest_or_the_settings_own(pool: dict[str, Any], alias: str) -> None:
    plan = run(lambda: build(pool=pool))
    assert get(plan.one(CLASS), "spec.amiSelectorTerms") == [{"alias": alias}]
    assert list(problems(manifest(plan.one(CLASS)), "1.35")) == []


def test_auto_mode_takes_the_roles_and_the_pool_of_its_own_kind() -> None:
    plan = auto()
    cluster = plan.one(CLUSTER)
    assert get(cluster, "computeConfig.enabled") is True
    assert get(cluster, "storageConfig.blockStorage.enabled") is True
    assert get(cluster, "kubernetesNetworkConfig.elasticLoadBalancing.enabled") is True
    assert get(cluster, "computeConfig.nodeRoleArn") == plan.one(ROLE, f"{NAME}-nodes").state["arn"]
    reference = get(plan.one(POOL), "spec.template.spec.nodeClassRef")
    assert reference == {"group": "eks.amazonaws.com", "kind": "NodeClass", "name": "application"}


def test_the_balancer_reaches_the_pods_and_they_the_database_and_the_caches() -> None:
    plan = managed()
    group = get_state(plan.one(CLUSTER))
    out = plan.one(EGRESS)
    assert (get(out, "securityGroupId"), get(out, "referencedSecurityGroupId")) == ("sg-balancer", group)
    found = {
        (get(each, "securityGroupId"), get(each, "referencedSecurityGroupId"), get(each, "fromPort"))
        for each in plan.all(INGRESS)
    }
    assert found == {(group, "sg-balancer", 8000), ("sg-database", group, 5432), ("sg-cache", group, 6379)}


def get_state(cluster: Resource) -> Any:
    network: Any = cluster.state["vpcConfig"]
    return network["clusterSecurityGroupId"]


def test_the_kubeconfig_says_how_to_get_a_token_and_holds_none() -> None:
    plan = managed()
    run_by = command(plan)
    assert run_by["command"] == "aws"
    assert run_by["args"] == [
        "--region", "eu-west-1", "eks", "get-token", "--output", "json", "--cluster-name", NAME,
    ]  # fmt: skip
    assert "token" not in kubeconfig(plan)["users"][0]["user"]
    assert get(plan.one(PROVIDER), "clusterIdentifier") == plan.one(CLUSTER).state["arn"]


def test_what_is_in_a_cluster_that_cannot_be_reached_is_not_forgotten() -> None:
    assert get(managed().one(PROVIDER), "deleteUnreachable") is None


def test_the_token_is_made_with_the_stacks_own_profile_and_role() -> None:
    role = [{"roleArn": OPS}]
    plan = run(lambda: build({"profile": "shop", "assumeRoles": json.dumps(role)}))
    assert command(plan)["env"] == [{"name": "AWS_PROFILE", "value": "shop"}]
    assert command(plan)["args"][6:8] == ["--role-arn", OPS]


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ({"accessKey": "AKIAEXAMPLE"}, "aws:accessKey"),
        ({"assumeRoles": json.dumps([{"roleArn": OPS}, {"roleArn": DEPLOYER}])}, "aws:assumeRoles"),
        ({"assumeRoles": json.dumps([{"roleArn": OPS, "externalId": "x"}])}, "aws:assumeRoles"),
        ({"sharedConfigFiles": json.dumps(["a", "b"])}, "aws:sharedConfigFiles"),
    ],
)
def test_a_way_of_signing_in_that_the_token_cannot_follow_is_refused(config: dict[str, Any], key: str) -> None:
    with pytest.raises(pulumi.RunError, match=f"^{key}: must be"):
        run(lambda: build(config))


def test_it_is_one_component_below_which_everything_stands() -> None:
    plan = managed()
    platform = component(plan, "Platform")
    outside = [each for each in plan.all() if each is not platform and each not in plan.descendants(platform)]
    assert [each.type for each in outside] == ["pulumi:providers:aws"]


def test_a_target_binding_leaves_security_groups_alone() -> None:
    from components.kubernetes.balancer_controller import target_binding

    model = settings(compute={"kubernetes": {}}).compute.kubernetes
    assert model is not None

    def program() -> None:
        target_binding(
            NAME, model, namespace="shop", service="web", port=80, target_group_arn=TARGETS,
            opts=pulumi.ResourceOptions(),
        )  # fmt: skip

    binding = run(program).one("kubernetes:elbv2.k8s.aws/v1beta1:TargetGroupBinding")
    assert get(binding, "spec") == {
        "serviceRef": {"name": "web", "port": 80},
        "targetGroupARN": TARGETS,
        "targetType": "ip",
    }
