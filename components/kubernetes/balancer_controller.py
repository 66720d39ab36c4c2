"""What keeps the pods' target group up to date: the AWS Load Balancer Controller, or EKS Auto Mode's own."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as kubernetes

from components import permissions
from components.kubernetes.cluster import Cluster
from components.kubernetes.pod_identity import PodIdentity
from model.eks import BALANCER_CONTROLLER_CHART
from model.kubernetes import Kubernetes

_CHARTS = "https://aws.github.io/eks-charts"
_CHART = "aws-load-balancer-controller"
_NAMESPACE = "kube-system"

READINESS_LABELS = {
    "managed": "elbv2.k8s.aws/pod-readiness-gate-inject",
    "auto": "eks.amazonaws.com/pod-readiness-gate-inject",
}
"""The label of a namespace, by the way nodes are run, whose pods are ready once the balancer sends them requests."""

_BINDINGS = {"managed": "elbv2.k8s.aws/v1beta1", "auto": "eks.amazonaws.com/v1"}


class BalancerController(pulumi.ComponentResource):
    """The controller that registers pods as targets. It makes no balancer: the stack's own is the only one."""

    running: list[pulumi.Resource]
    """What must stand before a pod that is to become a target starts; nothing in Auto Mode, where EKS runs it."""

    def __init__(
        self,
        name: str,
        model: Kubernetes,
        *,
        region: str,
        cluster: Cluster,
        vpc_id: pulumi.Input[str],
        target_group_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Run the controller in the cluster that `opts` has the Kubernetes provider of, for one target group."""
        super().__init__("django-scale:kubernetes:BalancerController", name, None, opts)
        self.running = []
        if model.nodes == "managed":
            identity = PodIdentity(
                f"{name}-balancer-controller",
                cluster_name=cluster.name,
                namespace=_NAMESPACE,
                service_account=_CHART,
                statements=_statements(region, target_group_arn),
                opts=pulumi.ResourceOptions(parent=self),
            )
            self.running = [self._run(name, model, region, cluster, vpc_id, identity)]
        self.register_outputs({})

    def _run(
        self,
        name: str,
        model: Kubernetes,
        region: str,
        cluster: Cluster,
        vpc_id: pulumi.Input[str],
        identity: PodIdentity,
    ) -> pulumi.Resource:
        return kubernetes.helm.v3.Release(
            f"{name}-balancer-controller",
            name=_CHART,
            chart=_CHART,
            version=BALANCER_CONTROLLER_CHART,
            repository_opts={"repo": _CHARTS},
            namespace=_NAMESPACE,
            values={
                "clusterName": cluster.name,
                # It asks the node for these otherwise, whose metadata pods do not reach.
                "region": region,
                "vpcId": vpc_id,
                "serviceAccount": {"name": identity.service_account},
                "replicaCount": min(2, model.base_nodes),
                # It binds targets and does nothing else: no Ingress, and no Service waits for its webhook.
                "enableServiceMutatorWebhook": False,
                "createIngressClassResource": False,
                "enableShield": False,
                "enableWaf": False,
                "enableWafv2": False,
                "resources": {
                    "requests": {"cpu": "100m", "memory": "128Mi"},
                    "limits": {"memory": "256Mi"},
                },
            },
            atomic=True,
            timeout=600,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[identity]),
        )


def target_binding(
    name: str,
    model: Kubernetes,
    *,
    namespace: pulumi.Input[str],
    service: pulumi.Input[str],
    port: int,
    target_group_arn: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> pulumi.Resource:
    """Return the TargetGroupBinding that makes the pods of a Service targets of a group.

    The pods come after it and after the Service, or they start without the gate that keeps a rollout from running ahead
    of the balancer's health checks.
    """
    return kubernetes.apiextensions.CustomResource(
        f"{name}-targets",
        api_version=_BINDINGS[model.nodes],
        kind="TargetGroupBinding",
        metadata={"name": name, "namespace": namespace},
        # Without `networking` the controller leaves security groups alone: the stack's own rules let the balancer in.
        spec={
            "serviceRef": {"name": service, "port": port},
            "targetGroupARN": target_group_arn,
            "targetType": "ip",
        },
        opts=opts,
    )


def _statements(region: str, target_group_arn: pulumi.Input[str]) -> list[permissions.Statement]:
    """Return what binding targets needs: to change this group's alone, and to look things up in this region.

    What the controller's own example policy allows besides makes balancers, listeners and rules for Ingresses.
    """
    described = ["AvailabilityZones", "Instances", "NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs"]
    looked_up = ["TargetGroups", "TargetGroupAttributes", "TargetHealth", "Tags"]
    return [
        permissions.allow(
            ["elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets"], [target_group_arn]
        ),
        permissions.allow(
            [
                *(f"ec2:Describe{what}" for what in described),
                *(f"elasticloadbalancing:Describe{what}" for what in looked_up),
            ],
            ["*"],
            conditions={"StringEquals": {"aws:RequestedRegion": region}},
        ),
    ]
