"""All that pods need before the first of them: a cluster, nodes, what runs on them, and the way to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.kubernetes.add_ons import AFTER_NODES, BEFORE_NODES, AddOns
from components.kubernetes.balancer_controller import BalancerController
from components.kubernetes.cluster import Cluster
from components.kubernetes.cluster_traffic import ClusterTraffic
from components.kubernetes.kubernetes_provider import kubernetes_provider
from components.kubernetes.node_autoscaling import NodeAutoscaling
from components.kubernetes.nodes import Nodes
from model.instances import Architecture
from model.kubernetes import Kubernetes


@dataclass(frozen=True)
class Surroundings:
    """What the cluster stands in."""

    region: str
    account_id: pulumi.Input[str]
    deployer_arn: pulumi.Input[str]
    """The IAM role or user that deploys."""
    provider: Mapping[str, Any]
    """The keys of a stack's file after `aws:`: the cluster's token is made with the same credentials."""
    tags: Mapping[str, str]
    vpc_id: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    """Private subnets, a zone each."""
    zone_names: Sequence[pulumi.Input[str]]
    balancer_group_id: pulumi.Input[str]
    target_group_arn: pulumi.Input[str]
    pod_port: int
    """Where the balancer reaches a pod."""
    used: Mapping[str, tuple[pulumi.Input[str], int]]
    """The security group and the port of what the pods use, by role."""


class Platform(pulumi.ComponentResource):
    """A cluster that pods can be put on."""

    cluster: Cluster
    provider: kubernetes.Provider
    """The provider of everything in the cluster: there is no default one that could be another cluster's."""
    ready: list[pulumi.Resource]
    """What must stand before the application's pods start, and until they are gone."""

    def __init__(
        self,
        name: str,
        model: Kubernetes,
        architecture: Architecture,
        around: Surroundings,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build the cluster `name` and what it needs. What is destroyed goes the other way round, pods' nodes first."""
        super().__init__("django-scale:kubernetes:Platform", name, None, opts)
        self._name, self._model, self._around = name, model, around
        self._architecture: Architecture = architecture
        self._child = pulumi.ResourceOptions(parent=self)
        self.cluster = Cluster(
            name,
            model,
            account_id=around.account_id,
            deployer_arn=around.deployer_arn,
            subnet_ids=around.subnet_ids,
            opts=self._child,
        )
        ClusterTraffic(
            name,
            cluster_group_id=self.cluster.security_group_id,
            balancer_group_id=around.balancer_group_id,
            pod_port=around.pod_port,
            used=around.used,
            opts=self._child,
        )
        self.provider = kubernetes_provider(
            self.cluster, region=around.region, config=around.provider, after=self._create_nodes(), opts=self._child
        )
        self.ready = self._create_controllers()
        self.register_outputs({"cluster": self.cluster.name})

    def _create_nodes(self) -> list[pulumi.Resource]:
        """Return what must stand before anything is put on the cluster.

        That is nothing in Auto Mode, where nodes come with the first pods, and bring all add-ons but metrics-server.
        """
        model, name = self._model, self.cluster.name
        if model.nodes == "auto":
            AddOns(self._name, model, ("metrics-server",), cluster_name=name, opts=self._child)
            return []
        before = AddOns(f"{self._name}-network", model, BEFORE_NODES, cluster_name=name, opts=self._child)
        nodes = Nodes(
            self._name,
            model.managed_groups,
            self._architecture,
            tags=self._around.tags,
            cluster_name=name,
            version=self.cluster.version,
            node_role_arn=self.cluster.node_role.arn,
            subnet_ids=self._around.subnet_ids,
            after=before.installed,
            opts=self._child,
        )
        after = AddOns(
            f"{self._name}-services", model, AFTER_NODES, cluster_name=name, after=nodes.groups, opts=self._child
        )
        return [*nodes.groups, *after.installed]

    def _create_controllers(self) -> list[pulumi.Resource]:
        around, child = self._around, pulumi.ResourceOptions(parent=self, providers=[self.provider])
        controller = BalancerController(
            self._name,
            self._model,
            region=around.region,
            cluster=self.cluster,
            vpc_id=around.vpc_id,
            target_group_arn=around.target_group_arn,
            opts=child,
        )
        if self._model.pool is None:
            return controller.running
        autoscaling = NodeAutoscaling(
            self._name,
            self._model,
            self._model.pool,
            self._architecture,
            region=around.region,
            account_id=around.account_id,
            tags=around.tags,
            cluster=self.cluster,
            zone_names=around.zone_names,
            subnet_ids=around.subnet_ids,
            opts=child,
        )
        return [*controller.running, autoscaling.pool]
