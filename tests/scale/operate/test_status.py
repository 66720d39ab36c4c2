"""`scale status`: what is on the screen, and what stands where something cannot be read."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from scale.cli import app
from scale.operate.status.section import Row, Section, read_all
from tests.scale.operate.answers import Answers, minutes_ago
from tests.scale.operate.environment import Environment
from tests.scale.projects import ROOT


def sections(*arguments: str) -> dict[str, Any]:
    """Run the command and return its sections."""
    done = CliRunner().invoke(app, ["status", "prod", "--cwd", str(ROOT), "--json", *arguments])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)["sections"]


def rows(title: str, *arguments: str) -> list[dict[str, Any]]:
    return sections(*arguments)[title]["rows"]


def test_everything_is_on_one_screen(live: Answers) -> None:
    done = CliRunner().invoke(app, ["status", "prod", "--cwd", str(ROOT)])
    assert done.exit_code == 0
    assert done.stdout.startswith("shop-prod in eu-west-1, account 123456789012  ")
    titles = ["servers", "scaling activities", "targets", "alarms", "database", "cache", "kubernetes"]
    assert [line.split("  ")[0] for line in done.stdout.splitlines() if line and line[0].isalpha()][1:] == titles
    assert "3 of 3 wanted, 3 to 20; the group launches version 1" in done.stdout
    assert "not read" not in done.stdout


def test_servers_stand_by_zone_state_and_version(live: Answers) -> None:
    def change(answer: dict[str, Any]) -> None:
        first, second, _ = answer["AutoScalingGroups"][0]["Instances"]
        first |= {"AvailabilityZone": "eu-west-1b", "LifecycleState": "Pending"}
        second["LaunchTemplate"]["Version"] = "41"

    live.change("autoscaling:DescribeAutoScalingGroups", change)
    found = [tuple(row.values()) for row in rows("servers")]
    assert found == [
        ("eu-west-1a", "InService", "Healthy", "1", 1, "ok"),
        ("eu-west-1a", "InService", "Healthy", "41", 1, "warn"),
        ("eu-west-1b", "Pending", "Healthy", "1", 1, "warn"),
    ]


def test_an_unhealthy_server_and_a_suspended_process_are_bad(live: Answers) -> None:
    def change(answer: dict[str, Any]) -> None:
        (group,) = answer["AutoScalingGroups"]
        group["Instances"][0]["HealthStatus"] = "Unhealthy"
        group["SuspendedProcesses"] = [{"ProcessName": "Launch"}]

    live.change("autoscaling:DescribeAutoScalingGroups", change)
    found = sections()["servers"]
    assert [row["state"] for row in found["rows"] if row["level"] == "bad"] == ["InService", "suspended"]
    assert "suspended: Launch" in found["notes"]


def test_activities_say_why(live: Answers) -> None:
    cause = (
        "At 2026-01-15T06:00:00Z a monitor alarm shop-prod-web-cpu in state ALARM triggered policy shop-prod-web-cpu"
    )
    live.give(
        "autoscaling:DescribeScalingActivities",
        {
            "Activities": [
                {
                    "StartTime": minutes_ago(4),
                    "StatusCode": "Successful",
                    "Description": "Launching i-1",
                    "Cause": cause,
                },
                {
                    "StartTime": minutes_ago(4) - timedelta(days=3),
                    "StatusCode": "Failed",
                    "Description": "Launching i-2",
                    "Cause": cause,
                    "StatusMessage": "We currently do not have sufficient m7g.large capacity",
                },
            ]
        },
    )
    first, second = rows("scaling activities")
    assert (first["when"], first["level"]) == ("4 min ago", "ok")
    assert first["why"].startswith("a monitor alarm shop-prod-web-cpu")
    assert (second["when"], second["level"]) == ("3 days ago", "bad")
    assert "sufficient m7g.large capacity" in second["why"]


def test_targets_stand_by_health_and_reason(live: Answers) -> None:
    health = [
        {"TargetHealth": {"State": "healthy"}},
        {"TargetHealth": {"State": "unhealthy", "Reason": "Target.Timeout", "Description": "Request timed out"}},
    ]
    live.give("elbv2:DescribeTargetHealth", {"TargetHealthDescriptions": health})
    assert [(row["state"], row["why"], row["level"]) for row in rows("targets")] == [
        ("healthy", "", "ok"),
        ("unhealthy", "Request timed out", "bad"),
    ]


def test_without_a_healthy_target_the_balancer_fails_open(live: Answers) -> None:
    live.give("elbv2:DescribeTargetHealth", {"TargetHealthDescriptions": []})
    assert [row["state"] for row in rows("targets")] == ["none healthy"]


def test_raised_alarms_come_with_their_reason_and_others_are_counted(live: Answers, prod: Environment) -> None:
    name = prod.name("shop-prod-db-primary-cpu", "aws:cloudwatch/metricAlarm:MetricAlarm")

    def raised(answer: dict[str, Any]) -> None:
        for alarm in answer["MetricAlarms"]:
            if alarm["AlarmName"] == name:
                alarm |= {"StateValue": "ALARM", "StateReason": "3 datapoints", "StateUpdatedTimestamp": minutes_ago(4)}

    live.change("cloudwatch:DescribeAlarms", raised)
    found = sections()["alarms"]
    assert [(row["alarm"], row["since"], row["why"]) for row in found["rows"]] == [(name, "4 min ago", "3 datapoints")]
    assert found["notes"] == ["41 alarms: 1 ALARM, 40 OK"]


def test_another_stacks_alarms_are_not_shown(live: Answers) -> None:
    def more(answer: dict[str, Any]) -> None:
        answer["MetricAlarms"].append({"AlarmName": "shop-prod-eu-x", "AlarmArn": "arn:other", "StateValue": "ALARM"})

    live.change("cloudwatch:DescribeAlarms", more)
    assert rows("alarms") == []


def metrics(live: Answers, values: dict[tuple[str, str], float]) -> None:
    """Let CloudWatch know these values, by the resource's id and the metric's name."""
    names: dict[str, tuple[str, str]] = {}

    def asked(params: dict[str, Any], **_: object) -> None:
        for query in params["MetricDataQueries"]:
            metric = query["MetricStat"]["Metric"]
            names[query["Id"]] = (metric["Dimensions"][0]["Value"], metric["MetricName"])

    def answer(parsed: dict[str, Any]) -> None:
        parsed["MetricDataResults"] = [
            {"Id": name, "Timestamps": [minutes_ago(4)], "Values": [values[key]]}
            for name, key in names.items()
            if key in values
        ]

    live.before["cloudwatch:GetMetricData"] = asked
    live.change("cloudwatch:GetMetricData", answer)


def test_replicas_have_a_lag_and_connections_a_limit(prod: Environment, answers: Answers, live: Answers) -> None:
    metrics(
        live,
        {
            ("shop-prod-db-primary", "DatabaseConnections"): 1700.0,
            ("shop-prod-db-primary", "FreeStorageSpace"): 40 * 1024.0**3,
            ("shop-prod-db-reads", "ReplicaLag"): 31.0,
            ("shop-prod-db-reports", "ReplicaLag"): 2.0,
        },
    )
    primary, reports, reads = rows("database")
    assert (primary["connections"], primary["limit"], primary["lag s"], primary["level"]) == (1700, 1797, None, "bad")
    assert primary["free GiB"] == 40
    assert (reports["lag s"], reports["level"]) == (2, "ok")
    assert (reads["lag s"], reads["level"]) == (31, "bad")


def test_a_replica_that_is_gone_is_missing(live: Answers) -> None:
    live.refuse("rds:DescribeDBInstances", "DBInstanceNotFound")
    assert {(row["status"], row["level"]) for row in rows("database")} == {("missing", "bad")}


def test_shards_show_their_fullest_node_and_what_they_dropped(live: Answers, prod: Environment) -> None:
    metrics(live, {(f"{prod.outputs()['cache']['cache']}-001", "Evictions"): 7.0})
    found = {(row["cache"], row["shard"]): row for row in rows("cache")}
    assert set(found) == {("cache", "0001"), ("cache", "0002"), ("cache", "0003"), ("sessions", "0001")}
    assert (found["cache", "0001"]["evictions 1 h"], found["cache", "0001"]["level"]) == (7, "warn")
    assert found["sessions", "0001"]["evictions 1 h"] is None


def test_a_shard_without_its_replica_is_bad(live: Answers) -> None:
    def lose(answer: dict[str, Any]) -> None:
        answer["ReplicationGroups"][0]["NodeGroups"][0]["NodeGroupMembers"].pop()

    live.change("elasticache:DescribeReplicationGroups", lose)
    assert [row["shard"] for row in rows("cache") if row["level"] == "bad"] == ["0001", "0001"]


@pytest.mark.parametrize(
    ("call", "title"),
    [
        ("autoscaling:DescribeScalingActivities", "scaling activities"),
        ("elbv2:DescribeTargetHealth", "targets"),
        ("cloudwatch:DescribeAlarms", "alarms"),
        ("rds:DescribeDBInstances", "database"),
        ("elasticache:DescribeReplicationGroups", "cache"),
    ],
)
def test_what_is_not_allowed_is_said_in_its_place(live: Answers, call: str, title: str) -> None:
    live.refuse(call)
    found = sections()
    assert found[title]["unread"] == f"{call} is not allowed: add it to the role's policy (docs/operating.md)"
    assert [name for name, section in found.items() if section["unread"]] == [title]


def test_outputs_need_no_tags(live: Answers, prod: Environment, tmp_path: Path) -> None:
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps(prod.outputs()))
    live.refuse("resourcegroupstaggingapi:GetResources")
    unread = {title for title, section in sections("--outputs", str(path)).items() if section["unread"]}
    assert unread == {"alarms"}


def test_an_environment_that_is_not_there_is_said(aws: str, answers: Answers) -> None:
    done = CliRunner().invoke(app, ["status", "dev", "--cwd", str(ROOT)])
    assert done.exit_code == 0
    assert "not read: no Auto Scaling group has this environment's tags" in done.stdout


def test_without_credentials_there_is_one_line_and_exit_status_2(no_identity: None) -> None:
    done = CliRunner().invoke(app, ["status", "prod", "--cwd", str(ROOT)])
    assert (done.exit_code, done.stdout) == (2, "")
    assert re.fullmatch(r"there are no AWS credentials: .*\n", done.stderr)


def test_a_section_that_does_not_answer_in_time_does_not_hold_the_rest() -> None:
    end = threading.Event()

    def hangs() -> Section:
        end.wait(60)
        return Section("late")

    found = read_all({"late": hangs, "right": lambda: Section("right", ("a",), (Row((1,)),))}, 1)
    end.set()
    assert (found[0].unread, found[1].rows) == ("no answer within 1 s", (Row((1,)),))


def test_a_failure_of_our_own_is_shown_and_hides_nothing() -> None:
    def wrong() -> Section:
        raise ValueError("a mistake")

    found = read_all({"wrong": wrong, "right": lambda: Section("right", ("a",), (Row((1,)),))}, 5)
    assert (found[0].unread, found[0].level, found[1].level) == ("ValueError: a mistake", "warn", "ok")


def _run_in_terminal(
    arguments: list[str], until: Callable[[str], bool], environment: dict[str, str]
) -> tuple[str, int]:
    """Run the command in a pseudo-terminal, press Ctrl-C once `until` holds of what is shown: output and status."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", "from scale.cli import main; main()", *arguments],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        cwd=ROOT,
        env=environment,
        start_new_session=True,
    )
    os.close(follower)
    shown, pressed, end = "", False, time.monotonic() + 90
    try:
        while time.monotonic() < end:
            if select.select([leader], [], [], 0.2)[0]:
                try:
                    shown += os.read(leader, 65536).decode(errors="replace")
                except OSError:  # The terminal's other end is closed.
                    break
            elif process.poll() is not None:
                break
            if not pressed and until(shown):
                process.send_signal(signal.SIGINT)
                pressed = True
        return shown, process.wait(20)
    finally:
        process.kill()
        process.wait()
        os.close(leader)


