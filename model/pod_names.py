"""Names in the cluster: what selects pods, what other parts refer to."""

from __future__ import annotations

from model.workload import WEB, Workers

METRICS_NAMESPACE = "metrics"
"""Where Prometheus and what serves its metrics to autoscalers run."""

PROMETHEUS = "prometheus"
PROMETHEUS_PORT = 80
"""The Helm release of Prometheus, and the port of its Service, `<release>-server`."""

METRICS_PATH = "/metrics"
"""Where the runtime answers a scrape (django_scale's option METRICS_PATH)."""

COMPONENT_LABEL = "app.kubernetes.io/component"


def labels(prefix: str, component: str) -> dict[str, str]:
    """Return the labels of a component's pods; the first two select them, and never change."""
    return {
        "app.kubernetes.io/instance": prefix,
        COMPONENT_LABEL: component,
        "app.kubernetes.io/managed-by": "django-scale",
    }


def selector(prefix: str, component: str = WEB) -> dict[str, str]:
    """Return what selects a component's pods."""
    return {key: value for key, value in labels(prefix, component).items() if not key.endswith("managed-by")}


def worker_component(workers: Workers) -> str:
    """Return the component that a group of workers is, and its Deployment's name."""
    return f"worker-{workers.name}"


def prometheus_url() -> str:
    """Return where Prometheus answers, inside the cluster."""
    return f"http://{PROMETHEUS}-server.{METRICS_NAMESPACE}.svc"
