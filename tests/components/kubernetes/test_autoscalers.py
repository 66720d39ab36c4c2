"""What makes pods come and go: by an HPA of the program's own or by KEDA, and never by two."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from components.kubernetes.pod_metrics import PodMetrics
from model.autoscaling import Vertical
from policies.catalogue import RULES
from policies.rule import judge
from scale.plan.guard_rails import view
from scale.testing import Recording, Resource, run
from tests.components.building import component, get, waits_for
from tests.components.kubernetes.cluster_building import (
    DEPLOYMENT,
    HPA,
    NAME,
    RELEASE,
    SCALED_OBJECT,
    VARIANTS,
    VPA,
    build,
    built,
    manifest,
    parsed,
)


def scaled(**groups: Any) -> dict[str, Any]:
    """Return the web pods' HPA of a stack with these settings."""
    return manifest(run(build(parsed(**groups))).one(HPA, f"{NAME}-web-horizontal"))["spec"]


def web(variant: str = "tasks", gunicorn_port: int = 8000) -> dict[str, Any]:
    return manifest(built(variant, gunicorn_port).one(HPA, f"{NAME}-web-horizontal"))["spec"]


def test_it_has_exactly_these_resources() -> None:
    for variant, own in (("tasks", {"HorizontalPodAutoscaler": 3}), ("keda", {"ScaledObject": 3})):
        below = built(variant).descendants(component(built(variant), "Autoscalers"))
        assert Counter(each.type.rpartition(":")[2] for each in below) == {
            "PodMetrics": 1,
            "Namespace": 1,
            "Release": 3,
            "VerticalPodAutoscaler": 1,
            **own,
        }


def test_the_hpa_is_the_guides() -> None:
    found = web()
    assert found["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    assert (found["minReplicas"], found["maxReplicas"]) == (3, 50)
    assert found["metrics"] == [
        {
            "type": "Resource",
            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
        },
        {
            "type": "Resource",
            "resource": {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 80}},
        },
        {
            "type": "Pods",
            "pods": {
                "metric": {"name": "django_requests_per_second"},
                "target": {"type": "AverageValue", "averageValue": "100"},
            },
        },
        {
            "type": "External",
            "external": {
                "metric": {"name": "celery_queue_length", "selector": {"matchLabels": {"queue": "default"}}},
                "target": {"type": "Value", "value": "50"},
            },
        },
    ]
    assert found["behavior"] == {
        "scaleDown": {
            "stabilizationWindowSeconds": 300,
            "selectPolicy": "Min",
            "policies": [
                {"type": "Percent", "value": 10, "periodSeconds": 60},
                {"type": "Pods", "value": 2, "periodSeconds": 60},
            ],
        },
        "scaleUp": {
            "stabilizationWindowSeconds": 60,
            "selectPolicy": "Max",
            "policies": [
                {"type": "Percent", "value": 50, "periodSeconds": 60},
                {"type": "Pods", "value": 5, "periodSeconds": 60},
            ],
        },
    }


def test_without_tasks_no_metric_waits_for_a_queue_that_is_not_there() -> None:
    assert [metric["type"] for metric in web("as it is")["metrics"]] == ["Resource", "Resource", "Pods"]


def test_it_follows_the_servers_policy() -> None:
    pods: dict[str, Any] = {"compute": {"kubernetes": {"scaling": {"requests_per_second": None}}}}
    found = scaled(scaling={"cpu_percent": 55, "requests_per_target": 1000, "scale_in": False}, **pods)
    targets = [next(value["target"] for key, value in metric.items() if key != "type") for metric in found["metrics"]]
    assert targets[0]["averageUtilization"] == 55
    # 1000 a minute are 16.67 a second.
    assert targets[2]["averageValue"] == "16667m"
    assert found["behavior"]["scaleDown"]["selectPolicy"] == "Disabled"
    off = scaled(scaling={"cpu_percent": None, "requests_per_target": None})
    assert [metric["resource"]["name"] for metric in off["metrics"]] == ["memory"]


def test_beside_nginx_the_application_alone_is_looked_at() -> None:
    cpu = web("as it is", 8001)["metrics"][0]
    assert cpu["type"] == "ContainerResource"
    assert (cpu["containerResource"]["container"], cpu["containerResource"]["name"]) == ("django", "cpu")


def test_workers_are_held_at_a_backlog_that_they_work_off_in_the_acceptable_delay() -> None:
    plan = built("tasks")
    by_default = manifest(plan.one(HPA, f"{NAME}-worker-default-horizontal"))["spec"]["metrics"]
    # 4 at a time, 1 s each, for 60 s; of both queues together.
    assert by_default == [
        {
            "type": "External",
            "external": {
                "metric": {
                    "name": "celery_queue_length",
                    "selector": {
                        "matchExpressions": [{"key": "queue", "operator": "In", "values": ["default", "mail"]}]
                    },
                },
                "target": {"type": "AverageValue", "averageValue": "240"},
            },
        }
    ]
    # 4 at a time, 30 s each, for 60 s.
    slow = manifest(plan.one(HPA, f"{NAME}-worker-reports-horizontal"))["spec"]["metrics"][0]["external"]
    assert slow["target"]["averageValue"] == "8"
    assert slow["metric"]["selector"] == {"matchLabels": {"queue": "reports"}}


# --- KEDA


def test_with_keda_the_program_has_no_hpa_and_without_it_no_scaled_object() -> None:
    assert built("keda").all(HPA) == []
    assert built("tasks").all(SCALED_OBJECT) == []


