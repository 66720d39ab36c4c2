"""`scale verify`: an environment that is as its program says has no difference, and each other one is told."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from scale import user_data
from scale.cli import app
from scale.operate.find import Finder
from scale.operate.verify.comparison import compare
from scale.operate.verify.difference import Danger, Difference, ordered
from scale.operate.verify.look import same
from tests.scale.operate.answers import Answers
from tests.scale.operate.environment import Environment
from tests.scale.projects import ROOT, own_plan


def verify(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["verify", "prod", "--cwd", str(ROOT), "--no-address", *arguments])


def differences(finder: Finder) -> list[dict[str, str]]:
    """Return the differences that are found."""
    found = compare(finder, own_plan("prod").update)
    assert not found.unread
    return [each.document() for each in found.differences]


def test_an_environment_built_from_its_program_has_no_difference(live: Answers) -> None:
    done = verify()
    assert done.exit_code == 0, done.stdout
    assert "0 differences in load balancer, firewall, servers, scheduled actions, scaling policies, " in done.stdout


def first(key: str, **changes: Any) -> Callable[[dict[str, Any]], None]:
    """Return what changes the first entry of a list in an answer."""

    def change(answer: dict[str, Any]) -> None:
        if answer[key]:
            answer[key][0] |= changes

    return change


def entry(key: str, name: str, begins: str, **changes: Any) -> Callable[[dict[str, Any]], None]:
    """Return what changes the entry whose `name` begins so."""

    def change(answer: dict[str, Any]) -> None:
        for each in answer.get(key, []):
            if each.get(name, "").startswith(begins):
                each |= changes

    return change


def gone(key: str, name: str, begins: str) -> Callable[[dict[str, Any]], None]:
    """Return what takes the entries away whose `name` begins so."""

    def change(answer: dict[str, Any]) -> None:
        answer[key] = [each for each in answer.get(key, []) if not each.get(name, "").startswith(begins)]

    return change


def more(key: str, **added: Any) -> Callable[[dict[str, Any]], None]:
    """Return what adds an entry to a list in an answer."""
    return lambda answer: answer[key].append(added)


def attribute(name: str, value: str) -> Callable[[dict[str, Any]], None]:
    """Return what changes an attribute of a balancer or a target group."""

    def change(answer: dict[str, Any]) -> None:
        answer["Attributes"] = [each for each in answer["Attributes"] if each["Key"] != name]
        answer["Attributes"].append({"Key": name, "Value": value})

    return change


GROUPS = "autoscaling:DescribeAutoScalingGroups", "AutoScalingGroups"
POLICIES = "autoscaling:DescribePolicies", "ScalingPolicies"
SCHEDULES = "autoscaling:DescribeScheduledActions", "ScheduledUpdateGroupActions"
ALARMS = "cloudwatch:DescribeAlarms", "MetricAlarms"
INSTANCES = "rds:DescribeDBInstances", "DBInstances"
CACHES = "elasticache:DescribeReplicationGroups", "ReplicationGroups"
TARGETS = "elbv2:DescribeTargetGroups", "TargetGroups"
LISTENERS = "elbv2:DescribeListeners", "Listeners"
PRIMARY, READS = "shop-prod-db-primary", "shop-prod-db-reads"
GROUP, CPU, STEP = "shop-prod-web-group", "shop-prod-web-cpu", "shop-prod-web-response-time"
TRACKING = {
    "TargetValue": 50.0,
    "DisableScaleIn": False,
    "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
}
OTHER_TARGETS = {"Type": "forward", "TargetGroupArn": "arn:other"}

Case = tuple[str, Callable[[dict[str, Any]], object], set[tuple[str, str, str]]]
CASES: dict[str, Case] = {
    "minimum below every schedule": (GROUPS[0], first(GROUPS[1], MinSize=2), {("scaling", GROUP, "minimum size")}),
    "maximum too small": (GROUPS[0], first(GROUPS[1], MaxSize=10), {("outage", GROUP, "maximum size")}),
    "health check by EC2": (
        GROUPS[0],
        first(GROUPS[1], HealthCheckType="EC2"),
        {("outage", GROUP, "health check of servers")},
    ),
    "another warm-up": (GROUPS[0], first(GROUPS[1], DefaultInstanceWarmup=300), {("scaling", GROUP, "warm-up")}),
    "launches suspended": (
        GROUPS[0],
        first(GROUPS[1], SuspendedProcesses=[{"ProcessName": "Launch"}]),
        {("outage", GROUP, "process Launch")},
    ),
    "group is gone": (
        GROUPS[0],
        gone(GROUPS[1], "AutoScalingGroupName", "shop"),
        {("outage", GROUP, "Auto Scaling group")},
    ),
    "target changed": (
        POLICIES[0],
        entry(POLICIES[1], "PolicyName", CPU, TargetTrackingConfiguration=TRACKING),
        {("scaling", CPU, "target value")},
    ),
    "steps changed": (
        POLICIES[0],
        entry(
            POLICIES[1], "PolicyName", STEP, StepAdjustments=[{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 5}]
        ),
        {("scaling", STEP, "steps")},
    ),
    "policy disabled": (
        POLICIES[0],
        entry(POLICIES[1], "PolicyName", CPU, Enabled=False),
        {("scaling", CPU, "policy")},
    ),
    "policy gone": (POLICIES[0], gone(POLICIES[1], "PolicyName", CPU), {("scaling", CPU, "scaling policy")}),
    "policy of the console's": (
        POLICIES[0],
        more(POLICIES[1], PolicyName="by-hand", PolicyARN="arn:x", PolicyType="SimpleScaling"),
        {("scaling", "shop-prod-web-group-42e5e13", "scaling policy by-hand")},
    ),
    "schedule moved": (
        SCHEDULES[0],
        entry(SCHEDULES[1], "ScheduledActionName", "monday-morning", Recurrence="0 9 * * 1"),
        {("scaling", "shop-prod-web-monday-morning", "recurrence")},
    ),
    "schedule of the console's": (
        SCHEDULES[0],
        more(SCHEDULES[1], ScheduledActionName="sale", MaxSize=40),
        {("scaling", "shop-prod-web-group-42e5e13", "scheduled action sale")},
    ),
    "threshold changed": (
        ALARMS[0],
        entry(ALARMS[1], "AlarmName", f"{PRIMARY}-cpu", Threshold=99.0),
        {("silence", f"{PRIMARY}-cpu", "threshold")},
    ),
    "actions switched off": (
        ALARMS[0],
        entry(ALARMS[1], "AlarmName", "shop-prod-db-reads-lag", ActionsEnabled=False),
        {("silence", "shop-prod-db-reads-lag", "actions")},
    ),
    "alarm gone": (
        ALARMS[0],
        gone(ALARMS[1], "AlarmName", f"{PRIMARY}-connections"),
        {("silence", f"{PRIMARY}-connections", "alarm")},
    ),
    "scaling alarm gone": (ALARMS[0], gone(ALARMS[1], "AlarmName", STEP), {("scaling", STEP, "alarm")}),
    "unencrypted": (
        INSTANCES[0],
        entry(INSTANCES[1], "DBInstanceIdentifier", PRIMARY, StorageEncrypted=False),
        {("data", PRIMARY, "encryption")},
    ),
    "no backups": (
        INSTANCES[0],
        entry(INSTANCES[1], "DBInstanceIdentifier", PRIMARY, BackupRetentionPeriod=0),
        {("data", PRIMARY, "days of backups")},
    ),
    "unprotected": (
        INSTANCES[0],
        entry(INSTANCES[1], "DBInstanceIdentifier", PRIMARY, DeletionProtection=False),
        {("data", PRIMARY, "deletion protection")},
    ),
    "no standby": (
        INSTANCES[0],
        entry(INSTANCES[1], "DBInstanceIdentifier", PRIMARY, MultiAZ=False),
        {("outage", PRIMARY, "standby in another zone")},
    ),
    "older version": (
        INSTANCES[0],
        entry(INSTANCES[1], "DBInstanceIdentifier", PRIMARY, EngineVersion="16.9"),
        {("drift", PRIMARY, "version")},
    ),
    "promoted": (
        INSTANCES[0],
        entry(INSTANCES[1], "DBInstanceIdentifier", READS, ReadReplicaSourceDBInstanceIdentifier=None),
        {("data", READS, "replicates")},
    ),
    "waits for a restart": (
        INSTANCES[0],
        entry(
            INSTANCES[1], "DBInstanceIdentifier", READS, DBParameterGroups=[{"ParameterApplyStatus": "pending-reboot"}]
        ),
        {("drift", READS, "parameters")},
    ),
    "replica of the console's": (
        INSTANCES[0],
        entry(INSTANCES[1], "DBInstanceIdentifier", PRIMARY, ReadReplicaDBInstanceIdentifiers=[READS, "by-hand"]),
        {("drift", "shop-prod", "replica by-hand")},
    ),
    "cache unencrypted": (
        CACHES[0],
        entry(CACHES[1], "ReplicationGroupId", "shop-prod-sessions", AtRestEncryptionEnabled=False),
        {("data", "shop-prod-sessions-group", "encryption at rest")},
    ),
    "cache in the clear": (
        CACHES[0],
        entry(CACHES[1], "ReplicationGroupId", "shop-prod-cache", TransitEncryptionEnabled=False),
        {("data", "shop-prod-cache-group", "encryption in transit")},
    ),
    "database is public": (
        INSTANCES[0],
        entry(INSTANCES[1], "DBInstanceIdentifier", READS, PubliclyAccessible=True),
        {("data", READS, "public address")},
    ),
    "waits for the maintenance window": (
        INSTANCES[0],
        entry(
            INSTANCES[1], "DBInstanceIdentifier", PRIMARY, PendingModifiedValues={"DBInstanceClass": "db.r7g.xlarge"}
        ),
        {("drift", PRIMARY, "pending change of DBInstanceClass")},
    ),
    "topic in the clear": (
        "sns:GetTopicAttributes",
        lambda answer: answer["Attributes"].pop("KmsMasterKeyId", None),
        {("data", "shop-prod-alarms", "encryption")},
    ),
    "nobody is told": (
        "sns:ListSubscriptionsByTopic",
        gone("Subscriptions", "Endpoint", "oncall"),
        {("silence", "shop-prod-alarms-1", "subscription of oncall@shop.example.com")},
    ),
    "no fail-over": (
        CACHES[0],
        entry(CACHES[1], "ReplicationGroupId", "shop-prod-cache", AutomaticFailover="disabled"),
        {("outage", "shop-prod-cache-group", "fail-over")},
    ),
    "health check elsewhere": (
        TARGETS[0],
        first(TARGETS[1], HealthCheckPath="/"),
        {("outage", "shop-prod-web", "health check's path")},
    ),
    "balancer unprotected": (
        "elbv2:DescribeLoadBalancerAttributes",
        attribute("deletion_protection.enabled", "false"),
        {("outage", "shop-prod-alb", "deletion protection")},
    ),
    "drains too short": (
        "elbv2:DescribeTargetGroupAttributes",
        attribute("deregistration_delay.timeout_seconds", "0"),
        {("outage", "shop-prod-web", "draining, seconds")},
    ),
    "older TLS": (
        LISTENERS[0],
        lambda answer: [each.update(SslPolicy="ELBSecurityPolicy-2016-08") for each in answer["Listeners"][1:]],
        {("data", "shop-prod-https", "TLS policy")},
    ),
    "forwards elsewhere": (
        LISTENERS[0],
        lambda answer: [each.update(DefaultActions=[OTHER_TARGETS]) for each in answer["Listeners"][1:]],
        {("outage", "shop-prod-https", "what the listener does")},
    ),
    "port open besides": (
        LISTENERS[0],
        more("Listeners", Port=8080, Protocol="HTTP", DefaultActions=[]),
        {("data", "shop-prod-alb-660acef", "listener on port 8080")},
    ),
    "limit raised": (
        "wafv2:GetWebACLForResource",
        lambda answer: answer["WebACL"]["Rules"][1]["Statement"]["RateBasedStatement"].update(Limit=2500),
        {("data", "shop-prod-firewall", "rule limit-login")},
    ),
    "subscriber has not confirmed": (
        "sns:ListSubscriptionsByTopic",
        entry("Subscriptions", "Endpoint", "oncall", SubscriptionArn="PendingConfirmation"),
        {("silence", "shop-prod-alarms-1", "subscription")},
    ),
    "bucket is public": (
        "s3:GetPublicAccessBlock",
        lambda answer: answer["PublicAccessBlockConfiguration"].update(BlockPublicPolicy=False),
        {
            ("data", f"shop-prod-{role}-block", "public access: blockPublicPolicy")
            for role in ("access-logs", "media", "static")
        },
    ),
    "instances keep an old version": (
        GROUPS[0],
        lambda answer: [
            each["Instances"][0]["LaunchTemplate"].update(Version="7") for each in answer["AutoScalingGroups"]
        ],
        {("drift", GROUP, "servers in use")},
    ),
    "launch template is not the newest": (
        "ec2:DescribeLaunchTemplates",
        first("LaunchTemplates", LatestVersionNumber=2),
        {("drift", GROUP, "launch template version")},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_difference_is_told_with_its_danger(finder: Finder, live: Answers, case: str) -> None:
    call, change, expected = CASES[case]
    live.change(call, change)
    found = differences(finder)
    assert {(each["danger"], each["resource"], each["what"]) for each in found} == expected
    assert all(each["mend"] for each in found)


def test_a_shard_that_is_lost_is_counted(finder: Finder, live: Answers) -> None:
    def lose(answer: dict[str, Any]) -> None:
        for group in answer["ReplicationGroups"]:
            group["NodeGroups"] = group["NodeGroups"][:2]
            group["NodeGroups"][0]["NodeGroupMembers"].pop()

    live.change(CACHES[0], lose)
    found = {(each["resource"], each["what"], each["wanted"], each["found"]) for each in differences(finder)}
    assert found == {
        ("shop-prod-cache-group", "shards", "3", "2"),
        ("shop-prod-cache-group", "replicas of shard 0001", "1", "0"),
        ("shop-prod-sessions-group", "replicas of shard 0001", "1", "0"),
    }


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [("TargetTrackingScaling", "which an alarm cannot invoke"), (None, "is no policy of this group")],
)
def test_an_alarm_must_invoke_a_step_policy_of_its_group(
    finder: Finder, live: Answers, kind: str | None, wrong: str
) -> None:
    if kind is None:
        live.change(
            ALARMS[0], entry(ALARMS[1], "AlarmName", STEP, AlarmActions=["arn:aws:autoscaling:x:1:scalingPolicy:y"])
        )
    else:
        live.change(POLICIES[0], entry(POLICIES[1], "PolicyName", STEP, PolicyType=kind))
    told = [each["found"] for each in differences(finder) if each["what"] == "AlarmActions"]
    assert any(wrong in each for each in told)


def test_a_topic_that_is_gone_is_told_for_each_alarm_that_invokes_it(finder: Finder, live: Answers) -> None:
    live.refuse("sns:GetTopicAttributes", "NotFound")
    found = differences(finder)
    assert ("shop-prod-alarms", "alarm topic") in {(each["resource"], each["what"]) for each in found}
    assert sum(each["found"].endswith("does not exist") for each in found) > 50


def test_a_server_s_script_is_compared_in_what_the_settings_decide(finder: Finder, live: Answers) -> None:
    def change(answer: dict[str, Any]) -> None:
        data = answer["LaunchTemplateVersions"][0]["LaunchTemplateData"]
        script = (
            (user_data.script(data["UserData"]) or "")
            .replace("DB_REPLICA_2_WEIGHT=3", "DB_REPLICA_2_WEIGHT=9")
            .replace("shop:1.4.0", "shop:1.3.9")
        )
        data["UserData"] = base64.b64encode(script.encode()).decode()
        data["MetadataOptions"]["HttpTokens"] = "optional"

    live.change("ec2:DescribeLaunchTemplateVersions", change)
    found = [(each["danger"], each["what"]) for each in differences(finder)]
    assert found == [
        ("data", "instance metadata tokens"),
        ("outage", "variable DB_REPLICA_2_WEIGHT"),
        ("drift", "image"),
    ]


def test_a_firewall_that_is_taken_off_is_told(finder: Finder, live: Answers) -> None:
    live.give("wafv2:GetWebACLForResource", {})
    (found,) = differences(finder)
    assert (found["danger"], found["what"], found["found"]) == ("data", "firewall before the load balancer", "none")


def test_a_bucket_that_is_not_encrypted_is_told(finder: Finder, live: Answers) -> None:
    live.refuse("s3:GetBucketEncryption", "ServerSideEncryptionConfigurationNotFoundError")
    found = differences(finder)
    assert {(each["danger"], each["what"]) for each in found} == {("data", "encryption")}
    assert {each["resource"] for each in found} >= {"shop-prod-media-bucket", "shop-prod-static-bucket"}


def test_what_schedules_change_is_no_difference(finder: Finder, live: Answers) -> None:
    live.change(GROUPS[0], first(GROUPS[1], MinSize=6, DesiredCapacity=17))
    assert differences(finder) == []


def test_a_database_that_is_gone_comes_first(finder: Finder, live: Answers, prod: Environment) -> None:
    live.change(GROUPS[0], first(GROUPS[1], MaxSize=10))
    live.refuse(INSTANCES[0], "DBInstanceNotFound")
    found = differences(finder)
    assert (found[0]["resource"], found[0]["what"]) == (PRIMARY, "database")
    assert "snapshot" in found[0]["mend"]
    assert found[-1]["what"] == "maximum size"


def test_what_cannot_be_read_is_named_and_the_rest_compared(live: Answers) -> None:
    live.change(GROUPS[0], first(GROUPS[1], MaxSize=10))
    live.refuse("elasticache:DescribeReplicationGroups")
    done = verify("--json")
    found = json.loads(done.stdout)
    assert done.exit_code == 2
    assert found["not_compared"] == {
        "cache": "elasticache:DescribeReplicationGroups is not allowed: add it to the role's policy (docs/operating.md)"
    }
    assert [each["what"] for each in found["differences"]] == ["maximum size"]


def test_the_page_shows_wanted_found_and_the_way_to_mend(live: Answers) -> None:
    live.change(GROUPS[0], first(GROUPS[1], MaxSize=10))
    done = verify()
    assert done.exit_code == 1
    assert "outage  shop-prod-web-group: maximum size\n  wanted 20\n  found  10\n  -> `pulumi up" in done.stdout
    assert "set servers.max in the stack's file" in done.stdout


def test_wrong_settings_and_missing_credentials_are_exit_status_2(no_identity: None) -> None:
    assert verify().exit_code == 2
    assert CliRunner().invoke(app, ["verify", "none", "--cwd", str(ROOT)]).exit_code == 2


@pytest.mark.parametrize(
    ("wanted", "found", "equal"),
    [("0", 0.0, True), (70, 70.0, True), (True, "true", True), (False, None, True), (True, None, False), (1, 2, False)],
)
def test_values_are_equal_whatever_their_form(wanted: object, found: object, equal: bool) -> None:
    assert same(wanted, found) is equal


def test_the_most_dangerous_comes_first() -> None:
    found = [Difference(danger, "a", "b", "c", "d", "e") for danger in reversed(Danger)]
    assert [each.danger.word for each in ordered(found)] == ["data", "outage", "silence", "scaling", "drift"]
