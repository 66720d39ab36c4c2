"""Whom the application's pods may talk to, and who to them."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network

import pulumi
import pulumi_kubernetes as kubernetes

from model.environment import CACHE_PORT
from model.pod_names import METRICS_NAMESPACE, selector

# The pod identity agent of a node (EKS guide, "Pod Identity considerations").
_IDENTITY_AGENT = "169.254.170.23/32"
_ANYWHERE = "0.0.0.0/0"


class NetworkPolicies(pulumi.ComponentResource):
    """Nothing in and nothing out, but what the application needs.

    They hold where the cluster's network enforces them: the VPC CNI with network policies switched on, or Auto Mode. A
    pod's own node reaches it always, which is how probes come.
    """

    def __init__(
        self,
        name: str,
        *,
        prefix: str,
        namespace: pulumi.Input[str],
        port: int,
        scraped_port: int,
        balancer_blocks: Sequence[IPv4Network],
        data_blocks: Sequence[IPv4Network],
        database_port: int,
        egress_ports: Sequence[int],
        names_on_nodes: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build the policies of `namespace`.

        The load balancer, which is in `balancer_blocks`, reaches the web pods at `port`; Prometheus reaches them at
        `scraped_port`. Databases and caches are in `data_blocks`. With `names_on_nodes` each node answers for names
        itself, as in Auto Mode, and there are no pods of CoreDNS.
        """
        super().__init__("django-scale:kubernetes:NetworkPolicies", name, None, opts)
        self._name = name
        self._namespace = namespace
        self._child = pulumi.ResourceOptions(parent=self)
        self._create("default-deny", {"pod_selector": {}, "policy_types": ["Ingress", "Egress"]})
        self._create(
            "web-ingress",
            {
                "pod_selector": {"match_labels": selector(prefix)},
                "policy_types": ["Ingress"],
                "ingress": [
                    {"from_": [_block(str(block)) for block in balancer_blocks], "ports": [_port(port)]},
                    {
                        "from_": [{"namespace_selector": {"match_labels": _named(METRICS_NAMESPACE)}}],
                        "ports": [_port(scraped_port)],
                    },
                ],
            },
        )
        self._create(
            "egress",
            {
                "pod_selector": {},
                "policy_types": ["Egress"],
                "egress": [
                    {
                        # What answers on a node is selected by no label (aws/containers-roadmap#2552).
                        "to": [_block(_ANYWHERE) if names_on_nodes else _CORE_DNS],
                        "ports": [_port(53), {"protocol": "UDP", "port": 53}],
                    },
                    {
                        "to": [_block(str(block)) for block in data_blocks],
                        "ports": [_port(database_port), _port(CACHE_PORT)],
                    },
                    {"to": [_block(_IDENTITY_AGENT)], "ports": [_port(80)]},
                    # AWS's services have no fixed addresses; what a pod may do there is its role's matter.
                    {"to": [_block(_ANYWHERE)], "ports": [_port(each) for each in (443, *egress_ports)]},
                ],
            },
        )
        self.register_outputs({})

    def _create(self, role: str, spec: kubernetes.networking.v1.NetworkPolicySpecArgsDict) -> None:
        kubernetes.networking.v1.NetworkPolicy(
            f"{self._name}-{role}", metadata={"name": role, "namespace": self._namespace}, spec=spec, opts=self._child
        )


def _named(namespace: str) -> dict[str, pulumi.Input[str]]:
    return {"kubernetes.io/metadata.name": namespace}


_CORE_DNS: kubernetes.networking.v1.NetworkPolicyPeerArgsDict = {
    "namespace_selector": {"match_labels": _named("kube-system")},
    "pod_selector": {"match_labels": {"k8s-app": "kube-dns"}},
}


def _block(cidr: str) -> kubernetes.networking.v1.NetworkPolicyPeerArgsDict:
    return {"ip_block": {"cidr": cidr}}


def _port(number: int) -> kubernetes.networking.v1.NetworkPolicyPortArgsDict:
    return {"protocol": "TCP", "port": number}