def test_a_scaled_object_has_the_hpas_bounds_targets_and_pace() -> None:
    found = manifest(built("keda").one(SCALED_OBJECT, f"{NAME}-web-scaled"))["spec"]
    own = web()
    assert (found["minReplicaCount"], found["maxReplicaCount"]) == (own["minReplicas"], own["maxReplicas"])
    assert found["advanced"]["horizontalPodAutoscalerConfig"]["behavior"] == own["behavior"]
    assert [(trigger["type"], trigger["metricType"]) for trigger in found["triggers"]] == [
        ("cpu", "Utilization"),
        ("memory", "Utilization"),
        ("prometheus", "AverageValue"),
        ("prometheus", "Value"),
    ]
    assert [
        trigger["metadata"].get("value", trigger["metadata"].get("threshold")) for trigger in found["triggers"]
    ] == [
        "70",
        "80",
        "100",
        "50",
    ]


def test_keda_takes_over_the_programs_own_hpa() -> None:
    for each in built("keda").all(SCALED_OBJECT):
        found = manifest(each)
        own = found["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["name"]
        assert own == found["metadata"]["name"] == found["spec"]["scaleTargetRef"]["name"]
        assert found["metadata"]["annotations"] == {"scaledobject.keda.sh/transfer-hpa-ownership": "true"}


def test_no_answer_is_an_error_and_not_a_zero() -> None:
    triggers = [
        trigger
        for each in built("keda").all(SCALED_OBJECT)
        for trigger in manifest(each)["spec"]["triggers"]
        if trigger["type"] == "prometheus"
    ]
    assert len(triggers) == 4
    assert {trigger["metadata"]["ignoreNullValues"] for trigger in triggers} == {"false"}


def test_workers_may_go_to_zero() -> None:
    tasks = {"app": "project", "workers": [{"min": 0}]}
    plan = run(build(parsed(compute={"kubernetes": {"metrics": "keda", "tasks": tasks}})))
    assert get(plan.one(SCALED_OBJECT, f"{NAME}-worker-default-scaled"), "spec.minReplicaCount") == 0


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_workload_but_beat_has_one_autoscaler(variant: str) -> None:
    plan = built(variant)
    targets = [
        manifest(each)["spec"]["scaleTargetRef"]["name"] for kind in (HPA, SCALED_OBJECT) for each in plan.all(kind)
    ]
    workloads = [manifest(each)["metadata"]["name"] for each in plan.all(DEPLOYMENT)]
    assert sorted(targets) == sorted(name for name in workloads if name != "beat")


# --- VPA


def test_the_vpa_recommends_within_its_bounds_and_leaves_the_sidecars_alone() -> None:
    found = manifest(built().one(VPA))["spec"]
    assert found["updatePolicy"] == {"updateMode": "Off"}
    own, others = found["resourcePolicy"]["containerPolicies"]
    assert own["minAllowed"] == {"cpu": "100m", "memory": "128Mi"}
    assert own["maxAllowed"] == {"cpu": "2", "memory": "2Gi"}
    assert others == {"containerName": "*", "mode": "Off"}


def test_without_a_vpa_there_is_none_and_nothing_of_it() -> None:
    plan = run(build(parsed(compute={"kubernetes": {"vertical": None}})))
    assert plan.all(VPA) == []
    assert {each.name for each in plan.all(RELEASE)} == {f"{NAME}-prometheus", f"{NAME}-prometheus-adapter"}


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_rule_of_the_pack_has_a_word_against_it(variant: str) -> None:
    stack = view(built(variant, 8001))
    said = [
        (rule.id, verdict.message)
        for rule in RULES.values()
        for resource in stack.of(*rule.types)
        if resource.type.startswith("kubernetes:")
        for verdict in judge(rule, resource, stack)
    ]
    assert said == []


# --- what serves the metrics


def releases(plan: Recording) -> dict[str, Resource]:
    return {str(get(each, "chart")): each for each in plan.all(RELEASE)}


@pytest.mark.parametrize(
    ("variant", "server", "other"), [("tasks", "prometheus-adapter", "keda"), ("keda", "keda", "prometheus-adapter")]
)
def test_one_of_the_two_serves_metrics_and_comes_before_who_asks(variant: str, server: str, other: str) -> None:
    plan = built(variant)
    found = releases(plan)
    assert set(found) == {"prometheus", server, "vertical-pod-autoscaler"}
    assert other not in found
    for each in [*plan.all(HPA), *plan.all(SCALED_OBJECT)]:
        assert waits_for(plan, each, found[server])
        assert waits_for(plan, each, found["prometheus"])
    assert waits_for(plan, plan.one(VPA), found["vertical-pod-autoscaler"])


def test_every_chart_is_pinned_and_taken_back_where_it_does_not_come_up() -> None:
    for each in [*built("tasks").all(RELEASE), *built("keda").all(RELEASE)]:
        version = str(get(each, "version"))
        assert version.count(".") == 2
        assert version.replace(".", "").isdigit()
        assert str(get(each, "repositoryOpts.repo")).startswith("https://")
        assert get(each, "atomic") is True


@pytest.mark.parametrize(
    ("mode", "webhook", "updater"),
    [("off", False, False), ("initial", True, False), ("recreate", True, True), ("in-place-or-recreate", True, True)],
)
def test_of_the_vpa_runs_what_its_mode_needs(mode: Any, webhook: bool, updater: bool) -> None:
    plan = run(lambda: PodMetrics(NAME, "keda", Vertical(mode=mode), application_namespace=NAME))
    values = get(releases(plan)["vertical-pod-autoscaler"], "values")
    assert values["recommender"]["enabled"]
    assert (values["admissionController"]["enabled"], values["updater"]["enabled"]) == (webhook, updater)
