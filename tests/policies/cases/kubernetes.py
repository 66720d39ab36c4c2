"""For each rule a stack that breaks it, and one that nearly does."""

from __future__ import annotations

from policies import tokens as t
from tests.policies.cases.builders import PROBE, SAFE, Case, hpa, pod, vpa
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
