"""Stacks with a cluster, as docs/kubernetes.md has them: beside the servers, and instead of them."""

from __future__ import annotations

import os
import re
import shutil
import sys
from functools import cache
from pathlib import Path
from subprocess import run
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml

from scale.plan.architecture import architecture
from scale.plan.plan import Plan, make_plan
from scale.testing import Recording, Resource
from tests.components.building import get, waits_for
from tests.components.kubernetes.schemas import KNOWN, is_defined, objects, problems

ROOT = Path(__file__).parents[1]
GROUP = "aws:autoscaling/group:Group"
TARGETS = "aws:lb/targetGroup:TargetGroup"
LISTENER = "aws:lb/listener:Listener"
CLUSTER = "aws:eks/cluster:Cluster"
COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
_BLOCKS = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8"), re.DOTALL)
PLAIN: dict[str, Any] = {
    "aws:region": "eu-west-1",
    "django-scale:application": {"name": "shop", "image": "ghcr.io/example/shop:1.4.0", "domain": "shop.example.com"},
    "django-scale:network": {"zones": 3},
    "django-scale:database": {"instance_class": "db.m7g.large"},
    "django-scale:scaling": {"database_connections": {"above": 250}},
}
BESIDE, INSTEAD = (yaml.safe_load(block)["config"]["django-scale:compute"] for block in _BLOCKS)

# What a cluster beside the servers changes of what is there: where requests go, who is told of what, what is drawn, and
# the servers' environment, which is the pods' too.
CHANGED = {LISTENER, COMPOSITE, "aws:cloudwatch/dashboard:Dashboard", "aws:ec2/launchTemplate:LaunchTemplate"}


def make(compute: dict[str, Any] | None) -> Plan:
    with TemporaryDirectory() as folder:
        directory = Path(folder)
        project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text()) | {"main": os.path.relpath(ROOT, directory)}
        config = PLAIN if compute is None else {**PLAIN, "django-scale:compute": compute}
        (directory / "Pulumi.yaml").write_text(yaml.safe_dump(project))
        (directory / "Pulumi.prod.yaml").write_text(yaml.safe_dump({"config": config}))
        try:
            return make_plan(directory, "prod")
        finally:
            shutil.rmtree(directory / "__pycache__", ignore_errors=True)


@cache
def plain() -> Plan:
    return make(None)


@cache
def beside() -> Plan:
    return make(BESIDE)


@cache
def instead() -> Plan:
    return make(INSTEAD)


@cache
def automatic() -> Plan:
    tasks = {"app": "project", "workers": [{"min": 0}], "beat": True}
    cluster = {"nodes": "auto", "metrics": "keda", "web": {"max": 20}, "tasks": tasks}
    return make({"servers": False, "kubernetes": cluster})


@cache
def tasked() -> Plan:
    return make({**BESIDE, "kubernetes": {**BESIDE["kubernetes"], "tasks": {"app": "project"}}})


def facts(resource: Resource) -> tuple[object, ...]:
    return resource.properties, resource.dependencies, resource.ignore_changes, resource.protect


def group(plan: Recording, role: str) -> Resource:
    return plan.one(TARGETS, f"shop-prod-{role}")


@pytest.mark.parametrize("plan", [beside, instead, automatic])
def test_they_plan_without_a_complaint(plan: Any) -> None:
    assert [each for each in plan().findings if each.severity != "info"] == []


@pytest.mark.parametrize("version", KNOWN)
@pytest.mark.parametrize("plan", [tasked, automatic])
def test_the_api_server_takes_every_object_of_the_program(plan: Any, version: str) -> None:
    found = objects(plan().update)
    own = [f"{each['kind']}: {problem}" for each in found for problem in problems(each, version)]
    assert own == []
    foreign = [
        each for each in found if re.match(r"(\w+\.)*(aws|amazonaws\.com|sh|autoscaling\.k8s\.io)/", each["apiVersion"])
    ]
    assert {each["kind"] for each in foreign} >= {"TargetGroupBinding", "NodePool", "VerticalPodAutoscaler"}
    assert all(is_defined(each) for each in foreign)


def test_a_cluster_beside_the_servers_only_adds() -> None:
    before, after = plain().update.resources, beside().update.resources
    assert before.keys() <= after.keys()
    changed = {after[urn].type for urn, each in before.items() if facts(each) != facts(after[urn])}
    assert changed == CHANGED


def test_requests_are_divided_by_the_weights() -> None:
    plan = beside().update
    action = get(plan.one(LISTENER, "shop-prod-https"), "defaultActions.0")
    assert action["forward"]["targetGroups"] == [
        {"arn": group(plan, "web").state["arn"], "weight": 90},
        {"arn": group(plan, "pods").state["arn"], "weight": 10},
    ]


@pytest.mark.parametrize(("plan", "role"), [(plain, "web"), (instead, "pods")])
def test_with_one_way_there_are_no_weights(plan: Any, role: str) -> None:
    action = get(plan().update.one(LISTENER, "shop-prod-https"), "defaultActions.0")
    assert action == {"type": "forward", "targetGroupArn": group(plan().update, role).state["arn"]}


def test_pods_are_targets_by_address_in_a_group_that_auto_mode_may_fill() -> None:
    pods = group(beside().update, "pods")
    assert get(pods, "targetType") == "ip"
    assert get(pods, "tags") == {"eks:eks-cluster-name": "shop-prod"}
    assert get(beside().update.one(CLUSTER), "name") == "shop-prod"
    assert get(group(beside().update, "web"), "targetType") == "instance"


