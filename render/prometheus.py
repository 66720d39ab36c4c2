"""What Prometheus reads from the pods, and what of it autoscalers are told: scrape configuration, rules, queries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from model.autoscaling import QUEUE_LENGTH, REQUESTS_PER_SECOND
from model.workload import APPLICATION_CONTAINER

SCRAPE_SECONDS = 15
"""An HPA asks every 15 s (--horizontal-pod-autoscaler-sync-period)."""

_ANNOTATION = "__meta_kubernetes_pod_annotation_prometheus_io_"


def scrape_configs(namespace: str) -> list[dict[str, Any]]:
    """Return Prometheus' scrape_configs: the pods of `namespace` that ask for it by annotation, and no others.

    A series has the labels `namespace` and `pod`, which the rules and queries below go by.
    """
    return [
        {
            "job_name": "application",
            "kubernetes_sd_configs": [{"role": "pod", "namespaces": {"names": [namespace]}}],
            "relabel_configs": [
                _keep(f"{_ANNOTATION}scrape", "true"),
                _keep("__meta_kubernetes_pod_phase", "Running"),
                _keep("__meta_kubernetes_pod_container_name", APPLICATION_CONTAINER),
                {
                    "source_labels": ["__address__", f"{_ANNOTATION}port"],
                    "action": "replace",
                    "regex": r"([^:]+)(?::\d+)?;(\d+)",
                    "replacement": "$1:$2",
                    "target_label": "__address__",
                },
                _copy(f"{_ANNOTATION}path", "__metrics_path__"),
                _copy("__meta_kubernetes_namespace", "namespace"),
                _copy("__meta_kubernetes_pod_name", "pod"),
            ],
        }
    ]


def _keep(label: str, value: str) -> dict[str, Any]:
    return {"source_labels": [label], "action": "keep", "regex": value}


def _copy(label: str, target: str) -> dict[str, Any]:
    return {"source_labels": [label], "action": "replace", "regex": "(.+)", "target_label": target}


def adapter_rules() -> dict[str, Any]:
    """Return the Prometheus adapter's rules: a custom metric of each pod, an external one of each queue.

    Every pod tells the whole length of a queue, so that the largest of what they tell is taken and not the sum.
    """
    namespace = {"namespace": {"resource": "namespace"}}
    return {
        "default": False,
        "custom": [
            {
                "seriesQuery": f'{REQUESTS_PER_SECOND}{{namespace!="",pod!=""}}',
                "resources": {"overrides": {**namespace, "pod": {"resource": "pod"}}},
                "metricsQuery": "avg(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)",
            }
        ],
        "external": [
            {
                "seriesQuery": f'{QUEUE_LENGTH}{{namespace!="",queue!=""}}',
                "resources": {"overrides": namespace},
                "metricsQuery": "max(<<.Series>>{<<.LabelMatchers>>}) by (queue)",
            }
        ],
    }


def requests_query(namespace: str) -> str:
    """Return the query of all pods' requests a second."""
    return f'sum({REQUESTS_PER_SECOND}{{namespace="{namespace}"}})'


def queue_query(namespace: str, queues: Sequence[str]) -> str:
    """Return the query of the tasks that wait in these queues together; nothing where no pod tells."""
    return f'sum(max by (queue) ({QUEUE_LENGTH}{{namespace="{namespace}",queue=~"{"|".join(queues)}"}}))'
