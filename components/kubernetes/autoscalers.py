"""What makes pods come and go, and what says how large they should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_kubernetes as kubernetes

from components.kubernetes.pod_metrics import PodMetrics
from model.autoscaling import Direction, PodScaling, Target, web_scaling, worker_scaling
from model.kubernetes import Kubernetes
from model.pod_names import labels, worker_component
from model.scaling import ScalingPolicy
from model.workload import APPLICATION_CONTAINER, WEB
from render.quantities import number
from render.scaled_object import scaled_object, vertical_pod_autoscaler


class Autoscalers(pulumi.ComponentResource):
    """An autoscaler of the web pods and of each group of workers; one that sizes the web pods; what they go by.

    By the Prometheus adapter the HPAs are the program's own; by KEDA they are KEDA's, made from ScaledObjects of the
    same policy. A workload never has two.
    """

    def __init__(
        self,
        name: str,
        model: Kubernetes,
        scaling: ScalingPolicy,
        *,
        namespace: str,
        deployment_name: pulumi.Input[str],
        worker_names: Mapping[str, pulumi.Input[str]],
        proxied: bool = False,
        after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build the autoscalers of Deployments in `namespace`; workers' are by the name of their group.

        What serves their metrics starts once what is in `after` stands. With `proxied` nginx runs in the web pods too,
        and the application's container alone is looked at.
        """
        super().__init__("django-scale:kubernetes:Autoscalers", name, None, opts)
        self._name = name
        self._model = model
        self._namespace = namespace
        metrics = PodMetrics(
            name,
            model.metrics,
            model.vertical,
            application_namespace=namespace,
            after=after,
            opts=pulumi.ResourceOptions(parent=self),
        )
        served = [release for role, release in metrics.releases.items() if role != "vpa"]
        container = APPLICATION_CONTAINER if proxied else None
        web = web_scaling(scaling, model.web, model.scaling, model.tasks)
        self._scale(WEB, deployment_name, web, container, served)
        for workers in model.tasks.workers if model.tasks is not None else ():
            policy = worker_scaling(workers, model.scaling)
            self._scale(worker_component(workers), worker_names[workers.name], policy, None, served)
        if model.vertical is not None:
            kubernetes.apiextensions.CustomResource(
                f"{name}-{WEB}-vertical",
                api_version="autoscaling.k8s.io/v1",
                kind="VerticalPodAutoscaler",
                metadata=self._metadata(WEB),
                spec={"targetRef": _target(deployment_name), **vertical_pod_autoscaler(model.vertical)},
                opts=pulumi.ResourceOptions(parent=self, depends_on=[metrics.releases["vpa"]]),
            )
        self.register_outputs({})

    def _scale(
        self,
        component: str,
        deployment: pulumi.Input[str],
        policy: PodScaling,
        container: str | None,
        after: Sequence[pulumi.Resource],
    ) -> None:
        opts = pulumi.ResourceOptions(parent=self, depends_on=list(after))
        if self._model.metrics == "keda":
            metadata = self._metadata(component)
            metadata["annotations"] = {"scaledobject.keda.sh/transfer-hpa-ownership": "true"}
            kubernetes.apiextensions.CustomResource(
                f"{self._name}-{component}-scaled",
                api_version="keda.sh/v1alpha1",
                kind="ScaledObject",
                metadata=metadata,
                spec={
                    "scaleTargetRef": _target(deployment),
                    **scaled_object(policy, name=component, namespace=self._namespace, container=container),
                },
                opts=opts,
            )
            return
        kubernetes.autoscaling.v2.HorizontalPodAutoscaler(
            f"{self._name}-{component}-horizontal",
            metadata=self._metadata(component),
            spec={
                "scale_target_ref": {"api_version": "apps/v1", "kind": "Deployment", "name": deployment},
                "min_replicas": policy.minimum,
                "max_replicas": policy.maximum,
                "metrics": [_metric(target, container) for target in policy.targets],
                "behavior": {"scale_up": _rules(policy.up), "scale_down": _rules(policy.down)},
            },
            opts=opts,
        )

    def _metadata(self, component: str) -> kubernetes.meta.v1.ObjectMetaArgsDict:
        return {"name": component, "namespace": self._namespace, "labels": labels(self._name, component)}


def _target(deployment: pulumi.Input[str]) -> dict[str, pulumi.Input[str]]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment}


def _metric(target: Target, container: str | None) -> kubernetes.autoscaling.v2.MetricSpecArgsDict:
    if target.kind == "Resource":
        held: kubernetes.autoscaling.v2.MetricTargetArgsDict = {
            "type": "Utilization",
            "average_utilization": target.utilization,
        }
        if container is None:
            return {"type": "Resource", "resource": {"name": target.name, "target": held}}
        inside: kubernetes.autoscaling.v2.ContainerResourceMetricSourceArgsDict = {
            "container": container,
            "name": target.name,
            "target": held,
        }
        return {"type": "ContainerResource", "container_resource": inside}
    if target.kind == "Pods":
        return {"type": "Pods", "pods": {"metric": {"name": target.name}, "target": _quantity(target)}}
    queues: kubernetes.meta.v1.LabelSelectorArgsDict = (
        {"match_labels": {"queue": target.queues[0]}}
        if len(target.queues) == 1
        # The HPA adds up the series that the selector finds.
        else {"match_expressions": [{"key": "queue", "operator": "In", "values": list(target.queues)}]}
    )
    metric: kubernetes.autoscaling.v2.MetricIdentifierArgsDict = {"name": target.name, "selector": queues}
    return {"type": "External", "external": {"metric": metric, "target": _quantity(target)}}


def _quantity(target: Target) -> kubernetes.autoscaling.v2.MetricTargetArgsDict:
    if target.average is not None:
        return {"type": "AverageValue", "average_value": number(target.average)}
    return {"type": "Value", "value": number(target.value or 0.0)}


def _rules(direction: Direction) -> kubernetes.autoscaling.v2.HPAScalingRulesArgsDict:
    return {
        "stabilization_window_seconds": direction.stabilization_seconds,
        "select_policy": direction.select,
        "policies": [
            {"type": rate.kind, "value": rate.value, "period_seconds": rate.period_seconds} for rate in direction.rates
        ],
    }
