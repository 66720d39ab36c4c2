"""From what is named to what belongs to it."""

from __future__ import annotations

from typing import Any

import pytest

from scale.adopt.inventory import Inventory
from scale.adopt.selection import AdoptError, Seeds, Selection, select

GROUP_ARN = "arn:aws:autoscaling:eu-west-1:1:autoScalingGroup:x:autoScalingGroupName/web"
TARGET = "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/web/1"
BALANCER = "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/web/1"
POLICY = "arn:aws:autoscaling:eu-west-1:1:scalingPolicy:p:autoScalingGroupName/web:policyName/more"


def group(name: str, **more: Any) -> dict[str, Any]:
    return {"AutoScalingGroupName": name, "AutoScalingGroupARN": GROUP_ARN, "TargetGroupARNs": [], **more}


def database(name: str, source: str | None = None) -> dict[str, Any]:
    link = {"ReadReplicaSourceDBInstanceIdentifier": source} if source else {}
    return {"DBInstanceIdentifier": name, "DBInstanceArn": f"arn:aws:rds:eu-west-1:1:db:{name}", **link}


def alarm(name: str, *, actions: tuple[str, ...] = (), **dimensions: str) -> dict[str, Any]:
    pairs = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    return {"AlarmName": name, "MetricName": "x", "AlarmActions": list(actions), "Dimensions": pairs}


ENTRIES: dict[str, list[dict[str, Any]]] = {
    "groups": [group("web", TargetGroupARNs=[TARGET], LaunchTemplate={"LaunchTemplateId": "lt-1"}), group("other")],
    "templates": [
        {"LaunchTemplateId": "lt-1", "LaunchTemplateName": "for-web"},
        {"LaunchTemplateId": "lt-2", "LaunchTemplateName": "x"},
    ],
    "targets": [{"TargetGroupArn": TARGET, "TargetGroupName": "tg", "LoadBalancerArns": [BALANCER]}],
    "balancers": [{"LoadBalancerArn": BALANCER, "LoadBalancerName": "front"}],
    "policies": [
        {"AutoScalingGroupName": "web", "PolicyName": "more", "PolicyARN": POLICY, "PolicyType": "StepScaling"},
        {"AutoScalingGroupName": "other", "PolicyName": "less", "PolicyARN": "x", "PolicyType": "StepScaling"},
    ],
    "schedules": [{"AutoScalingGroupName": "web", "ScheduledActionName": "monday"}],
    "databases": [database("db"), database("db-reads", "db"), database("unrelated")],
    "caches": [{"ReplicationGroupId": "redis", "ARN": "arn:redis", "MemberClusters": ["redis-001"]}],
    "nodes": [{"CacheClusterId": "redis-001"}],
    "buckets": [{"Name": "web-static"}],
    "alarms": [
        alarm("invokes", actions=(POLICY,)),
        alarm("watches", LoadBalancer="app/web/1"),
        alarm("unrelated", LoadBalancer="app/other/1"),
        alarm("TargetTracking-web-AlarmHigh", AutoScalingGroupName="web"),
    ],
}
INVENTORY = Inventory(ENTRIES)


def named(selection: Selection) -> set[str]:
    """Return the names of everything in a selection."""
    single = [selection.group, selection.template, selection.balancer, selection.target]
    several = [*selection.policies, *selection.schedules, *selection.databases, *selection.caches]
    keys = (
        "PolicyName",
        "ScheduledActionName",
        "AutoScalingGroupName",
        "LaunchTemplateName",
        "LoadBalancerName",
        "TargetGroupName",
        "DBInstanceIdentifier",
        "ReplicationGroupId",
        "Name",
        "AlarmName",
    )
    entries = [entry for entry in [*single, *several, *selection.buckets, *selection.alarms] if entry]
    return {next(str(entry[key]) for key in keys if key in entry) for entry in entries}


FRONT = {"web", "for-web", "tg", "front", "more", "monday", "invokes", "watches"}


@pytest.mark.parametrize(
    ("seeds", "found"),
    [
        (Seeds(names=["web"]), FRONT),
        (Seeds(names=["front"]), FRONT),
        (Seeds(arns=[TARGET]), FRONT),
        (Seeds(names=["db"]), {"db", "db-reads"}),
        (Seeds(names=["db-reads"]), {"db", "db-reads"}),
        (Seeds(names=["redis", "web-*"]), {"redis", "web-static"}),
        (Seeds(arns=["arn:aws:ec2:eu-west-1:1:launch-template/lt-2"]), {"x"}),
        (Seeds(names=["nothing*"]), set[str]()),
    ],
    ids=["a group", "a balancer", "a target group", "a primary", "a replica", "patterns", "a template", "nothing"],
)
def test_references_are_followed_from_one_to_the_other(seeds: Seeds, found: set[str]) -> None:
    assert named(select(INVENTORY, seeds)) == found


def test_the_primary_is_first() -> None:
    entries = {"databases": [database("db-reads", "db"), database("db")]}
    assert [each["DBInstanceIdentifier"] for each in select(Inventory(entries), Seeds(names=["db*"])).databases] == [
        "db",
        "db-reads",
    ]


def test_all_tags_must_hold() -> None:
    tags = [{"Key": "Environment", "Value": "production"}, {"Key": "Team", "Value": "shop"}]
    entries = {"groups": [group("web", Tags=tags)]}
    assert select(Inventory(entries), Seeds(tags={"Environment": "production", "Team": "shop"})).group
    assert not select(Inventory(entries), Seeds(tags={"Environment": "production", "Team": "x"})).group


def test_what_the_tagging_api_names_is_taken() -> None:
    assert named(select(INVENTORY, Seeds(tags={"a": "b"}), ["arn:aws:s3:::web-static"])) == {"web-static"}


def test_the_group_behind_a_balancer_is_the_application_s_and_workers_are_left() -> None:
    entries = {**ENTRIES, "groups": [*ENTRIES["groups"], group("workers")]}
    found = select(Inventory(entries), Seeds(names=["web", "workers"]))
    assert found.group
    assert found.group["AutoScalingGroupName"] == "web"
    assert found.others == (("groups", "workers"),)


def test_two_of_what_the_program_has_once_are_refused_by_name() -> None:
    with pytest.raises(AdoptError, match=r"^2 databases are found \(db, unrelated\): the program has one"):
        select(INVENTORY, Seeds(names=["db", "unrelated"]))
