"""What tests of the pods' components share: all of them built from settings, and objects as the cluster gets them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from ipaddress import IPv4Network
from typing import Any

import pulumi

from components.kubernetes.application_namespace import ApplicationNamespace
from components.kubernetes.autoscalers import Autoscalers
from components.kubernetes.workload import Instances, Place, Workload
from model.kubernetes import Kubernetes
from model.settings import Settings
from scale.testing import Mode, Recording, Resource, reveal, run
from tests.components.building import settings

NAME = "shop-prod"
BALANCER = [IPv4Network("10.0.128.0/20")]
DATA = [IPv4Network("10.0.192.0/20")]
ENVIRONMENT = {"DJANGO_DEBUG": "false", "PORT": "8000"}
SECRETS = {"DB_PASSWORD": "plain-password", "DJANGO_SECRET_KEY": "plain-key"}
TASKS = {
    "app": "project",
    "beat": True,
    "workers": [
        {"name": "default", "queues": ["default", "mail"]},
        {"name": "reports", "queues": ["reports"], "task_seconds": 30, "longest_task_seconds": 900},
    ],
}

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
SERVICE = "kubernetes:core/v1:Service"
NAMESPACE = "kubernetes:core/v1:Namespace"
ACCOUNT = "kubernetes:core/v1:ServiceAccount"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
SECRET_OBJECT = "kubernetes:core/v1:Secret"
JOB = "kubernetes:batch/v1:Job"
BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"
NETWORK_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
HPA = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
VPA = "kubernetes:autoscaling.k8s.io/v1:VerticalPodAutoscaler"
SCALED_OBJECT = "kubernetes:keda.sh/v1alpha1:ScaledObject"
RELEASE = "kubernetes:helm.sh/v3:Release"

VARIANTS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "tasks": {"compute": {"kubernetes": {"tasks": TASKS}}},
    "keda": {"compute": {"kubernetes": {"tasks": TASKS, "metrics": "keda"}}},
    "pooled": {"database": {"pooling": "pgbouncer", "replicas": [{}]}},
    "required zones": {"compute": {"kubernetes": {"web": {"zone_spread": "required"}, "migration": None}}},
    "vertical": {
        "compute": {
            "kubernetes": {
                "vertical": {"mode": "recreate", "controls": ["memory"]},
                "scaling": {"memory_percent": None, "requests_per_second": None},
            }
        }
    },
}


def parsed(**groups: Any) -> Settings:
    """Return the settings of `shop` in `prod` with a cluster."""
    return settings(**{"compute": {"kubernetes": {}}, **groups})


def kubernetes(found: Settings) -> Kubernetes:
    """Return the settings of its cluster."""
    assert found.compute.kubernetes is not None
    return found.compute.kubernetes


def build(found: Settings, gunicorn_port: int = 8000) -> Callable[[], None]:
    """Return what builds all that is in the cluster, by the stack's own order."""
    model = kubernetes(found)

    def make() -> None:
        place = ApplicationNamespace(
            NAME,
            port=found.application.port,
            scraped_port=gunicorn_port,
            balancer_blocks=BALANCER,
            data_blocks=DATA,
            database_port=found.database.port,
            egress_ports=model.egress_ports,
        )
        work = Workload(
            NAME,
            model,
            found.application,
            images=found.images,
            traffic=found.traffic,
            database=found.database,
            instances=Instances(
                "db.example.com", [f"replica-{n}.example.com" for n, _ in enumerate(found.database.replicas)]
            ),
            place=Place(place.namespace, place.service_account, [str(block) for block in BALANCER]),
            gunicorn_port=gunicorn_port,
            environment=ENVIRONMENT,
            secrets={name: pulumi.Output.secret(value) for name, value in SECRETS.items()},
        )
        Autoscalers(
            NAME,
            model,
            found.scaling,
            namespace=NAME,
            deployment_name=work.deployment_name,
            worker_names=work.worker_names,
            proxied=gunicorn_port != found.application.port,
        )

    return make


@cache
def built(variant: str = "as it is", gunicorn_port: int = 8000, mode: Mode = "update") -> Recording:
    """Return what a variant registers."""
    return run(build(parsed(**VARIANTS[variant]), gunicorn_port), mode)


def manifest(resource: Resource) -> dict[str, Any]:
    """Return an object as the API server gets it, secrets revealed."""
    found = reveal(dict(resource.properties))
    assert isinstance(found, dict)
    return found


def pod(resource: Resource) -> dict[str, Any]:
    """Return the pod's spec of a Deployment or a Job."""
    return manifest(resource)["spec"]["template"]["spec"]
