"""The application on a cluster beside the servers, by the whole program: one environment, and who waits for whom."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from typing import Any

import pytest

from scale import user_data
from scale.plan.plan import Plan
from scale.testing import Recording, Resource, Secret
from tests.components.building import component, get, statements, waits_for
from tests.components.kubernetes.cluster_building import (
    CONFIG_MAP,
    DEPLOYMENT,
    HPA,
    JOB,
    NAMESPACE,
    RELEASE,
    SECRET_OBJECT,
    SERVICE,
)
from tests.test_kubernetes_stacks import BESIDE, make

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
BINDING = "kubernetes:elbv2.k8s.aws/v1beta1:TargetGroupBinding"
IDENTITY = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
QUEUE = "aws:sqs/queue:Queue"
TASKS = {"app": "project", "workers": [{"queues": ["default", "mail"], "max": 2}], "beat": True}


@cache
def planned() -> Plan:
    kubernetes: dict[str, Any] = {**BESIDE["kubernetes"], "tasks": TASKS}
    return make({**BESIDE, "kubernetes": kubernetes})


def plan() -> Recording:
    return planned().update


def script() -> str:
    return user_data.script(str(get(plan().one(TEMPLATE, "shop-prod-web-template"), "userData"))) or ""


# --- the same variables


def test_a_pod_has_the_plain_variables_of_a_server() -> None:
    block = re.search(r"/etc/django-scale/environment <<'END_OF_FILE'\n(.*?)END_OF_FILE", script(), re.DOTALL)
    assert block is not None
    of_a_server = dict(line.split("=", 1) for line in block[1].splitlines())
    assert get(plan().one(CONFIG_MAP, "shop-prod-variables"), "data") == of_a_server
    assert plan().outputs["environment"] == of_a_server


def test_a_pod_has_the_secrets_of_a_server() -> None:
    of_a_server = re.findall(r'^([A-Z_]+)="\$\(/usr/local/bin/django-scale-secret ', script(), re.MULTILINE)
    of_a_pod = get(plan().one(SECRET_OBJECT, "shop-prod-secrets"), "stringData")
    assert sorted(of_a_pod) == sorted(of_a_server)
    assert all(of_a_pod.values())


def test_metrics_go_where_servers_and_pods_are_scaled_from() -> None:
    assert get(plan().one(CONFIG_MAP, "shop-prod-variables"), "data")["METRICS_EXPORTER"] == "cloudwatch,prometheus"


def test_the_variables_name_the_queues_that_there_are() -> None:
    data = get(plan().one(CONFIG_MAP, "shop-prod-variables"), "data")
    urls = {each.name.removeprefix("shop-prod-"): each.state["url"] for each in plan().all(QUEUE)}
    assert data["CELERY_BROKER_URL"] == "sqs://"
    assert data["CELERY_QUEUES"] == "default,mail"
    assert data["CELERY_QUEUE_URLS"] == f"default={urls['default']},mail={urls['mail']}"


def test_no_secret_value_leaves_the_secret() -> None:
    kept = plan().one(SECRET_OBJECT, "shop-prod-secrets").properties["stringData"]
    assert isinstance(kept, Secret)
    values = [str(value) for value in get(plan().one(SECRET_OBJECT, "shop-prod-secrets"), "stringData").values()]
    for each in plan().all():
        if each.type.startswith("kubernetes:") and each.type != SECRET_OBJECT:
            assert not any(value in str(each.properties) for value in values)


def test_servers_and_pods_may_use_the_queues() -> None:
    arns = {str(plan().one(QUEUE, f"shop-prod-{name}").state["arn"]) for name in ("default", "mail")}
    for name in ("shop-prod-web-servers", "shop-prod-application-pods"):
        used = [entry for entry in statements(plan().one(ROLE_POLICY, name)) if "sqs:SendMessage" in entry["Action"]]
        assert [set(entry["Resource"]) for entry in used] == [arns]


def test_pods_ask_secrets_manager_for_nothing() -> None:
    actions = [entry["Action"] for entry in statements(plan().one(ROLE_POLICY, "shop-prod-application-pods"))]
    assert not any(action.startswith("secretsmanager:") for each in actions for action in each)


# --- who waits for whom


def named(kind: str, name: str) -> Resource:
    return plan().one(kind, name)


ORDER = [
    (NAMESPACE, "shop-prod-namespace", SERVICE, "shop-prod-service"),
    (SERVICE, "shop-prod-service", BINDING, "shop-prod-targets"),
    (RELEASE, "shop-prod-balancer-controller", BINDING, "shop-prod-targets"),
    (BINDING, "shop-prod-targets", DEPLOYMENT, "shop-prod-web"),
    (IDENTITY, "shop-prod-application-pods", DEPLOYMENT, "shop-prod-web"),
    (CONFIG_MAP, "shop-prod-variables", DEPLOYMENT, "shop-prod-web"),
    (SECRET_OBJECT, "shop-prod-secrets", DEPLOYMENT, "shop-prod-worker-default"),
    (DEPLOYMENT, "shop-prod-web", HPA, "shop-prod-web-horizontal"),
    (RELEASE, "shop-prod-prometheus-adapter", HPA, "shop-prod-web-horizontal"),
]


@pytest.mark.parametrize(("kind", "first", "other", "then"), ORDER, ids=lambda each: each if "shop" in each else "")
def test_what_comes_before_what(kind: str, first: str, other: str, then: str) -> None:
    assert waits_for(plan(), named(other, then), named(kind, first))
    assert not waits_for(plan(), named(kind, first), named(other, then))


def test_the_migration_has_the_role_and_the_variables_too() -> None:
    (job,) = plan().all(JOB)
    for kind, name in ((IDENTITY, "shop-prod-application-pods"), (CONFIG_MAP, "shop-prod-variables")):
        assert waits_for(plan(), job, named(kind, name))


def test_everything_in_the_cluster_has_the_clusters_own_provider() -> None:
    provider = plan().one("pulumi:providers:kubernetes")
    own = [each for each in plan().all() if each.custom and each.type.startswith("kubernetes:")]
    assert len(own) > 20
    assert all(each.provider.startswith(provider.urn) for each in own)


def test_pods_are_held_back_until_they_are_targets() -> None:
    labels = get(named(NAMESPACE, "shop-prod-namespace"), "metadata.labels")
    assert labels["elbv2.k8s.aws/pod-readiness-gate-inject"] == "enabled"


def test_it_has_exactly_these_children() -> None:
    found = Counter(each.type.rpartition(":")[2] for each in plan().children(component(plan(), "ApplicationPods")))
    assert found == {
        "ApplicationNamespace": 1,
        "PodIdentity": 1,
        "TargetGroupBinding": 1,
        "Workload": 1,
        "Autoscalers": 1,
    }
