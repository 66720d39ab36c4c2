"""Who may talk to the pods, and to whom they may."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws


class ClusterTraffic(pulumi.ComponentResource):
    """Balancer to pods, pods to database and caches: rules between the cluster's security group and the stack's own.

    EKS makes the cluster's group: its members reach each other, and everything outside. Which pod may do what of that
    is the matter of network policies.
    """

    def __init__(
        self,
        name: str,
        *,
        cluster_group_id: pulumi.Input[str],
        balancer_group_id: pulumi.Input[str],
        pod_port: int,
        used: Mapping[str, tuple[pulumi.Input[str], int]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Let the balancer's group reach `pod_port`, and the pods the group and port of each role in `used`."""
        super().__init__("django-scale:network:ClusterTraffic", name, None, opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        aws.vpc.SecurityGroupEgressRule(
            f"{name}-balancer-to-pods",
            security_group_id=balancer_group_id,
            referenced_security_group_id=cluster_group_id,
            ip_protocol="tcp",
            from_port=pod_port,
            to_port=pod_port,
            description="To the pods",
            opts=self._child,
        )
        self._admit("pods", cluster_group_id, "balancer", balancer_group_id, pod_port)
        for role, (group_id, port) in used.items():
            self._admit(role, group_id, "pods", cluster_group_id, port)
        self.register_outputs({})

    def _admit(
        self,
        role: str,
        group_id: pulumi.Input[str],
        source_role: str,
        source_group_id: pulumi.Input[str],
        port: int,
    ) -> None:
        aws.vpc.SecurityGroupIngressRule(
            f"{self._name}-{role}-from-{source_role}",
            security_group_id=group_id,
            referenced_security_group_id=source_group_id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description=f"From the {source_role}",
            opts=self._child,
        )
