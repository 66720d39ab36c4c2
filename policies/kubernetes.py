"""What pods may do, and who may scale them."""

from __future__ import annotations

from collections.abc import Iterator

from policies import tokens as t
from policies.rule import Rule
from policies.view import Properties, Resource, Stack

_HOST = ("hostNetwork", "hostPID", "hostIPC")


def _target(scaler: Resource) -> tuple[str, str, str]:
    """Return namespace, kind and name of what a scaler scales."""
    reference = "spec.scaleTargetRef" if scaler.type == t.HPA else "spec.targetRef"
    namespace = scaler.text("metadata.namespace") or "default"
    return namespace, scaler.text(f"{reference}.kind"), scaler.text(f"{reference}.name")


def _hpa_resources(scaler: Resource) -> set[str]:
    metrics = list(scaler.groups("spec.metrics"))
    if not metrics:
        return {"cpu"}  # An HPA without metrics scales on CPU (HorizontalPodAutoscaler v2, spec.metrics).
    names = {metric.text("resource.name") for metric in metrics if metric.text("type") == "Resource"}
    names |= {metric.text("containerResource.name") for metric in metrics if metric.has("containerResource")}
    return names


def _vpa_resources(scaler: Resource) -> set[str]:
    if scaler.text("spec.updatePolicy.updateMode") == "Off":
        return set()
    controlled: set[str] = set()
    policies = list(scaler.groups("spec.resourcePolicy.containerPolicies"))
    for policy in policies:
        if policy.text("mode") != "Off":
            controlled |= {str(name) for name in policy.list("controlledResources")} or {"cpu", "memory"}
    return controlled if policies else {"cpu", "memory"}


def _pod_scalers(hpa: Resource, stack: Stack) -> Iterator[str]:
    target = _target(hpa)
    for other in stack.of(t.HPA):
        if other.urn < hpa.urn and _target(other) == target:
            yield f"scales {target[2]}, which {other.name} scales already"
    for vpa in stack.of(t.VPA):
        both = _hpa_resources(hpa) & _vpa_resources(vpa) if _target(vpa) == target else set[str]()
        if both:
            yield f"and {vpa.name} both act on the {' and '.join(sorted(both))} of {target[2]}"


def _deployment_replicas(workload: Resource, stack: Stack) -> Iterator[str]:
    if not workload.has("spec.replicas"):
        return
    own = (workload.text("metadata.namespace") or "default", workload.type.rpartition(":")[2])
    for hpa in stack.of(t.HPA):
        namespace, kind, name = _target(hpa)
        same_name = name == workload.text("metadata.name")
        if (namespace, kind) == own and same_name:
            yield f"sets its replicas, which {hpa.name} sets too"


def _containers(pod: Properties) -> Iterator[Properties]:
    yield from pod.groups("initContainers")
    yield from pod.groups("containers")


def _privileged_pod(workload: Resource, _: Stack) -> Iterator[str]:
    for pod in workload.groups("spec.template.spec"):
        host = [key for key in _HOST if pod.flag(key)]
        if host:
            yield f"shares its node's own: {', '.join(host)}"
        if any(volume.has("hostPath") for volume in pod.groups("volumes")):
            yield "mounts a directory of its node"
        for container in _containers(pod):
            name = container.text("name")
            if container.flag("securityContext.privileged"):
                yield f"runs {name} as the node's root"
            elif container.value("securityContext.allowPrivilegeEscalation") is not False:
                yield f"lets {name} gain privileges: allowPrivilegeEscalation is not false"
            if not container.flag("securityContext.runAsNonRoot") and not pod.flag("securityContext.runAsNonRoot"):
                yield f"lets {name} run as root: runAsNonRoot is not true"


def _pod_probes(workload: Resource, _: Stack) -> Iterator[str]:
    for pod in workload.groups("spec.template.spec"):
        for container in pod.groups("containers"):
            if not container.has("ports"):
                continue
            liveness, readiness = container.value("livenessProbe"), container.value("readinessProbe")
            if readiness is None:
                yield f"sends requests to {container.text('name')} before it can answer"
            elif readiness == liveness:
                yield f"restarts {container.text('name')} for what should only take it out of service"


RULES = (
    Rule(
        "pod-scalers",
        "Two scalers that act on the same metric undo each other.",
        "The HPA on CPU or traffic and the VPA on memory alone, or the VPA's updateMode Off.",
        (t.HPA,),
        _pod_scalers,
        across=True,
    ),
    Rule(
        "deployment-replicas",
        "A workload that sets its replicas is set back by every deployment.",
        "Leave replicas out where an HPA scales.",
        (t.DEPLOYMENT, t.STATEFUL_SET),
        _deployment_replicas,
        across=True,
    ),
    Rule(
        "privileged-pod",
        "A container that is broken into must not be its node's root.",
        "securityContext: runAsNonRoot true, allowPrivilegeEscalation false; no host namespaces, no hostPath.",
        t.WORKLOADS,
        _privileged_pod,
    ),
    Rule(
        "pod-probes",
        "A slow database must take pods out of service, and not restart every one of them.",
        "Readiness by HTTP, liveness by TCP or without I/O.",
        (t.DEPLOYMENT, t.STATEFUL_SET),
        _pod_probes,
    ),
)
