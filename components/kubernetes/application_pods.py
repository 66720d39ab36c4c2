"""The application on a platform: its place, the way to it, its pods and what scales them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.application_permissions import application_statements
from components.kubernetes.application_namespace import ApplicationNamespace
from components.kubernetes.autoscalers import Autoscalers
from components.kubernetes.balancer_controller import READINESS_LABELS, target_binding
from components.kubernetes.platform import Platform
from components.kubernetes.pod_identity import PodIdentity
from components.kubernetes.workload import Instances, Place, Workload
from model.environment import GUNICORN_PORT
from model.kubernetes import Kubernetes
from model.settings import Settings
from model.workload import SERVICE_ACCOUNT

_SERVICE_PORT = 80


@dataclass(frozen=True)
class Uses:
    """What the pods use: variables and secrets by name, hosts of the database, what they may do on AWS."""

    environment: pulumi.Input[Mapping[str, str]]
    secrets: Mapping[str, pulumi.Input[str]]
    instances: Instances
    bucket_arns: Sequence[pulumi.Input[str]]
    queue_arns: Sequence[pulumi.Input[str]]
    target_group_arn: pulumi.Input[str]


class ApplicationPods(pulumi.ComponentResource):
    """Namespace, then the role and the balancer's binding, then pods: each of them is a target before it is ready."""

    namespace: pulumi.Output[str]
    workload: Workload

    def __init__(
        self,
        name: str,
        settings: Settings,
        model: Kubernetes,
        platform: Platform,
        uses: Uses,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Put the application of `settings` on `platform`, whose cluster `model` describes; `opts` has its provider."""
        super().__init__("django-scale:kubernetes:ApplicationPods", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        # Away from a cluster goes the application before the controllers that would clean up after it.
        ready = pulumi.ResourceOptions(parent=self, depends_on=platform.ready)
        subnets = settings.network.subnets
        port, behind = settings.application.port, GUNICORN_PORT
        place = ApplicationNamespace(
            name,
            port=port,
            scraped_port=behind,
            balancer_blocks=subnets.public,
            data_blocks=subnets.isolated,
            database_port=settings.database.port,
            egress_ports=model.egress_ports,
            namespace_labels={READINESS_LABELS[model.nodes]: "enabled"},
            names_on_nodes=model.nodes == "auto",
            opts=child,
        )
        identity = PodIdentity(
            f"{name}-application",
            cluster_name=platform.cluster.name,
            namespace=name,
            service_account=SERVICE_ACCOUNT,
            statements=application_statements(uses.bucket_arns, uses.queue_arns),
            opts=child,
        )
        binding = target_binding(
            name,
            model,
            namespace=place.namespace,
            service=place.service_name,
            port=_SERVICE_PORT,
            target_group_arn=uses.target_group_arn,
            opts=ready,
        )
        self.workload = Workload(
            name,
            model,
            settings.application,
            images=settings.images,
            traffic=settings.traffic,
            database=settings.database,
            instances=uses.instances,
            place=Place(place.namespace, place.service_account, [str(block) for block in subnets.public]),
            gunicorn_port=behind,
            environment=uses.environment,
            secrets=uses.secrets,
            after=[*platform.ready, binding, identity],
            opts=child,
        )
        Autoscalers(
            name,
            model,
            settings.scaling,
            namespace=name,
            deployment_name=self.workload.deployment_name,
            worker_names=self.workload.worker_names,
            proxied=behind != port,
            after=platform.ready,
            opts=child,
        )
        self.namespace = place.namespace
        self.register_outputs({"namespace": self.namespace, "deployment_name": self.workload.deployment_name})
