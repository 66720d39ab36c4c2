"""docs/operating.md shows what the commands print, on an environment built in moto and with a bad hour behind it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from typer.testing import CliRunner

from scale.cli import app
from tests.scale.operate.answers import Answers, minutes_ago
from tests.scale.operate.environment import Environment
from tests.scale.projects import ROOT

PAGE = ROOT / "docs" / "operating.md"
VALUES = {
    ("shop-prod-db-primary", "DatabaseConnections"): 212.0,
    ("shop-prod-db-primary", "CPUUtilization"): 91.4,
    ("shop-prod-db-primary", "FreeStorageSpace"): 143.5 * 1024**3,
    ("shop-prod-db-reports", "DatabaseConnections"): 180.0,
    ("shop-prod-db-reports", "ReplicaLag"): 0.4,
    ("shop-prod-db-reads", "DatabaseConnections"): 205.0,
    ("shop-prod-db-reads", "ReplicaLag"): 47.0,
}


def printed(*arguments: str) -> str:
    """Run a command and return what it prints, its time made the page's."""
    done = CliRunner().invoke(app, [*arguments, "--cwd", str(ROOT)])
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "2026-01-15 09:30:00 UTC", done.stdout)
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def shown(command: str) -> str:
    """Return the block that follows `scale ...` on the page."""
    text = PAGE.read_text(encoding="utf-8")
    (block,) = re.findall(rf"^```text\n\$ {re.escape(command)}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return block.strip("\n")


def measured(live: Answers, values: Mapping[tuple[str, str], float]) -> None:
    """Let CloudWatch know these values, by the resource's id and the metric's name."""
    queries: dict[str, tuple[str, str]] = {}

    def asked(params: dict[str, Any]) -> None:
        for query in params["MetricDataQueries"]:
            metric = query["MetricStat"]["Metric"]
            queries[query["Id"]] = (metric["Dimensions"][0]["Value"], metric["MetricName"])
        live.give(
            "cloudwatch:GetMetricData",
            {
                "MetricDataResults": [
                    {"Id": name, "Timestamps": [datetime.now(UTC)], "Values": [values[key]]}
                    for name, key in queries.items()
                    if key in values
                ]
            },
        )

    live.before["cloudwatch:GetMetricData"] = asked


def bad_hour(live: Answers, prod: Environment) -> None:
    """Let a launch fail, the primary be busy and a replica lag."""
    alarm = "a monitor alarm TargetTracking-shop-prod-web in state ALARM"
    cause = f"At 2026-01-15T09:20:00Z {alarm} triggered policy shop-prod-web-cpu"
    refusal = "We currently do not have sufficient m7g.large capacity in eu-west-1a."
    activity = {"StatusCode": "Successful", "Description": "Launching a new EC2 instance: i-0a1", "Cause": cause}
    failure = {"StatusCode": "Failed", "Description": "Launching a new EC2 instance", "StatusMessage": refusal}
    activities = [
        {**failure, "StartTime": minutes_ago(4)},
        {**activity, "StartTime": minutes_ago(9)},
    ]
    live.give("autoscaling:DescribeScalingActivities", {"Activities": activities})

    def group(answer: dict[str, Any]) -> None:
        (found,) = answer["AutoScalingGroups"]
        first, second, third = found["Instances"]
        first["AvailabilityZone"], second["AvailabilityZone"] = "eu-west-1b", "eu-west-1c"
        third["LifecycleState"] = "Pending"
        found["DesiredCapacity"] = 4

    live.change("autoscaling:DescribeAutoScalingGroups", group)
    raised = [
        prod.name(f"shop-prod-db-{role}", "aws:cloudwatch/metricAlarm:MetricAlarm")
        for role in ("primary-cpu", "reads-lag")
    ]
    reason = "Threshold Crossed: 3 datapoints were greater than the threshold (85.0)."

    def alarms(answer: dict[str, Any]) -> None:
        for alarm in answer["MetricAlarms"]:
            if alarm["AlarmName"] in raised:
                since = minutes_ago(12)
                alarm |= {"StateValue": "ALARM", "StateReason": reason, "StateUpdatedTimestamp": since}

    live.change("cloudwatch:DescribeAlarms", alarms)
    live.refuse("elasticache:DescribeReplicationGroups")
    measured(live, VALUES)


def test_the_page_shows_the_status(live: Answers, prod: Environment) -> None:
    bad_hour(live, prod)
    assert printed("status", "prod") == shown("scale status prod")


def test_the_page_shows_differences(live: Answers) -> None:
    def group(answer: dict[str, Any]) -> None:
        answer["AutoScalingGroups"][0] |= {"MaxSize": 10}

    def instances(answer: dict[str, Any]) -> None:
        for found in answer["DBInstances"]:
            if found["DBInstanceIdentifier"] == "shop-prod-db-primary":
                found |= {"DeletionProtection": False}

    live.change("autoscaling:DescribeAutoScalingGroups", group)
    live.change("rds:DescribeDBInstances", instances)
    assert printed("verify", "prod", "--no-address") == shown("scale verify prod --no-address")


def test_the_page_shows_a_release_that_an_alarm_stopped(live: Answers) -> None:
    data = json.dumps({"newState": {"stateValue": "ALARM", "stateReason": "3 of 5 minutes were above 5.0 percent"}})
    live.give("cloudwatch:DescribeAlarmHistory", {"AlarmHistoryItems": [{"HistoryData": data}]})
    live.change(
        "autoscaling:DescribeAutoScalingGroups",
        lambda answer: answer["AutoScalingGroups"][0]["LaunchTemplate"].update(Version="2"),
    )
    refresh = {
        "InstanceRefreshId": "1",
        "Status": "Failed",
        "StatusReason": "One or more alarms went into ALARM.",
        "StartTime": minutes_ago(8),
        "PercentageComplete": 33,
        "InstancesToUpdate": 2,
        "Preferences": {"AlarmSpecification": {"Alarms": ["shop-prod-errors-e260ac8"]}},
    }
    live.give("autoscaling:DescribeInstanceRefreshes", {"InstanceRefreshes": [refresh]})
    assert printed("release", "prod", "--status") == shown("scale release prod --status")
