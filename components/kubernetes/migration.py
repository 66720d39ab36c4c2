"""The database's migration, once a release."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pulumi
import pulumi_kubernetes as kubernetes

from components.kubernetes.pod_spec import Pods
from model.pod_names import labels
from model.workload import Migration

COMPONENT = "migrate"
_GRACE_SECONDS = 60


def release(image: str, migration: Migration) -> str:
    """Return what names a release's migration: eight digits of its image's and its command's hash."""
    return hashlib.sha256("\0".join((image, *migration.command)).encode()).hexdigest()[:8]


class MigrationJob(pulumi.ComponentResource):
    """A Job that the engine waits for, and that the release's pods come after.

    Its name carries the release, so that the next release's is another resource: made first, while this one is deleted
    last. Another configuration replaces it, and so migrates too: the database may be another. A finished Job is left
    alone until then: were it to delete itself, a refresh would find it gone and run it again. One that has not
    succeeded, as it failed or as the deployment was interrupted, is replaced by the next, which otherwise would find it
    failed for ever (pulumi-kubernetes#856). What is replaced ends first: two migrations must not run at a time.
    """

    job_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        migration: Migration,
        pods: Pods,
        *,
        after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build the Job of `pods`' image, which starts once what is in `after` is done."""
        super().__init__("django-scale:kubernetes:MigrationJob", name, None, opts)
        deadline = migration.deadline_seconds
        job = kubernetes.batch.v1.Job(
            f"{name}-{COMPONENT}-{release(pods.image, migration)}",
            metadata={
                "namespace": pods.namespace,
                "labels": labels(name, COMPONENT),
                "annotations": {"pulumi.com/replaceUnready": "true"},
            },
            spec={
                "parallelism": 1,
                "completions": 1,
                "backoff_limit": migration.attempts - 1,
                "active_deadline_seconds": deadline,
                "template": pods.template(
                    COMPONENT,
                    {**pods.container(migration.resources), "command": list(migration.command)},
                    grace_seconds=_GRACE_SECONDS,
                    restart_policy="Never",
                    # No node is emptied for its cost under it (Karpenter's guide, "Disruption", pod-level controls).
                    annotations={"karpenter.sh/do-not-disrupt": "true"},
                ),
            },
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=list(after),
                delete_before_replace=True,
                custom_timeouts=pulumi.CustomTimeouts(create=f"{deadline + 60}s", update=f"{deadline + 60}s"),
            ),
        )
        self.job_name = job.metadata.apply(lambda metadata: str(metadata.name))
        self.register_outputs({"job_name": self.job_name})
