"""Nodes that come when pods find no room, and go when they are empty: by Karpenter, or by EKS Auto Mode's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from components import permissions
from components.kubernetes.cluster import NODE_POLICIES, Cluster
from components.kubernetes.karpenter_role import Scope, karpenter_statements
from components.kubernetes.nodes import volumes
from components.kubernetes.pod_identity import PodIdentity
from model.eks import KARPENTER_CHART
from model.instances import Architecture
from model.kubernetes import Kubernetes
from model.nodes import NodePool

_CHARTS = "oci://public.ecr.aws/karpenter"
_NAMESPACE = "kube-system"
_SERVICE_ACCOUNT = "karpenter"

# What EventBridge tells of instances before they go (Karpenter's guide, "Disruption", interruption).
_NOTICES = {
    "spot": ("aws.ec2", "EC2 Spot Instance Interruption Warning"),
    "rebalance": ("aws.ec2", "EC2 Instance Rebalance Recommendation"),
    "state": ("aws.ec2", "EC2 Instance State-change Notification"),
    "health": ("aws.health", "AWS Health Event"),
}

# A pool goes once its nodes have: their pods are evicted first, each with its own grace.
_TIMEOUTS = pulumi.CustomTimeouts(delete="30m")

POOL = "application"


class NodeAutoscaling(pulumi.ComponentResource):
    """A node pool, and Karpenter to serve it where EKS does not."""

    pool: pulumi.Resource
    """The node pool: pods that may need its nodes come after it, and go before it and its nodes."""

    def __init__(
        self,
        name: str,
        model: Kubernetes,
        pool: NodePool,
        architecture: Architecture,
        *,
        region: str,
        account_id: pulumi.Input[str],
        tags: Mapping[str, str],
        cluster: Cluster,
        zone_names: Sequence[pulumi.Input[str]],
        subnet_ids: Sequence[pulumi.Input[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build the pool in the cluster that `opts` has the Kubernetes provider of.

        Zones and subnets are those of the network, in order; `tags` the instances' and volumes', which inherit none.
        """
        super().__init__("django-scale:kubernetes:NodeAutoscaling", name, None, opts)
        self._name = name
        self._model, self._pool = model, pool
        self._cluster = cluster
        self._child = pulumi.ResourceOptions(parent=self)
        places = pool.zones or range(1, len(subnet_ids) + 1)
        self._zones = [zone_names[place - 1] for place in places]
        self._subnets = [subnet_ids[place - 1] for place in places]
        if model.nodes == "auto":
            node_class = self._create_auto_class()
            reference = {"group": "eks.amazonaws.com", "kind": "NodeClass", "name": POOL}
        else:
            role, admitted = self._create_node_role()
            karpenter = self._run_karpenter(region, account_id, role)
            node_class = self._create_karpenter_class(role, tags, [karpenter, *admitted])
            reference = {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": POOL}
        self.pool = self._create_pool(reference, architecture, node_class)
        self.register_outputs({})

    def _create_node_role(self) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
        """Return the nodes' role, and what lets them in and work: a node that is shut out could not be emptied."""
        role = aws.iam.Role(
            f"{self._name}-karpenter-nodes",
            assume_role_policy=permissions.assume("ec2.amazonaws.com"),
            opts=self._child,
        )
        grants: list[pulumi.Resource] = [
            aws.iam.RolePolicyAttachment(
                f"{self._name}-karpenter-nodes-{policy.lower()}",
                role=role.name,
                policy_arn=f"arn:aws:iam::aws:policy/{policy}",
                opts=self._child,
            )
            for policy in NODE_POLICIES
        ]
        # EKS makes the entry of a managed group's role by itself, and of no other.
        entry = aws.eks.AccessEntry(
            f"{self._name}-karpenter-nodes",
            cluster_name=self._cluster.name,
            principal_arn=role.arn,
            type="EC2_LINUX",
            opts=self._child,
        )
        return role, [*grants, entry]

    def _run_karpenter(
        self, region: str, account_id: pulumi.Input[str], role: aws.iam.Role
    ) -> kubernetes.helm.v3.Release:
        queue = self._create_queue()
        scope = Scope(
            region=region,
            account_id=account_id,
            cluster_name=self._name,
            cluster_arn=self._cluster.arn,
            node_role_arn=role.arn,
            queue_arn=queue.arn,
            subnet_ids=list(self._subnets),
            security_group_id=self._cluster.security_group_id,
        )
        identity = PodIdentity(
            f"{self._name}-karpenter",
            cluster_name=self._cluster.name,
            namespace=_NAMESPACE,
            service_account=_SERVICE_ACCOUNT,
            statements=karpenter_statements(scope),
            opts=self._child,
        )
        # Helm never changes the CRDs inside a chart after the first time; a chart of their own does.
        definitions = self._release("karpenter-crd", {}, [])
        return self._release("karpenter", self._values(queue, identity), [identity, definitions])

    def _values(self, queue: aws.sqs.Queue, identity: PodIdentity) -> dict[str, Any]:
        return {
            "settings": {
                "clusterName": self._cluster.name,
                "clusterEndpoint": self._cluster.endpoint,
                "interruptionQueue": queue.name,
            },
            "serviceAccount": {"name": identity.service_account},
            # Two stand on two nodes, as the chart has it: a group of one node has room for one.
            "replicas": min(2, self._model.base_nodes),
            # It starts before CoreDNS has a node to run on.
            "dnsPolicy": "Default",
            "controller": {
                "resources": {
                    "requests": {"cpu": "250m", "memory": "512Mi"},
                    "limits": {"memory": "1Gi"},
                }
            },
        }

    def _release(
        self, chart: str, values: Mapping[str, Any], after: Sequence[pulumi.Resource]
    ) -> kubernetes.helm.v3.Release:
        return kubernetes.helm.v3.Release(
            f"{self._name}-{chart}",
            name=chart,
            chart=f"{_CHARTS}/{chart}",
            version=KARPENTER_CHART,
            namespace=_NAMESPACE,
            values=dict(values),
            skip_crds=True,
            atomic=True,
            timeout=600,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )

    def _create_queue(self) -> aws.sqs.Queue:
        queue = aws.sqs.Queue(
            f"{self._name}-interruptions",
            message_retention_seconds=300,
            sqs_managed_sse_enabled=True,
            opts=self._child,
        )
        arns: list[pulumi.Input[str]] = []
        for role, (source, kind) in _NOTICES.items():
            rule = aws.cloudwatch.EventRule(
                f"{self._name}-{role}",
                description=f"{kind}, for Karpenter",
                event_pattern=pulumi.Output.json_dumps({"source": [source], "detail-type": [kind]}),
                opts=self._child,
            )
            aws.cloudwatch.EventTarget(f"{self._name}-{role}", rule=rule.name, arn=queue.arn, opts=self._child)
            arns.append(rule.arn)
        aws.sqs.QueuePolicy(
            f"{self._name}-interruptions",
            queue_url=queue.url,
            policy=permissions.document(
                permissions.allow(
                    ["sqs:SendMessage"],
                    [queue.arn],
                    principal={"Service": "events.amazonaws.com"},
                    conditions={"ArnEquals": {"aws:SourceArn": arns}},
                )
            ),
            opts=self._child,
        )
        return queue

    def _create_karpenter_class(
        self, role: aws.iam.Role, tags: Mapping[str, str], after: Sequence[pulumi.Resource]
    ) -> pulumi.Resource:
        spec: dict[str, Any] = {
            "role": role.name,
            "amiSelectorTerms": [{"alias": f"{self._pool.image}@{self._pool.image_version}"}],
            "subnetSelectorTerms": [{"id": subnet} for subnet in self._subnets],
            "securityGroupSelectorTerms": [{"id": self._cluster.security_group_id}],
            # One hop: pods do not reach the node's credentials; they have their own by Pod Identity.
            "metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1},
            "blockDeviceMappings": [
                {
                    "deviceName": device,
                    "ebs": {
                        "volumeType": "gp3",
                        "volumeSize": f"{gib}Gi",
                        "encrypted": True,
                        "deleteOnTermination": True,
                    },
                }
                for device, gib in volumes(self._pool.image, self._pool.volume_gib)
            ],
            "tags": {**tags, "Name": f"{self._name}-{POOL}"},
        }
        return self._custom("class", "karpenter.k8s.aws/v1", "EC2NodeClass", spec, after)

    def _create_auto_class(self) -> pulumi.Resource:
        # It logs and enforces what the workload's network policies say only where this asks for it (EKS guide, "Use
        # Network Policies with EKS Auto Mode").
        policies = kubernetes.core.v1.ConfigMap(
            f"{self._name}-network-policies",
            metadata={"name": "amazon-vpc-cni", "namespace": _NAMESPACE},
            data={"enable-network-policy-controller": "true"},
            opts=self._child,
        )
        spec: dict[str, Any] = {
            "role": self._cluster.node_role.name,
            "subnetSelectorTerms": [{"id": subnet} for subnet in self._subnets],
            "securityGroupSelectorTerms": [{"id": self._cluster.security_group_id}],
            "ephemeralStorage": {"size": f"{self._pool.volume_gib}Gi"},
            "networkPolicy": "DefaultAllow",
        }
        return self._custom("class", "eks.amazonaws.com/v1", "NodeClass", spec, [policies])

    def _create_pool(
        self, node_class: Mapping[str, str], architecture: Architecture, after: pulumi.Resource
    ) -> pulumi.Resource:
        pool = self._pool
        capacity = ["spot", "on-demand"] if pool.spot else ["on-demand"]
        requirements = {
            "kubernetes.io/arch": [{"arm64": "arm64", "x86_64": "amd64"}[architecture]],
            "kubernetes.io/os": ["linux"],
            "karpenter.sh/capacity-type": capacity,
            "node.kubernetes.io/instance-type": list(pool.instance_types),
            "topology.kubernetes.io/zone": self._zones,
        }
        spec: dict[str, Any] = {
            "template": {
                "spec": {
                    "nodeClassRef": dict(node_class),
                    "requirements": [
                        {"key": key, "operator": "In", "values": values} for key, values in requirements.items()
                    ],
                    "expireAfter": f"{pool.expire_after_days * 24}h",
                    "terminationGracePeriod": f"{self._model.node_patience_seconds}s",
                }
            },
            "limits": {"cpu": str(pool.max_processors)},
            "disruption": {
                "consolidationPolicy": "WhenEmptyOrUnderutilized",
                "consolidateAfter": f"{pool.consolidate_after_seconds}s",
                "budgets": [{"nodes": "10%"}],
            },
        }
        return self._custom("pool", "karpenter.sh/v1", "NodePool", spec, [after])

    def _custom(
        self, role: str, api_version: str, kind: str, spec: Mapping[str, Any], after: Sequence[pulumi.Resource]
    ) -> pulumi.Resource:
        return kubernetes.apiextensions.CustomResource(
            f"{self._name}-{POOL}-{role}",
            api_version=api_version,
            kind=kind,
            metadata={"name": POOL},
            spec=dict(spec),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after), custom_timeouts=_TIMEOUTS),
        )
