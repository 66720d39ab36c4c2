"""Celery's workers and its beat."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_kubernetes as kubernetes

from components.kubernetes.pod_spec import Pods, deletion_timeout
from model.pod_names import labels, selector, worker_component
from model.workload import BEAT, WORKER_SHUTDOWN_SECONDS, Tasks, Workers

_ROLLOUT_TIMEOUT = "30m"
_BEAT_GRACE_SECONDS = 30
_DISRUPTION_PERCENT = 50


class TaskWorkers(pulumi.ComponentResource):
    """A Deployment for each group of workers, whose replicas are an autoscaler's; one pod for beat."""

    deployment_names: dict[str, pulumi.Output[str]]
    """The workers' Deployments, by the name of the group."""

    def __init__(
        self,
        name: str,
        tasks: Tasks,
        pods: Pods,
        *,
        after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build the Deployments of `pods`, which start once what is in `after` is done."""
        super().__init__("django-scale:kubernetes:TaskWorkers", name, None, opts)
        self._name = name
        self._app = tasks.app
        self._pods = pods
        self._child = pulumi.ResourceOptions(parent=self)
        self._after = list(after)
        self.deployment_names = {workers.name: self._create_workers(workers) for workers in tasks.workers}
        if tasks.beat:
            self._create_beat(tasks)
        self.register_outputs({"deployment_names": self.deployment_names})

    def _create_workers(self, workers: Workers) -> pulumi.Output[str]:
        component = worker_component(workers)
        # At SIGTERM a worker takes no further task and finishes those that it runs.
        grace = workers.longest_task_seconds + WORKER_SHUTDOWN_SECONDS
        command = [
            *("celery", "-A", self._app, "worker", "--loglevel", "INFO"),
            *("--queues", ",".join(workers.queues), "--concurrency", str(workers.concurrency)),
            *("--time-limit", str(workers.longest_task_seconds), "--prefetch-multiplier", "1"),
            # SQS has no broadcast for workers to know each other by.
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ]
        deployment = kubernetes.apps.v1.Deployment(
            f"{self._name}-{component}",
            metadata=self._metadata(component),
            spec={
                "selector": {"match_labels": selector(self._name, component)},
                "strategy": {"type": "RollingUpdate", "rolling_update": {"max_surge": "25%", "max_unavailable": "25%"}},
                "revision_history_limit": 3,
                "template": self._pods.template(
                    component,
                    {**self._pods.container(workers.resources), "command": command},
                    grace_seconds=grace,
                    spread=self._pods.spread_over_nodes(component),
                ),
            },
            opts=self._released(grace),
        )
        kubernetes.policy.v1.PodDisruptionBudget(
            f"{self._name}-{component}",
            metadata=self._metadata(component),
            spec={
                "selector": {"match_labels": selector(self._name, component)},
                "max_unavailable": f"{_DISRUPTION_PERCENT}%",
                "unhealthy_pod_eviction_policy": "AlwaysAllow",
            },
            opts=self._child,
        )
        return deployment.metadata.apply(lambda metadata: str(metadata.name))

    def _create_beat(self, tasks: Tasks) -> None:
        # Its schedule's state is in memory of the pod: a task that is due while it restarts is sent once it is back.
        command = ["celery", "-A", self._app, "beat", "--loglevel", "INFO"]
        command += ["--schedule", "/tmp/celerybeat-schedule", "--pidfile", ""]  # noqa: S108 - a volume of its own
        kubernetes.apps.v1.Deployment(
            f"{self._name}-{BEAT}",
            metadata=self._metadata(BEAT),
            spec={
                "replicas": 1,
                # Two at a time would send every task twice.
                "strategy": {"type": "Recreate"},
                "selector": {"match_labels": selector(self._name, BEAT)},
                "revision_history_limit": 3,
                "template": self._pods.template(
                    BEAT,
                    {**self._pods.container(tasks.beat_resources), "command": command},
                    grace_seconds=_BEAT_GRACE_SECONDS,
                ),
            },
            opts=self._released(_BEAT_GRACE_SECONDS),
        )

    def _released(self, grace_seconds: int) -> pulumi.ResourceOptions:
        timeouts = pulumi.CustomTimeouts(
            create=_ROLLOUT_TIMEOUT, update=_ROLLOUT_TIMEOUT, delete=deletion_timeout(grace_seconds)
        )
        return pulumi.ResourceOptions(parent=self, depends_on=self._after, custom_timeouts=timeouts)

    def _metadata(self, component: str) -> kubernetes.meta.v1.ObjectMetaArgsDict:
        return {"name": component, "namespace": self._pods.namespace, "labels": labels(self._name, component)}
