"""What tells autoscalers how busy pods are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from model.autoscaling import MetricsServer, Vertical
from model.charts import ADAPTER_CHART, KEDA_CHART, PROMETHEUS_CHART, VPA_CHART, Chart
from model.pod_names import METRICS_NAMESPACE, PROMETHEUS, PROMETHEUS_PORT, prometheus_url
from render.prometheus import SCRAPE_SECONDS, adapter_rules, scrape_configs

_SMALL = {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"cpu": "500m", "memory": "512Mi"}}
_LARGE = {"requests": {"cpu": "100m", "memory": "512Mi"}, "limits": {"cpu": "1000m", "memory": "1Gi"}}


class PodMetrics(pulumi.ComponentResource):
    """Prometheus, and either its adapter or KEDA; the vertical pod autoscaler with its definitions.

    Only one can serve `external.metrics.k8s.io` in a cluster, which is why the adapter and KEDA exclude each other.
    """

    releases: dict[str, pulumi.Resource]
    """The Helm releases, by their names: what autoscalers come after."""

    def __init__(
        self,
        name: str,
        metrics: MetricsServer,
        vertical: Vertical | None,
        *,
        application_namespace: str,
        after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Deploy the releases, once what is in `after` stands, for the pods in `application_namespace`."""
        super().__init__("django-scale:kubernetes:PodMetrics", name, None, opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        self._released = pulumi.ResourceOptions(parent=self, depends_on=list(after))
        namespace = kubernetes.core.v1.Namespace(
            f"{name}-metrics", metadata={"name": METRICS_NAMESPACE}, opts=self._child
        )
        self._namespace = namespace.metadata.apply(lambda metadata: str(metadata.name))
        prometheus = self._release(PROMETHEUS, PROMETHEUS_CHART, _prometheus(application_namespace))
        self.releases = {PROMETHEUS: prometheus}
        if metrics == "keda":
            self.releases["keda"] = self._release("keda", KEDA_CHART, _keda())
        else:
            self.releases["prometheus-adapter"] = self._release("prometheus-adapter", ADAPTER_CHART, _adapter())
        if vertical is not None:
            self.releases["vpa"] = self._release("vpa", VPA_CHART, _vpa(vertical))
        self.register_outputs({})

    def _release(self, role: str, chart: Chart, values: Mapping[str, Any]) -> kubernetes.helm.v3.Release:
        return kubernetes.helm.v3.Release(
            f"{self._name}-{role}",
            # A name of its own would be another one at each replacement, and with it the Services' names.
            name=role,
            chart=chart.name,
            version=chart.version,
            repository_opts={"repo": chart.repository},
            namespace=self._namespace,
            values=dict(values),
            timeout=600,
            # A release that does not come up is taken back, and told of: half of one would serve no metrics.
            atomic=True,
            opts=self._released,
        )


def _prometheus(namespace: str) -> dict[str, Any]:
    """Return the values of a Prometheus that only autoscalers ask: some hours in memory and on the node's disk.

    While it is down, an HPA still adds pods for processors and memory, and takes none away.
    """
    off = {
        chart: {"enabled": False}
        for chart in ("alertmanager", "kube-state-metrics", "prometheus-node-exporter", "prometheus-pushgateway")
    }
    return {
        **off,
        "server": {
            "global": {"scrape_interval": f"{SCRAPE_SECONDS}s", "scrape_timeout": "10s", "evaluation_interval": "1m"},
            "retention": "6h",
            "persistentVolume": {"enabled": False},
            "emptyDir": {"sizeLimit": "8Gi"},
            "resources": _LARGE,
        },
        "serverFiles": {"prometheus.yml": {"scrape_configs": scrape_configs(namespace)}},
    }


def _adapter() -> dict[str, Any]:
    return {
        "prometheus": {"url": prometheus_url(), "port": PROMETHEUS_PORT},
        "rules": adapter_rules(),
        "replicas": 2,
        "podDisruptionBudget": {"enabled": True, "maxUnavailable": 1},
        "resources": _SMALL,
    }


def _keda() -> dict[str, Any]:
    return {
        "operator": {"replicaCount": 2},
        "metricsServer": {"replicaCount": 1},
        "resources": dict.fromkeys(("operator", "metricServer", "webhooks"), _SMALL),
    }


def _vpa(vertical: Vertical) -> dict[str, Any]:
    """Return the values: the recommender alone, the webhook for new pods, the updater for running ones."""
    return {
        "recommender": {"enabled": True, "resources": _LARGE},
        "admissionController": {"enabled": vertical.mode != "off", "resources": _SMALL},
        "updater": {"enabled": vertical.mode in ("recreate", "in-place-or-recreate"), "resources": _LARGE},
    }
