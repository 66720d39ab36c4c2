"""What pods may do, and who may scale them."""

from __future__ import annotations

from collections.abc import Iterator

from policies import budgets
from policies import tokens as t
from policies.rule import Rule
from policies.view import Properties, Resource, Stack

START_SECONDS = 60
"""What gunicorn gives a worker to start before it ends it (`timeout` of django_scale.gunicorn)."""

_HOST = ("hostNetwork", "hostPID", "hostIPC")


def _namespace(resource: Resource) -> str:
    return resource.text("metadata.namespace") or "default"


def _own(workload: Resource) -> tuple[str, str, str]:
    """Return namespace, kind and name of a workload."""
    return _namespace(workload), workload.type.rpartition(":")[2], workload.text("metadata.name")


def _target(scaler: Resource) -> tuple[str, str, str]:
    """Return namespace, kind and name of what a scaler scales. A ScaledObject's is a Deployment where it says none."""
    reference = "spec.targetRef" if scaler.type == t.VPA else "spec.scaleTargetRef"
    kind = scaler.text(f"{reference}.kind") or ("Deployment" if scaler.type == t.SCALED_OBJECT else "")
    return _namespace(scaler), kind, scaler.text(f"{reference}.name")


def _horizontal_resources(scaler: Resource) -> set[str]:
    """Return the resources that an HPA, or the HPA that KEDA makes of a ScaledObject, scales by."""
    if scaler.type == t.SCALED_OBJECT:
        return {trigger.text("type") for trigger in scaler.groups("spec.triggers")} & {"cpu", "memory"}
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


def _pod_scalers(scaler: Resource, stack: Stack) -> Iterator[str]:
    target = _target(scaler)
    for other in stack.of(t.HPA, t.SCALED_OBJECT):
        if other.urn < scaler.urn and _target(other) == target:
            yield f"scales {target[2]}, which {other.name} scales already"
    for vpa in stack.of(t.VPA):
        both = _horizontal_resources(scaler) & _vpa_resources(vpa) if _target(vpa) == target else set[str]()
        if both:
            yield f"and {vpa.name} both act on the {' and '.join(sorted(both))} of {target[2]}"


def _metrics_servers(scaler: Resource, stack: Stack) -> Iterator[str]:
    """Yield an HPA that asks for metrics from outside while KEDA is the one that serves them."""
    external = [group.text("external.metric.name") for group in scaler.groups("spec.metrics") if group.has("external")]
    if external and stack.of(t.SCALED_OBJECT):
        yield f"asks for {external[0]} of external.metrics.k8s.io, which KEDA serves in this cluster"


def _deployment_replicas(workload: Resource, stack: Stack) -> Iterator[str]:
    if not workload.has("spec.replicas"):
        return
    for scaler in stack.of(t.HPA, t.SCALED_OBJECT):
        if _target(scaler) == _own(workload):
            yield f"sets its replicas, which {scaler.name} sets too"


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


def _pod_limits(workload: Resource, _: Stack) -> Iterator[str]:
    for pod in workload.groups("spec.template.spec"):
        for container in _containers(pod):
            absent = [
                f"{kind}.{name}"
                for kind in ("requests", "limits")
                for name in ("cpu", "memory")
                if not container.has(f"resources.{kind}.{name}")
            ]
            if absent:
                yield f"does not say {' and '.join(absent)} of {container.text('name')}"


def _pinned_image(workload: Resource, _: Stack) -> Iterator[str]:
    for pod in workload.groups("spec.template.spec"):
        for container in _containers(pod):
            image = container.text("image")
            tag = image.rpartition("/")[2].partition(":")[2]
            if image and "@sha256:" not in image and tag in ("", "latest"):
                yield f"runs whatever {image} is at the time in {container.text('name')}"


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


def _patience(container: Properties, probe: str) -> float:
    """Return how long a probe refuses a container before it is restarted, in seconds, with Kubernetes' defaults."""
    defaults = {"initialDelaySeconds": 0.0, "periodSeconds": 10.0, "failureThreshold": 3.0}
    found = {key: container.number(f"{probe}.{key}") for key in defaults}
    delay, period, failures = (defaults[key] if value is None else value for key, value in found.items())
    return delay + period * failures


def _slow_start(workload: Resource, _: Stack) -> Iterator[str]:
    for pod in workload.groups("spec.template.spec"):
        for container in _containers(pod):
            # Liveness is not looked at before the startup probe has succeeded (Kubernetes, "Startup probes").
            probe = "startupProbe" if container.has("startupProbe") else "livenessProbe"
            if container.has(probe) and _patience(container, probe) < START_SECONDS:
                seconds = _patience(container, probe)
                yield f"restarts {container.text('name')} where it has not started after {seconds:g} s"


RULES = (
    Rule(
        "pod-scalers",
        "Two scalers that act on the same metric undo each other.",
        "One HPA or ScaledObject a workload, compute.kubernetes.metrics says which; the VPA on what the HPA leaves to "
        "it, or its updateMode Off: compute.kubernetes.vertical.",
        (t.HPA, t.SCALED_OBJECT),
        _pod_scalers,
        across=True,
    ),
    Rule(
        "metrics-server",
        "Only one can serve external metrics in a cluster, and an HPA that asks another one never scales.",
        "compute.kubernetes.metrics: prometheus-adapter or keda, and every autoscaler by that one.",
        (t.HPA,),
        _metrics_servers,
        across=True,
    ),
    Rule(
        "deployment-replicas",
        "A workload that sets its replicas is set back by every deployment.",
        "Leave replicas out where an HPA or a ScaledObject scales.",
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
        "pod-limits",
        "A container without requests is put where there is no room for it, and one without limits takes the others'.",
        "resources: requests and limits of cpu and memory, of every container.",
        t.WORKLOADS,
        _pod_limits,
    ),
    Rule(
        "pinned-image",
        "What `latest` is changes without a deployment, and two pods of one release are two programs.",
        "An image by digest, or by a tag other than latest.",
        t.WORKLOADS,
        _pinned_image,
    ),
    Rule(
        "pod-probes",
        "A slow database must take pods out of service, and not restart every one of them.",
        "Readiness by HTTP, liveness by TCP or without I/O.",
        (t.DEPLOYMENT, t.STATEFUL_SET),
        _pod_probes,
    ),
    Rule(
        "slow-start",
        f"A container that is restarted before gunicorn gives its worker up, after {START_SECONDS} s, never starts "
        "on a busy day.",
        f"A startupProbe whose periodSeconds times failureThreshold is {START_SECONDS} s or more: "
        f"compute.kubernetes.web.probes.startup_seconds of {START_SECONDS} or more.",
        t.WORKLOADS,
        _slow_start,
    ),
    *budgets.RULES,
)
