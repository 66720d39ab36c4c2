"""KEDA's and the vertical pod autoscaler's objects, whose kinds are not Kubernetes' own."""

from __future__ import annotations

from typing import Any

from model.autoscaling import Direction, PodScaling, Target, Vertical
from model.pod_names import PROMETHEUS_PORT, prometheus_url
from model.workload import APPLICATION_CONTAINER
from render.prometheus import SCRAPE_SECONDS, queue_query, requests_query
from render.quantities import cores, mebibytes

_MODES = {"off": "Off", "initial": "Initial", "recreate": "Recreate", "in-place-or-recreate": "InPlaceOrRecreate"}


def scaled_object(scaling: PodScaling, *, name: str, namespace: str, container: str | None) -> dict[str, Any]:
    """Return a ScaledObject's spec but for its target, whose HPA has this `name`.

    `container` is the one whose resources are looked at; without one they are the pod's.
    """
    return {
        "minReplicaCount": scaling.minimum,
        "maxReplicaCount": scaling.maximum,
        "pollingInterval": SCRAPE_SECONDS,
        # From one pod to none; above that the HPA's own behaviour holds.
        "cooldownPeriod": scaling.down.stabilization_seconds,
        "advanced": {
            "horizontalPodAutoscalerConfig": {
                # The name that the program's own HPA has: KEDA takes over the one that is there.
                "name": name,
                "behavior": {"scaleUp": _direction(scaling.up), "scaleDown": _direction(scaling.down)},
            }
        },
        "triggers": [_trigger(target, namespace, container) for target in scaling.targets],
    }


def _direction(direction: Direction) -> dict[str, Any]:
    return {
        "stabilizationWindowSeconds": direction.stabilization_seconds,
        "selectPolicy": direction.select,
        "policies": [
            {"type": rate.kind, "value": rate.value, "periodSeconds": rate.period_seconds} for rate in direction.rates
        ],
    }


def _trigger(target: Target, namespace: str, container: str | None) -> dict[str, Any]:
    if target.kind == "Resource":
        inside = {} if container is None else {"containerName": container}
        return {
            "type": target.name,
            "metricType": "Utilization",
            "metadata": {"value": str(target.utilization), **inside},
        }
    query = queue_query(namespace, target.queues) if target.kind == "External" else requests_query(namespace)
    held = target.value if target.average is None else target.average
    return {
        "type": "prometheus",
        "metricType": "Value" if target.average is None else "AverageValue",
        "metadata": {
            "serverAddress": f"{prometheus_url()}:{PROMETHEUS_PORT}",
            "query": query,
            "threshold": f"{held:.10g}",
            # An answer without a value is an error: taken for 0, an outage would take every pod away.
            "ignoreNullValues": "false",
        },
    }


def vertical_pod_autoscaler(vertical: Vertical) -> dict[str, Any]:
    """Return a VerticalPodAutoscaler's spec but for its target, for the application's container."""
    return {
        "updatePolicy": {"updateMode": _MODES[vertical.mode]},
        "resourcePolicy": {
            "containerPolicies": [
                {
                    "containerName": APPLICATION_CONTAINER,
                    "controlledResources": list(vertical.controls),
                    "controlledValues": "RequestsAndLimits",
                    "minAllowed": {
                        "cpu": cores(vertical.least_cpu_millicores),
                        "memory": mebibytes(vertical.least_memory_mib),
                    },
                    "maxAllowed": {
                        "cpu": cores(vertical.most_cpu_millicores),
                        "memory": mebibytes(vertical.most_memory_mib),
                    },
                },
                # What runs beside the application keeps the requests of the settings.
                {"containerName": "*", "mode": "Off"},
            ]
        },
    }
