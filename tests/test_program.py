"""The program as a whole, for each of the stacks that come with it: what one component hands to another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from scale.testing import Passes, Recording, Resource, leaves, plan_stack
from scale.user_data import script as script_of
from tests.components.building import (
    ALARM,
    BUCKET,
    LOG_GROUP,
    ROLE_POLICY,
    get,
    statements,
    waits_for,
)

PROJECT = Path(__file__).parents[1]
STACKS = ["dev", "staging", "prod"]
PASSWORD_HOLDERS = {
    "aws:secretsmanager/secretVersion:SecretVersion",
    "aws:rds/instance:Instance",
    "aws:elasticache/user:User",
}
VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
INSTANCE = "aws:rds/instance:Instance"
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
GROUP = "aws:autoscaling/group:Group"
POLICY = "aws:autoscaling/policy:Policy"
BALANCER = "aws:lb/loadBalancer:LoadBalancer"
TARGETS = "aws:lb/targetGroup:TargetGroup"
LISTENER = "aws:lb/listener:Listener"
SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup"


@cache
def passes(stack: str) -> Passes:
    return plan_stack(stack, PROJECT)


def planned(stack: str) -> Recording:
    return passes(stack).update


def user_data(plan: Recording) -> str:
    found = script_of(get(plan.one(TEMPLATE), "userData"))
    assert found is not None
    return found


def servers_policy(plan: Recording) -> Resource:
    (found,) = [each for each in plan.all(ROLE_POLICY) if each.name.endswith("-web-servers")]
    return found


@pytest.mark.parametrize("stack", STACKS)
def test_a_preview_and_an_update_register_the_same_resources(stack: str) -> None:
    assert passes(stack).preview.resources.keys() == passes(stack).update.resources.keys()


@pytest.mark.parametrize("stack", STACKS)
def test_every_resource_of_aws_is_the_explicit_providers(stack: str) -> None:
    plan = planned(stack)
    provider = plan.one("pulumi:providers:aws")
    assert {each.provider for each in plan.all() if each.custom and not each.is_provider} == {
        f"{provider.urn}::{provider.id}"
    }


@pytest.mark.parametrize("stack", STACKS)
def test_passwords_are_where_they_are_needed_and_secret_there(stack: str) -> None:
    plan = planned(stack)
    assert plan.markers
    found = [
        (each.type, hidden)
        for each in plan.all()
        for _, value, hidden in leaves(dict(each.properties))
        if isinstance(value, str) and any(marker in value for marker in plan.markers)
    ]
    assert {type_ for type_, _ in found} <= PASSWORD_HOLDERS
    assert all(hidden for _, hidden in found)


@pytest.mark.parametrize("stack", STACKS)
def test_no_password_is_in_user_data_or_an_output(stack: str) -> None:
    plan = planned(stack)
    shown = user_data(plan) + str(plan.registered_outputs)
    assert not any(marker in shown for marker in plan.markers)


@pytest.mark.parametrize("stack", STACKS)
def test_servers_may_read_exactly_the_secrets_that_their_container_is_given(stack: str) -> None:
    plan = planned(stack)
    arns = {str(each.state["secretArn"]) for each in plan.all(VERSION)}
    (reading,) = [
        each for each in statements(servers_policy(plan)) if each["Action"] == ["secretsmanager:GetSecretValue"]
    ]
    assert set(reading["Resource"]) == arns
    assert all(f'"$(/usr/local/bin/django-scale-secret {arn})"' in user_data(plan) for arn in arns)


@pytest.mark.parametrize("stack", STACKS)
def test_servers_may_use_the_buckets_for_files_and_not_the_one_for_logs(stack: str) -> None:
    plan = planned(stack)
    files = [str(each.state["arn"]) for each in plan.all(BUCKET) if "access-logs" not in each.name]
    (listing,) = [each for each in statements(servers_policy(plan)) if each["Action"] == ["s3:ListBucket"]]
    assert listing["Resource"] == files
    assert len(files) == 2


@pytest.mark.parametrize("stack", STACKS)
def test_servers_join_the_balancers_targets_once_a_listener_forwards_to_them(stack: str) -> None:
    plan = planned(stack)
    group, targets = plan.one(GROUP), plan.one(TARGETS)
    assert get(group, "targetGroupArns") == [targets.state["arn"]]
    forwards = [
        each for each in plan.all(LISTENER) if get(each, "defaultActions.0.targetGroupArn") == targets.state["arn"]
    ]
    assert len(forwards) == 1
    assert waits_for(plan, group, forwards[0])


@pytest.mark.parametrize("stack", STACKS)
def test_scaling_measures_these_targets_behind_this_balancer(stack: str) -> None:
    plan = planned(stack)
    (policy,) = [each for each in plan.all(POLICY) if each.name.endswith("-requests")]
    label = get(policy, "targetTrackingConfiguration.predefinedMetricSpecification.resourceLabel")
    assert label == f"{plan.one(BALANCER).state['arnSuffix']}/{plan.one(TARGETS).state['arnSuffix']}"
    assert get(policy, "autoscalingGroupName") == plan.one(GROUP).state["name"]


@pytest.mark.parametrize("stack", STACKS)
def test_the_application_publishes_under_the_name_that_its_alarm_listens_to(stack: str) -> None:
    plan = planned(stack)
    (alarm,) = [each for each in plan.all(ALARM) if get(each, "namespace") == "Django/Application"]
    assert f"\nDJANGO_SCALE_ENVIRONMENT={get(alarm, 'dimensions.Environment')}\n" in user_data(plan)


@pytest.mark.parametrize("stack", STACKS)
def test_a_refresh_stops_at_alarms_that_exist(stack: str) -> None:
    plan = planned(stack)
    stops = get(plan.one(GROUP), "instanceRefresh.preferences.alarmSpecification.alarms")
    assert len(stops) == 2
    assert set(stops) <= {str(each.state["name"]) for each in plan.all(ALARM)}


@pytest.mark.parametrize("stack", STACKS)
def test_every_alarm_tells_people_or_adds_servers_or_is_a_part_of_the_composite_one(stack: str) -> None:
    plan = planned(stack)
    topic = plan.one("aws:sns/topic:Topic").state["arn"]
    policies = [each.state["arn"] for each in plan.all(POLICY)]
    rule = get(plan.one("aws:cloudwatch/compositeAlarm:CompositeAlarm"), "alarmRule")
    for each in plan.all(ALARM):
        actions: list[str] = get(each, "alarmActions") or []
        assert all(action == topic or action in policies for action in actions)
        assert actions or f'ALARM("{each.state["name"]}")' in rule


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize(
    ("role", "type_", "key"),
    [
        ("balancer", BALANCER, "securityGroups"),
        ("servers", TEMPLATE, "vpcSecurityGroupIds"),
        ("database", INSTANCE, "vpcSecurityGroupIds"),
        ("cache", CACHE, "securityGroupIds"),
    ],
)
def test_each_part_stands_behind_its_own_security_group(stack: str, role: str, type_: str, key: str) -> None:
    plan = planned(stack)
    (group,) = [each for each in plan.all(SECURITY_GROUP) if each.name.endswith(f"-{role}")]
    assert [get(each, key) for each in plan.all(type_)] == [[group.id]] * len(plan.all(type_))


@pytest.mark.parametrize("stack", STACKS)
def test_servers_start_after_what_they_need(stack: str) -> None:
    plan = planned(stack)
    group = plan.one(GROUP)
    needed = [*plan.all(VERSION), *plan.all(INSTANCE), *plan.all(CACHE), servers_policy(plan)]
    needed += [each for each in plan.all("aws:ec2/route:Route") if "private" in each.name or stack == "dev"]
    assert all(waits_for(plan, group, each) for each in needed)


def all_statements(plan: Recording) -> Iterator[dict[str, Any]]:
    for each in plan.all():
        for key in ("policy", "assumeRolePolicy"):
            if isinstance(each.properties.get(key), str):
                yield from json.loads(get(each, key))["Statement"]


@pytest.mark.parametrize("stack", STACKS)
def test_nobody_outside_is_allowed_anything(stack: str) -> None:
    principals = [each.get("Principal") for each in all_statements(planned(stack)) if each["Effect"] == "Allow"]
    assert {"AWS": "*"} not in principals
    assert "*" not in principals


@pytest.mark.parametrize("stack", STACKS)
def test_no_role_may_do_everything_of_a_service_or_act_on_everything_without_a_condition(stack: str) -> None:
    identity = [
        each for policy in planned(stack).all(ROLE_POLICY) for each in statements(policy) if each["Effect"] == "Allow"
    ]
    assert not any(action.endswith(":*") or action == "*" for each in identity for action in each["Action"])
    unbounded = [each for each in identity if each["Resource"] == ["*"] and "Condition" not in each]
    allowed = {"ecr:GetAuthorizationToken", "xray:PutTraceSegments", "xray:PutTelemetryRecords"}
    assert {action for each in unbounded for action in each["Action"]} <= allowed


@pytest.mark.parametrize("stack", STACKS)
def test_no_log_is_kept_for_ever(stack: str) -> None:
    assert all(get(each, "retentionInDays") > 0 for each in planned(stack).all(LOG_GROUP))


def test_what_holds_data_in_production_is_protected_and_in_dev_is_not() -> None:
    protected = {each.name for type_ in (INSTANCE, BUCKET) for each in planned("prod").all(type_) if each.protect}
    assert protected == {"shop-prod-db-primary", "shop-prod-static-bucket", "shop-prod-media-bucket"}
    assert not any(each.protect for type_ in (INSTANCE, BUCKET) for each in planned("dev").all(type_))


def test_the_firewall_stands_in_front_of_the_balancer_where_there_is_one() -> None:
    association = planned("prod").one("aws:wafv2/webAclAssociation:WebAclAssociation")
    assert get(association, "resourceArn") == planned("prod").one(BALANCER).state["arn"]
    assert not [each for each in planned("dev").all() if ":wafv2/" in each.type]


def test_the_url_is_the_domain_or_the_balancers_own_name() -> None:
    assert planned("prod").outputs["url"] == "https://shop.example.com"
    assert planned("dev").outputs["url"] == f"http://{planned('dev').one(BALANCER).state['dnsName']}"


@pytest.mark.parametrize("stack", STACKS)
def test_the_environment_that_is_exported_is_the_containers(stack: str) -> None:
    plan = planned(stack)
    exported: Any = plan.outputs["environment"]
    file = "".join(f"{name}={value}\n" for name, value in sorted(exported.items()))
    assert file in user_data(plan)