TERMINAL = {"TERM": "xterm", "COLUMNS": "120", "LINES": "50"}
WATCH = ["status", "prod", "--watch", "--every", "1"]


def test_watching_ends_cleanly_with_ctrl_c(prod: Environment) -> None:
    shown, code = _run_in_terminal(WATCH, lambda shown: "kubernetes" in shown, {**os.environ, **TERMINAL})
    assert code == 0
    assert "shop-prod-web-" in shown
    assert "\x1b[?1049l" in shown  # the screen as it was is back
    assert "Traceback" not in shown


def test_watching_into_a_file_writes_one_screen_below_the_other(prod: Environment, tmp_path: Path) -> None:
    with (tmp_path / "watched").open("w+") as watched:
        command = [sys.executable, "-c", "from scale.cli import main; main()", *WATCH]
        process = subprocess.Popen(command, stdout=watched, cwd=ROOT)
        try:
            end = time.monotonic() + 90
            while (tmp_path / "watched").read_text().count("\nkubernetes") < 2 and time.monotonic() < end:
                time.sleep(0.1)
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
        finally:
            process.kill()
            process.wait()
    assert (tmp_path / "watched").read_text().count("\nservers  ") >= 2


def test_watching_ends_while_a_service_does_not_answer(prod: Environment) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # It listens, and nobody takes what comes.
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        environment = {**os.environ, **TERMINAL, "AWS_ENDPOINT_URL_AUTO_SCALING": address}
        shown, code = _run_in_terminal(WATCH, lambda _: bool(select.select([silent], [], [], 0)[0]), environment)
    assert code == 0
    assert "shop-prod in eu-west-1, account 123456789012  being read" in shown
    assert "\x1b[?1049l" in shown
    assert "Traceback" not in shown
