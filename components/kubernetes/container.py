"""What is the same of every container in a pod of the application."""

from __future__ import annotations

import pulumi_kubernetes as kubernetes

from model.workload import Resources
from render.quantities import cores, mebibytes


def container_security() -> kubernetes.core.v1.SecurityContextArgsDict:
    """Return what no container may do: gain privileges, write to its own file system."""
    return {
        "allow_privilege_escalation": False,
        "privileged": False,
        "read_only_root_filesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def resources_of(resources: Resources) -> kubernetes.core.v1.ResourceRequirementsArgsDict:
    """Return requests and limits in Kubernetes' own quantities."""
    return {
        "requests": {"cpu": cores(resources.cpu_millicores), "memory": mebibytes(resources.memory_mib)},
        "limits": {"cpu": cores(resources.cpu_limit_millicores), "memory": mebibytes(resources.memory_limit_mib)},
    }
