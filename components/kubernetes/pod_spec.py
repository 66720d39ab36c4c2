"""What all pods of the application have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_kubernetes as kubernetes

from components.kubernetes.container import container_security, resources_of
from components.kubernetes.sidecars import CERTIFICATES_MOUNT, Sidecar
from model.environment import CERTIFICATES
from model.pod_names import labels, selector
from model.workload import APPLICATION_CONTAINER, Resources
from render.certificates import fetch_certificates

_TMP = "/tmp"  # noqa: S108 - a volume of the pod's own
_TMP_LIMIT = "1Gi"
_CERTIFICATES = CERTIFICATES.rpartition("/")[0]

if TYPE_CHECKING:
    # Importing the module must not load the part of the SDK that these are in.
    Container = kubernetes.core.v1.ContainerArgsDict
    Spread = kubernetes.core.v1.TopologySpreadConstraintArgsDict

FETCH_RESOURCES = Resources(cpu_millicores=50, cpu_limit_millicores=500, memory_mib=64, memory_limit_mib=128)
"""What a container asks for that only downloads a file."""

_DELETION_MARGIN_SECONDS = 600

_TMP_MOUNT: kubernetes.core.v1.VolumeMountArgsDict = {"name": "tmp", "mount_path": _TMP}


@dataclass(frozen=True)
class Pods:
    """What is the same in every pod of the application.

    `prefix` is the environment's name; `config_map` and `secret` name what the container's variables are in.
    """

    prefix: str
    image: str
    namespace: pulumi.Input[str]
    service_account: pulumi.Input[str]
    config_map: pulumi.Input[str]
    secret: pulumi.Input[str]
    run_as_user: int
    sidecars: Sequence[Sidecar] = ()
    """What runs beside the application in every pod."""

    def container(self, resources: Resources) -> Container:
        """Return the application's container, with the command of its image."""
        return {
            "name": APPLICATION_CONTAINER,
            "image": self.image,
            "image_pull_policy": "IfNotPresent",
            "env_from": [{"config_map_ref": {"name": self.config_map}}, {"secret_ref": {"name": self.secret}}],
            "resources": resources_of(resources),
            "security_context": container_security(),
            "volume_mounts": [_TMP_MOUNT, CERTIFICATES_MOUNT],
        }

    def template(
        self,
        component: str,
        container: Container,
        *,
        grace_seconds: int,
        restart_policy: str = "Always",
        sidecars: Sequence[Sidecar] = (),
        spread: Sequence[Spread] = (),
        annotations: Mapping[str, str] | None = None,
    ) -> kubernetes.core.v1.PodTemplateSpecArgsDict:
        """Return the template of a component's pods, with `sidecars` besides those that every pod has."""
        beside = [*self.sidecars, *sidecars]
        return {
            "metadata": {"labels": labels(self.prefix, component), "annotations": dict(annotations or {})},
            "spec": {
                "service_account_name": self.service_account,
                "automount_service_account_token": False,
                # A Service's variables would stand among the settings' own.
                "enable_service_links": False,
                "restart_policy": restart_policy,
                "termination_grace_period_seconds": grace_seconds,
                "security_context": {
                    "run_as_non_root": True,
                    "run_as_user": self.run_as_user,
                    "run_as_group": self.run_as_user,
                    "fs_group": self.run_as_user,
                    "seccomp_profile": {"type": "RuntimeDefault"},
                },
                "topology_spread_constraints": list(spread),
                # In this order: the certificates first, as PgBouncer reads them when it starts.
                "init_containers": [self._fetch(), *(sidecar.container for sidecar in beside)],
                "containers": [container],
                "volumes": [
                    {"name": "tmp", "empty_dir": {"size_limit": _TMP_LIMIT}},
                    {"name": "certificates", "empty_dir": {"size_limit": "16Mi"}},
                    *(volume for sidecar in beside for volume in sidecar.volumes),
                ],
            },
        }

    def _fetch(self) -> Container:
        return {
            "name": "certificates",
            "image": self.image,
            "image_pull_policy": "IfNotPresent",
            "command": ["python", "-c", fetch_certificates(CERTIFICATES)],
            "resources": resources_of(FETCH_RESOURCES),
            "security_context": container_security(),
            "volume_mounts": [{"name": "certificates", "mount_path": _CERTIFICATES}],
        }

    def spread_over_nodes(self, component: str, zones: str = "preferred") -> list[Spread]:
        """Return how a component's pods spread: over the zones, and over the nodes where that can be had."""
        must = {"preferred": "ScheduleAnyway", "required": "DoNotSchedule"}
        return [
            {
                "topology_key": key,
                "max_skew": 1,
                "when_unsatisfiable": when,
                "label_selector": {"match_labels": selector(self.prefix, component)},
                # The pods of one release among themselves: those of the last are about to go.
                "match_label_keys": ["pod-template-hash"],
            }
            for key, when in (
                ("topology.kubernetes.io/zone", must[zones]),
                ("kubernetes.io/hostname", "ScheduleAnyway"),
            )
        ]


def deletion_timeout(grace_seconds: int) -> str:
    """Return how long the engine waits for a Deployment to go: its pods leave each in its own time, all at once.

    The provider would wait ten minutes and call it a failure (pulumi-kubernetes, await of deletions).
    """
    return f"{grace_seconds + _DELETION_MARGIN_SECONDS}s"
