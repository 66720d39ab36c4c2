"""What EKS itself runs in the cluster: the pods' network, names, Services' addresses, roles and metrics."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from components.kubernetes.pod_identity import PodIdentity
from model.eks import AddOn
from model.kubernetes import Kubernetes

# By default the CNI holds a whole spare network interface of addresses on each node. These leave a node the addresses
# of its pods and two more (aws-eks-best-practices, "Amazon VPC CNI", IP consumption; amazon-vpc-cni-k8s,
# docs/eni-and-ip-target.md). `model.nodes` counts subnets by them.
_NETWORK = {"enableNetworkPolicy": "true", "env": {"MINIMUM_IP_TARGET": "10", "WARM_IP_TARGET": "2"}}

_NETWORK_POLICY = "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy"

BEFORE_NODES: Sequence[AddOn] = ("vpc-cni", "kube-proxy", "eks-pod-identity-agent")
"""Add-ons that a node needs to become ready, or its first pods to have their roles."""
AFTER_NODES: Sequence[AddOn] = ("coredns", "metrics-server")
"""Add-ons that need a node to run on."""


class AddOns(pulumi.ComponentResource):
    """EKS's add-ons of one stage, each of a pinned version."""

    installed: list[pulumi.Resource]

    def __init__(
        self,
        name: str,
        kubernetes: Kubernetes,
        names: Sequence[AddOn],
        *,
        cluster_name: pulumi.Input[str],
        after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Install the add-ons `names`, once `after` stands."""
        super().__init__("django-scale:kubernetes:AddOns", name, None, opts)
        self._name = name
        self._model = kubernetes
        self._cluster_name = cluster_name
        self._after = after
        self.installed = [self._install(add_on) for add_on in names]
        self.register_outputs({})

    def _install(self, add_on: AddOn) -> pulumi.Resource:
        before = list(self._after)
        if add_on == "vpc-cni":
            before.append(self._create_network_role())
        configuration: Mapping[str, Any] | None = _NETWORK if add_on == "vpc-cni" else None
        return aws.eks.Addon(
            f"{self._name}-{add_on}",
            cluster_name=self._cluster_name,
            addon_name=add_on,
            addon_version=self._model.add_on_version(add_on),
            configuration_values=None if configuration is None else json.dumps(configuration, sort_keys=True),
            # What somebody changed by hand is undone: the settings are what is deployed.
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            opts=pulumi.ResourceOptions(parent=self, depends_on=before),
        )

    def _create_network_role(self) -> PodIdentity:
        return PodIdentity(
            f"{self._name}-network",
            cluster_name=self._cluster_name,
            namespace="kube-system",
            service_account="aws-node",
            policy_arns=[_NETWORK_POLICY],
            opts=pulumi.ResourceOptions(parent=self),
        )
