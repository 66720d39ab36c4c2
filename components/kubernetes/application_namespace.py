"""The application's place in the cluster: what must be there before its pods are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network

import pulumi
import pulumi_kubernetes as kubernetes

from components.kubernetes.network_policies import NetworkPolicies
from model.pod_names import labels, selector
from model.workload import SERVICE_ACCOUNT, WEB


class ApplicationNamespace(pulumi.ComponentResource):
    """A namespace that takes restricted pods only, their service account, the web pods' Service, network policies.

    It stands apart from the pods: the load balancer's binding comes between the Service and the first pod, so that
    each pod is ready only once the balancer sends it requests; and so does the service account's role.
    """

    namespace: pulumi.Output[str]
    service_name: pulumi.Output[str]
    service_account: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        port: int,
        scraped_port: int,
        balancer_blocks: Sequence[IPv4Network],
        data_blocks: Sequence[IPv4Network],
        database_port: int,
        egress_ports: Sequence[int] = (),
        namespace_labels: Mapping[str, str] | None = None,
        names_on_nodes: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build the namespace, named `name` as the environment is.

        The Service sends to `port` of the web pods, and Prometheus reads at `scraped_port`; the load balancer is in
        `balancer_blocks`, databases and caches are in `data_blocks`. `namespace_labels` are further labels, such as the
        one that has the balancer's controller hold pods back until they are targets. `names_on_nodes` says that nodes
        answer for names themselves.
        """
        super().__init__("django-scale:kubernetes:ApplicationNamespace", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = kubernetes.core.v1.Namespace(
            f"{name}-namespace",
            metadata={
                "name": name,
                "labels": {
                    # Pod Security Admission's strictest level, of the cluster's own version.
                    **{f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")},
                    **(namespace_labels or {}),
                },
            },
            opts=child,
        )
        self.namespace = namespace.metadata.apply(lambda metadata: str(metadata.name))
        account = kubernetes.core.v1.ServiceAccount(
            f"{name}-account",
            metadata={"name": SERVICE_ACCOUNT, "namespace": self.namespace, "labels": labels(name, WEB)},
            # No pod of the application talks to Kubernetes; its AWS role has a token of its own.
            automount_service_account_token=False,
            opts=child,
        )
        service = kubernetes.core.v1.Service(
            f"{name}-service",
            metadata={
                "name": WEB,
                "namespace": self.namespace,
                "labels": labels(name, WEB),
                # The engine would wait for ready pods, which come after what this Service is bound to.
                "annotations": {"pulumi.com/skipAwait": "true"},
            },
            spec={
                "type": "ClusterIP",
                "selector": selector(name),
                "ports": [{"name": "http", "port": 80, "target_port": port, "protocol": "TCP"}],
            },
            opts=child,
        )
        NetworkPolicies(
            name,
            prefix=name,
            namespace=self.namespace,
            port=port,
            scraped_port=scraped_port,
            balancer_blocks=balancer_blocks,
            data_blocks=data_blocks,
            database_port=database_port,
            egress_ports=egress_ports,
            names_on_nodes=names_on_nodes,
            opts=child,
        )
        self.service_account = account.metadata.apply(lambda metadata: str(metadata.name))
        self.service_name = service.metadata.apply(lambda metadata: str(metadata.name))
        self.register_outputs(
            {
                "namespace": self.namespace,
                "service_name": self.service_name,
                "service_account": self.service_account,
            }
        )
