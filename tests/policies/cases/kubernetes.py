"""For each rule a stack that breaks it, and one that nearly does."""

from __future__ import annotations

from policies import tokens as t
from tests.policies.cases.builders import (
    PROBE,
    SAFE,
    SIZE,
    UNSAFE,
    Case,
    budget,
    container_hpa,
    external_hpa,
    hpa,
    labelled,
    pod,
    scaled_object,
    vpa,
)
from tests.policies.stacks import resource

KUBERNETES = (
    Case("pod-scalers", (hpa("cpu", "memory"), vpa("memory")), (hpa("cpu"), vpa("memory")), "both act on the memory"),
    Case("pod-scalers", (hpa(), vpa("cpu")), (hpa(), vpa("cpu", mode="Off")), "both act on the cpu"),
    Case(
        "pod-scalers",
        (hpa("cpu", name="a"), hpa("memory", name="b")),
        (hpa("cpu", name="a"), vpa("memory")),
        "scales already",
    ),
    Case(
        "pod-scalers",
        (hpa("cpu"), scaled_object("prometheus")),
        (hpa("cpu"), scaled_object("prometheus", of="worker")),
        "scales already",
    ),
    Case(
        "pod-scalers",
        (scaled_object("cpu", "prometheus"), vpa("cpu")),
        (scaled_object("memory", "prometheus"), vpa("cpu")),
        "both act on the cpu",
    ),
    Case(
        "pod-scalers",
        (container_hpa("memory"), vpa("memory")),
        (container_hpa("cpu"), vpa("memory")),
        "both act on the memory",
    ),
    Case(
        "metrics-server",
        (external_hpa("celery_queue_length"), scaled_object("prometheus", of="worker")),
        (hpa("cpu"), scaled_object("prometheus", of="worker")),
        "which KEDA serves",
    ),
    Case(
        "deployment-replicas",
        (scaled_object("cpu"), resource(t.DEPLOYMENT, {"metadata": {"name": "web"}, "spec": {"replicas": 3}})),
        (scaled_object("cpu"), resource(t.DEPLOYMENT, {"metadata": {"name": "beat"}, "spec": {"replicas": 1}})),
        "sets its replicas",
    ),
    Case("blocking-budget", (budget(maxUnavailable=0),), (budget(maxUnavailable=1),), "lets no pod go"),
    Case("blocking-budget", (budget(maxUnavailable="0%"),), (budget(maxUnavailable="1%"),), "lets no pod go"),
    Case("blocking-budget", (budget(minAvailable="100%"),), (budget(minAvailable="90%"),), "lets no pod go"),
    Case(
        "blocking-budget",
        (budget(minAvailable=3), labelled(), hpa("cpu", least=3)),
        (budget(minAvailable=3), labelled(), hpa("cpu", least=4)),
        "while it has its fewest, 3",
    ),
    Case(
        "blocking-budget",
        (budget(minAvailable=1), labelled(replicas=1)),
        (budget(minAvailable=1), labelled(replicas=2)),
        "while it has its fewest, 1",
    ),
    Case(
        "blocking-budget",
        (budget(minAvailable=1), labelled(), scaled_object("prometheus", least=0)),
        (budget(minAvailable=1), labelled(component="worker", replicas=1)),
        "while it has its fewest, 0",
    ),
    Case(
        "pod-limits",
        (pod({"resources": {"requests": SIZE, "limits": {"cpu": "1"}}}),),
        (pod({"resources": {"requests": SIZE, "limits": SIZE}}),),
        "does not say limits.memory of web",
    ),
    Case(
        "pod-limits",
        (pod({"resources": {"requests": SIZE, "limits": SIZE}}, initContainers=[{"name": "first"}]),),
        (
            pod(
                {"resources": {"requests": SIZE, "limits": SIZE}},
                initContainers=[{"name": "first", "resources": {"requests": SIZE, "limits": SIZE}}],
            ),
        ),
        "of first",
    ),
    Case("pinned-image", (pod({"image": "shop:latest"}),), (pod({"image": "shop:1"}),), "shop:latest"),
    Case(
        "pinned-image",
        (pod({"image": "registry.example.com:5000/shop"}),),
        (pod({"image": f"shop@sha256:{'0' * 64}"}),),
        "whatever",
    ),
    Case(
        "privileged-pod",
        (
            resource(
                t.JOB, {"spec": {"template": {"spec": {"containers": [{"name": "m", "securityContext": UNSAFE}]}}}}
            ),
        ),
        (resource(t.JOB, {"spec": {"template": {"spec": {"containers": [{"name": "m", "securityContext": SAFE}]}}}}),),
        "run as root",
    ),
    Case(
        "deployment-replicas",
        (hpa("cpu"), resource(t.DEPLOYMENT, {"metadata": {"name": "web"}, "spec": {"replicas": 3}})),
        (hpa("cpu"), resource(t.DEPLOYMENT, {"metadata": {"name": "worker"}, "spec": {"replicas": 3}})),
        "sets its replicas",
    ),
    Case(
        "privileged-pod",
        (pod({"securityContext": {**SAFE, "privileged": True}}),),
        (pod({"securityContext": SAFE}),),
        "node's root",
    ),
    Case(
        "privileged-pod",
        (pod({"securityContext": {"allowPrivilegeEscalation": False}}),),
        (pod({"securityContext": {"allowPrivilegeEscalation": False}}, securityContext={"runAsNonRoot": True}),),
        "run as root",
    ),
    Case(
        "privileged-pod",
        (pod({"securityContext": SAFE}, hostNetwork=True),),
        (pod({"securityContext": SAFE}, hostNetwork=False),),
        "hostNetwork",
    ),
    Case("slow-start", (pod({"livenessProbe": PROBE}),), (pod({"readinessProbe": PROBE}),), "not started after 30 s"),
    Case(
        "slow-start",
        (pod({"livenessProbe": PROBE, "startupProbe": {**PROBE, "periodSeconds": 5, "failureThreshold": 11}}),),
        (pod({"livenessProbe": PROBE, "startupProbe": {**PROBE, "periodSeconds": 5, "failureThreshold": 12}}),),
        "not started after 55 s",
    ),
    Case(
        "slow-start",
        (pod({"livenessProbe": {**PROBE, "initialDelaySeconds": 29}}),),
        (pod({"livenessProbe": {**PROBE, "initialDelaySeconds": 30}}),),
        "not started after 59 s",
    ),
    Case(
        "pod-probes",
        (pod({"ports": [{"containerPort": 8000}], "readinessProbe": PROBE, "livenessProbe": PROBE}),),
        (
            pod(
                {
                    "ports": [{"containerPort": 8000}],
                    "readinessProbe": PROBE,
                    "livenessProbe": {"tcpSocket": {"port": 8000}},
                }
            ),
        ),
        "out of service",
    ),
    Case(
        "pod-probes",
        (pod({"ports": [{"containerPort": 8000}]}),),
        (pod({}),),
        "before it can answer",
    ),
)
