"""Settings and matches from descriptions that moto does not make: mixed groups, step policies, sessions, refusals."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from scale.adopt.details import Details
from scale.adopt.selection import Selection
from scale.adopt.settings import Asked, describe, parse
from scale.adopt.settings_scaling import step_alarms
from tests.scale.adopt.byhand import ByHand
from tests.scale.adopt.test_adopt import adopt

ASKED = Asked("prod", "eu-west-1", "123456789012", "shop", "ghcr.io/example/shop:1.4.0")
GROUP = {
    "AutoScalingGroupName": "web",
    "MinSize": 2,
    "MaxSize": 6,
    "DefaultInstanceWarmup": 120,
    "DefaultCooldown": 300,
}
TEMPLATE = Details(template={"InstanceType": "m7g.large", "ImageId": "ami-0123456789abcdef0"})
STEP = "arn:aws:autoscaling:eu-west-1:123456789012:scalingPolicy:p:autoScalingGroupName/web:policyName/slow"

# What AWS holds here is one for a process: the tests that build something in it take turns.


def told(selection: Selection, details: Details = TEMPLATE) -> tuple[dict[str, Any], list[str]]:
    """Return the configuration, which Settings take, and the notes."""
    found = describe(selection, details, ASKED)
    parse(found.config, ASKED)
    return found.config, found.notes


def database(**more: Any) -> dict[str, Any]:
    return {
        "DBInstanceIdentifier": "shop-primary",
        "Engine": "postgres",
        "EngineVersion": "17.2",
        "DBInstanceClass": "db.m7g.large",
        "AllocatedStorage": 100,
        "MaxAllocatedStorage": 400,
        "DBName": "shop",
        "MasterUsername": "shop",
        "MultiAZ": True,
        "BackupRetentionPeriod": 7,
        **more,
    }


def cache(identifier: str, shards: int = 1, members: int = 2, **more: Any) -> dict[str, Any]:
    nodes: list[dict[str, Any]] = [{"NodeGroupMembers": [{}] * members}] * shards
    return {
        "ReplicationGroupId": identifier,
        "CacheNodeType": "cache.r7g.large",
        "NodeGroups": nodes,
        "MemberClusters": [f"{identifier}-001"],
        **more,
    }


def test_a_mixed_group_is_described_by_its_types_and_its_spot_share() -> None:
    policy = {
        "LaunchTemplate": {
            "LaunchTemplateSpecification": {"LaunchTemplateId": "lt-1"},
            "Overrides": [{"InstanceType": "m7g.large"}, {"InstanceType": "m6g.large"}],
        },
        "InstancesDistribution": {"OnDemandBaseCapacity": 1, "OnDemandPercentageAboveBaseCapacity": 40},
    }
    servers = told(Selection(group={**GROUP, "MixedInstancesPolicy": policy}))[0]["servers"]
    assert (servers["instance_type"], servers["other_instance_types"]) == ("m7g.large", ["m6g.large"])
    assert (servers["spot_percent"], servers["on_demand_base"]) == (60, 1)


def test_a_warm_pool_is_described() -> None:
    pool = {"MinSize": 1, "PoolState": "Stopped"}
    config, _ = told(Selection(group={**GROUP, "WarmPoolConfiguration": pool}))
    assert config["servers"]["warm_pool"] == {"min_size": 1, "state": "stopped"}


def test_a_group_that_may_be_empty_keeps_one_server_and_it_is_said() -> None:
    config, notes = told(Selection(group={**GROUP, "MinSize": 0}))
    assert config["servers"]["min"] == 1
    assert any(note.startswith("servers.min: the group may have no server") for note in notes)


def test_what_a_group_does_not_have_is_switched_off() -> None:
    scaling = told(Selection(group=GROUP))[0]["scaling"]
    assert scaling == {
        "cpu_percent": None,
        "requests_per_target": None,
        "warmup_seconds": 120,
        "database_connections": None,
        "response_time": None,
    }


def _slow(adjustment: str) -> Selection:
    alarm = {
        "AlarmName": "slow",
        "MetricName": "TargetResponseTime",
        "Threshold": 1.5,
        "EvaluationPeriods": 4,
        "DatapointsToAlarm": 3,
        "Period": 60,
        "AlarmActions": [STEP],
    }
    policy = {
        "AutoScalingGroupName": "web",
        "PolicyName": "slow",
        "PolicyARN": STEP,
        "PolicyType": "StepScaling",
        "AdjustmentType": adjustment,
        "StepAdjustments": [
            {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 1, "ScalingAdjustment": 10},
            {"MetricIntervalLowerBound": 1, "ScalingAdjustment": 30},
        ],
    }
    return Selection(group=GROUP, policies=(policy,), alarms=(alarm,))


def test_a_step_policy_is_described_with_its_alarm() -> None:
    config, notes = told(_slow("PercentChangeInCapacity"))
    assert config["scaling"]["response_time"] == {
        "above_seconds": 1.5,
        "periods": 4,
        "datapoints": 3,
        "period_seconds": 60,
        "steps": [{"beyond": 0.0, "add_percent": 10}, {"beyond": 1.0, "add_percent": 30}],
    }
    assert not any("response_time" in note for note in notes)


def test_steps_that_are_no_share_of_the_fleet_are_not_taken_for_one() -> None:
    config, notes = told(_slow("ChangeInCapacity"))
    assert "steps" not in config["scaling"]["response_time"]
    assert any("add servers and not a share" in note for note in notes)


def test_of_several_alarms_the_one_that_adds_servers_is_taken() -> None:
    """One tells somebody, one takes servers away, one invokes what it cannot: none of them is the step policy's."""
    (alarm,) = _slow("PercentChangeInCapacity").alarms
    others = (
        {**alarm, "AlarmName": "told", "AlarmActions": ["arn:aws:sns:eu-west-1:123456789012:oncall"]},
        {**alarm, "AlarmName": "quick", "ComparisonOperator": "LessThanThreshold"},
        {**alarm, "AlarmName": "by-hand", "AlarmActions": [STEP.replace("slow", "cpu")]},
    )
    selection = replace(_slow("PercentChangeInCapacity"), alarms=(*others, alarm))
    assert {section: each["AlarmName"] for section, each in step_alarms(selection).items()} == {"response_time": "slow"}
    assert told(selection)[0]["scaling"]["response_time"]["above_seconds"] == 1.5
    assert told(replace(selection, alarms=others[:2]))[0]["scaling"]["response_time"] is None