def test_both_groups_are_watched_and_people_told_of_those_that_serve() -> None:
    assert "no-pod" in get(beside().update.one(COMPOSITE), "alarmRule")
    kept_warm = make({"kubernetes": {"web": {"max": 20}}}).update
    assert kept_warm.one(ALARM, "shop-prod-no-pod")
    assert "no-pod" not in get(kept_warm.one(COMPOSITE), "alarmRule")
    assert "no-server" in get(kept_warm.one(COMPOSITE), "alarmRule")


def test_instead_of_the_servers_nothing_of_theirs_is_left() -> None:
    plan = instead().update
    assert plan.all(GROUP) == []
    assert [each.name for each in plan.all() if each.type.startswith("aws:") and "-web" in each.name] == []
    assert "servers" not in " ".join(each.name for each in plan.all("aws:ec2/securityGroup:SecurityGroup"))
    assert {"group", "launch_template_version", "log_group"}.isdisjoint(plan.outputs)
    assert plan.outputs["cluster"] == "shop-prod"


def test_connections_are_those_of_servers_and_pods_together() -> None:
    def most(plan: Plan) -> int:
        assert plan.capacity is not None
        return plan.capacity.connections[0].at_maximum

    assert most(beside()) == most(plain()) + most(instead())


def test_the_cluster_stands_in_the_private_subnets() -> None:
    plan = beside().update
    subnets = [each for each in plan.all("aws:ec2/subnet:Subnet") if "-private-" in each.name]
    assert get(plan.one(CLUSTER), "vpcConfig.subnetIds") == [each.id for each in subnets]
    assert all(waits_for(plan, plan.one(CLUSTER), each) for each in subnets)


def test_pods_ask_for_names_where_they_are_answered() -> None:
    """In Auto Mode a node answers itself: no pod carries CoreDNS' label (aws/containers-roadmap#2552)."""

    def asked(plan: Plan) -> Any:
        rule = get(
            plan.update.one("kubernetes:networking.k8s.io/v1:NetworkPolicy", "shop-prod-egress"), "spec.egress.0"
        )
        assert rule["ports"] == [{"protocol": "TCP", "port": 53}, {"protocol": "UDP", "port": 53}]
        return rule["to"]

    assert asked(automatic()) == [{"ipBlock": {"cidr": "0.0.0.0/0"}}]
    assert asked(beside())[0]["podSelector"] == {"matchLabels": {"k8s-app": "kube-dns"}}


@pytest.mark.parametrize("plan", [beside, instead])
def test_the_pods_are_drawn_between_the_balancer_and_what_they_use(plan: Any) -> None:
    built = architecture(plan().update, "eu-west-1")
    keys = [node.key for node in built.nodes]
    assert len(keys) == len(set(keys))
    titles = {node.key: node.title for node in built.nodes}
    (pods,) = [node for node in built.nodes if node.title == "Pods"]
    assert "EKS 1.35" in pods.detail
    assert [titles[edge.source] for edge in built.edges if edge.target == pods.key] == ["Application Load Balancer"]
    used = {titles[edge.target] for edge in built.edges if edge.source == pods.key}
    # Their secrets come with them.
    assert used == {"Static", "Media", "PostgreSQL primary", "Cache", "Sessions"}


# --- moving over, as docs/pods.md has it

MOVING = ROOT / "example" / "moving"
STEPS = ["servers", "look", "tenth", "pods", "alone"]
KEPT = ("kubernetes:", "aws:eks/", "aws:rds/", "aws:elasticache/", "aws:s3/", "aws:secretsmanager/", "aws:kms/")


@cache
def step(name: str) -> Plan:
    """Return the plan of a step, under one name, as an environment that moves has it."""
    config = yaml.safe_load((MOVING / f"Pulumi.{name}.yaml").read_text(encoding="utf-8"))["config"]
    compute = config.pop("django-scale:compute", None)
    assert config == PLAIN
    return make(compute)


def test_every_step_of_moving_over_is_one_that_may_be_deployed() -> None:
    assert sorted(path.stem.removeprefix("Pulumi.") for path in MOVING.glob("Pulumi.*.yaml")) == sorted(STEPS)
    for name in STEPS:
        assert [each for each in step(name).findings if each.severity != "info"] == []


@pytest.mark.parametrize(("before", "after"), [("look", "tenth"), ("tenth", "pods")])
def test_a_step_is_the_listeners_weights_and_who_is_told(before: str, after: str) -> None:
    old, new = step(before).update.resources, step(after).update.resources
    assert old.keys() == new.keys()
    changed = {each.type for urn, each in old.items() if facts(each) != facts(new[urn])}
    assert changed == {LISTENER, COMPOSITE}


def test_looking_takes_nothing_away_and_the_last_step_nothing_that_is_kept() -> None:
    servers, look, pods, alone = (step(name).update.resources for name in ("servers", "look", "pods", "alone"))
    assert servers.keys() < look.keys()
    assert alone.keys() < pods.keys()
    gone = {pods[urn].type for urn in pods.keys() - alone.keys()}
    assert GROUP in gone
    assert not [kind for kind in gone if kind.startswith(KEPT)]


def test_a_stack_of_servers_never_loads_the_sdk_of_kubernetes() -> None:
    code = (
        "import sys; from pathlib import Path; from scale.plan.program import run_stack;"
        f"run_stack(Path({str(ROOT)!r}), 'dev'); assert 'pulumi_kubernetes' not in sys.modules, 'loaded'"
    )
    done = run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
