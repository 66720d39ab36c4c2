"""The pods that serve requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pulumi
import pulumi_kubernetes as kubernetes

from components.kubernetes.pod_spec import Pods, deletion_timeout
from components.kubernetes.sidecars import Sidecar
from model.pod_names import METRICS_PATH, labels, selector
from model.workload import PROPAGATION_SECONDS, SHUTDOWN_SECONDS, WEB, Probes, WebPods

if TYPE_CHECKING:
    from components.kubernetes.pod_spec import Container

LIVE_PATH, READY_PATH = "/health/live", "/health/ready"

# Between two pods of a release that become ready there may be a node that is started, and an image that is pulled.
_NODE_SECONDS = 600
# A release goes in rounds of `surge_percent`, of which all but one find images and nodes there already (estimate).
_ROLLOUT_SECONDS = 1200
_PERIOD = 10


class WebDeployment(pulumi.ComponentResource):
    """A Deployment whose replicas are an autoscaler's, and the budget that nodes keep to when they are emptied."""

    deployment_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        web: WebPods,
        pods: Pods,
        *,
        gunicorn_port: int,
        draining_seconds: int,
        sidecars: Sequence[Sidecar] = (),
        after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build the Deployment of `pods`, which start once what is in `after` is done."""
        super().__init__("django-scale:kubernetes:WebDeployment", name, None, opts)
        # Deleted pods go on serving until the balancer has been told, and has drained them.
        before_stop = PROPAGATION_SECONDS + draining_seconds
        grace = before_stop + SHUTDOWN_SECONDS
        patience = web.probes.startup_seconds + _NODE_SECONDS
        timeout = f"{patience + _ROLLOUT_SECONDS}s"
        container: Container = {
            **pods.container(web.resources),
            "ports": [{"name": "gunicorn", "container_port": gunicorn_port, "protocol": "TCP"}],
            "lifecycle": {"pre_stop": {"sleep": {"seconds": before_stop}}},
            **_probes(web.probes, gunicorn_port),
        }
        deployment = kubernetes.apps.v1.Deployment(
            f"{name}-web",
            metadata={"name": WEB, "namespace": pods.namespace, "labels": labels(name, WEB)},
            spec={
                # No replicas: they are the autoscaler's, and each release would set them back.
                "selector": {"match_labels": selector(name)},
                "strategy": {
                    "type": "RollingUpdate",
                    "rolling_update": {"max_surge": f"{web.surge_percent}%", "max_unavailable": 0},
                },
                "progress_deadline_seconds": patience,
                "revision_history_limit": 3,
                "template": pods.template(
                    WEB,
                    container,
                    grace_seconds=grace,
                    sidecars=sidecars,
                    spread=pods.spread_over_nodes(WEB, web.zone_spread),
                    annotations={
                        "prometheus.io/scrape": "true",
                        "prometheus.io/port": str(gunicorn_port),
                        "prometheus.io/path": METRICS_PATH,
                    },
                ),
            },
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=list(after),
                custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout, delete=deletion_timeout(grace)),
            ),
        )
        kubernetes.policy.v1.PodDisruptionBudget(
            f"{name}-web",
            metadata={"name": WEB, "namespace": pods.namespace, "labels": labels(name, WEB)},
            spec={
                "selector": {"match_labels": selector(name)},
                # Rounded up, so never none: a budget that allows nothing keeps every node for ever.
                "max_unavailable": f"{web.max_unavailable_percent}%",
                # A pod that is not ready serves nobody: its node may go.
                "unhealthy_pod_eviction_policy": "AlwaysAllow",
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.deployment_name = deployment.metadata.apply(lambda metadata: str(metadata.name))
        self.register_outputs({"deployment_name": self.deployment_name})


def _probes(probes: Probes, port: int) -> Container:
    """Return the three probes, which ask gunicorn itself.

    A busy pod answers late, and none is restarted for that until it has been silent for long: when the database is
    slow, every thread of every pod waits for it.
    """
    common: kubernetes.core.v1.ProbeArgsDict = {"timeout_seconds": probes.timeout_seconds}
    live: kubernetes.core.v1.HTTPGetActionArgsDict = {"path": LIVE_PATH, "port": port}
    ready: kubernetes.core.v1.HTTPGetActionArgsDict = {"path": READY_PATH, "port": port}
    quick = 5
    return {  # type: ignore[typeddict-item]
        "startup_probe": {
            **common,
            "http_get": live,
            "period_seconds": quick,
            "failure_threshold": -(-probes.startup_seconds // quick),
        },
        "liveness_probe": {
            **common,
            "http_get": live,
            "period_seconds": _PERIOD,
            "failure_threshold": -(-probes.live_seconds // _PERIOD),
        },
        "readiness_probe": {
            **common,
            "http_get": ready,
            "period_seconds": probes.ready_period_seconds,
            "failure_threshold": probes.ready_failures,
        },
    }