def test_a_schedule_is_described_and_what_happens_once_is_left_out() -> None:
    actions = (
        {
            "AutoScalingGroupName": "web",
            "ScheduledActionName": "Monday Morning",
            "Recurrence": "30 6 * * 1",
            "MinSize": 4,
        },
        {"AutoScalingGroupName": "web", "ScheduledActionName": "launch", "MinSize": 5},
    )
    config, notes = told(Selection(group=GROUP, schedules=actions))
    assert config["scaling"]["scheduled"] == [{"name": "monday-morning", "cron": "30 6 * * 1", "min": 4}]
    assert "scaling.scheduled: launch happens once, and is left out" in notes


def test_what_the_settings_refuse_is_left_to_the_default_and_said() -> None:
    config, notes = told(Selection(databases=(database(MasterUsername="postgres"),)))
    assert "user" not in config["database"]
    assert any(note.startswith("database.user: ") and "default stands" in note for note in notes)


def test_a_minor_version_is_pinned_so_that_nothing_is_upgraded() -> None:
    assert told(Selection(databases=(database(),)))[0]["database"]["engine_version"] == "17.2"


def test_another_engine_is_said() -> None:
    config, notes = told(Selection(databases=(database(Engine="mysql", EngineVersion="8.0.39"),)))
    assert "engine_version" not in config["database"]
    assert "database: shop-primary is mysql, the program has PostgreSQL" in notes


def test_replicas_are_named_by_what_is_their_own() -> None:
    source = {"ReadReplicaSourceDBInstanceIdentifier": "shop-primary", "AvailabilityZone": "eu-west-1b"}
    replica = database(DBInstanceIdentifier="shop-reports", **source)
    assert told(Selection(databases=(database(), replica)))[0]["database"]["replicas"] == [
        {"name": "reports", "zone": 2}
    ]


def test_the_group_that_is_named_for_sessions_is_the_sessions() -> None:
    node = {"CacheClusterId": "shop-data-001", "Engine": "valkey", "EngineVersion": "8.1.0"}
    groups = (cache("shop-sessions", members=1), cache("shop-data", shards=3))
    found = told(Selection(caches=groups, nodes=(node,)))[0]["cache"]
    assert (found["data"]["shards"], found["data"]["replicas"], found["sessions"]["replicas"]) == (3, 1, 0)
    assert (found["engine"], found["engine_version"]) == ("valkey", "8.1")


def test_a_version_that_the_program_does_not_have_is_said() -> None:
    node = {"CacheClusterId": "shop-001", "Engine": "redis", "EngineVersion": "6.2.6"}
    config, notes = told(Selection(caches=(cache("shop"),), nodes=(node,)))
    assert config["cache"]["engine_version"] == "7.1"
    assert any("6.2 is not one of the program's" in note for note in notes)


@pytest.fixture
def refusing() -> Iterator[str]:
    """A service that lets nobody in."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
            self.send_response(403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_service_that_may_not_be_read_is_said_and_hides_nothing_else(
    built: ByHand, refusing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_ELASTICACHE", refusing)
    code, out, _ = adopt(tmp_path, "--name", "django*", "--application", "shop")
    assert code == 1
    assert "caches: elasticache:DescribeReplicationGroups is not allowed" in out
    assert "database instance shop-production-db-primary: django-db" in out
