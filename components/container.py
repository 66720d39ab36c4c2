"""What is the same of every container in a pod of the application."""

from __future__ import annotations

import pulumi_kubernetes as kubernetes

from model.workload import Resources


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
        "requests": {"cpu": f"{resources.cpu_millicores}m", "memory": f"{resources.memory_mib}Mi"},
        "limits": {"cpu": f"{resources.cpu_limit_millicores}m", "memory": f"{resources.memory_limit_mib}Mi"},
    }
