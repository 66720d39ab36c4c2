"""`scale release` after the file: the replacement of the servers, its bar, and what stopped it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from scale.cli import app
from scale.operate.errors import UnavailableError
from scale.operate.release.refresh import Progress
from scale.operate.release.waiting import Pace, wait
from tests.scale.operate.answers import Answers, minutes_ago
from tests.scale.operate.environment import Environment
from tests.scale.projects import ROOT

REFRESHES = "autoscaling:DescribeInstanceRefreshes"


def refresh(status: str, percent: int = 0, identifier: str = "new", **more: Any) -> dict[str, Any]:
    """Return an answer with one refresh."""
    entry = {
        "InstanceRefreshId": identifier,
        "AutoScalingGroupName": "shop-prod-web-group-42e5e13",
        "Status": status,
        "StartTime": minutes_ago(10),
        "PercentageComplete": percent,
        "InstancesToUpdate": 3 - 3 * percent // 100,
        "Preferences": {"AlarmSpecification": {"Alarms": ["shop-prod-errors-1234567", "shop-prod-slow-1234567"]}},
        **more,
    }
    return {"InstanceRefreshes": [entry]}


def release(*arguments: str, directory: Path = ROOT) -> Result:
    return CliRunner().invoke(app, ["release", "prod", "--cwd", str(directory), "--every", "0.1", *arguments])


def test_waiting_shows_progress_and_ends_with_success(live: Answers) -> None:
    live.give(
        REFRESHES, refresh("Pending"), refresh("InProgress", 33), refresh("InProgress", 66), refresh("Successful", 100)
    )
    done = release("--wait")
    assert done.exit_code == 0, done.output
    assert done.stdout == "servers: Successful, 100 %, began 10 min ago\n"


def history(live: Answers, alarm: str, state: str = "ALARM") -> None:
    """Let CloudWatch remember that this alarm was raised, and no other."""
    asked: list[str] = []

    def ask(params: dict[str, Any]) -> None:
        asked.append(params["AlarmName"])

    live.before["cloudwatch:DescribeAlarmHistory"] = ask
    data = json.dumps({"newState": {"stateValue": state, "stateReason": "3 datapoints were above 5.0"}})
    live.give("cloudwatch:DescribeAlarmHistory", {"AlarmHistoryItems": []})
    live.change(
        "cloudwatch:DescribeAlarmHistory",
        lambda answer: answer.update(AlarmHistoryItems=[{"HistoryData": data}] if asked[-1] == alarm else []),
    )


def test_a_refresh_that_an_alarm_stopped_names_the_alarm_and_the_way_back(live: Answers) -> None:
    history(live, "shop-prod-errors-1234567")
    live.change(
        "autoscaling:DescribeAutoScalingGroups",
        lambda answer: answer["AutoScalingGroups"][0]["LaunchTemplate"].update(Version="2"),
    )
    live.give(REFRESHES, refresh("InProgress", 33), refresh("Failed", 33, StatusReason="An alarm went into ALARM."))
    done = release("--wait")
    assert done.exit_code == 1, done.output
    assert done.stdout.splitlines() == [
        "servers, 3 to go: Failed, 33 %, began 10 min ago: An alarm went into ALARM.",
        "  alarm shop-prod-errors-1234567: 3 datapoints were above 5.0",
        "  the way back: pulumi config set --path 'django-scale:servers.launch_template_version' 1 -s prod && "
        "pulumi up -s prod",
    ]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("Pending", 3),
        ("InProgress", 3),
        ("Baking", 3),
        ("Cancelling", 3),
        ("RollbackInProgress", 3),
        ("Successful", 0),
        ("Failed", 1),
        ("Cancelled", 1),
        ("RollbackFailed", 1),
        ("RollbackSuccessful", 1),
    ],
)
def test_the_exit_status_says_how_far_it_is(live: Answers, status: str, code: int) -> None:
    live.give("cloudwatch:DescribeAlarmHistory", {"AlarmHistoryItems": []})
    live.give(REFRESHES, refresh(status, 50))
    done = release("--status", "--json")
    assert done.exit_code == code, done.output
    assert json.loads(done.stdout)["status"] == status


def test_no_replacement_is_no_failure_to_look_at(live: Answers) -> None:
    done = release("--status")
    assert (done.exit_code, done.stdout) == (0, "servers: no replacement has begun\n")


def test_an_earlier_replacement_is_not_taken_for_the_release(live: Answers) -> None:
    def older(answer: dict[str, Any]) -> None:
        answer["LaunchTemplateVersions"][0]["LaunchTemplateData"]["UserData"] = ""

    live.change("ec2:DescribeLaunchTemplateVersions", older)
    live.give(REFRESHES, refresh("Successful", 100, "old"))
    done = release("--wait", "--begin-within", "0")
    assert done.exit_code == 3
    assert "new servers do not start with ghcr.io/example/shop:1.4.0 yet" in done.stdout
    assert "Nothing has begun: did pulumi up run" in done.stderr


def test_what_does_not_end_in_time_is_exit_status_3(live: Answers) -> None:
    live.give(REFRESHES, refresh("InProgress", 50))
    done = release("--wait", "--end-within", "0")
    assert done.exit_code == 3
    assert "InProgress, 50 %" in done.stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the stack `prod` that a test may write to."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("Pulumi.yaml", "Pulumi.prod.yaml"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    (folder / "__main__.py").write_text("")
    return folder


DIGEST = "sha256:" + "ab" * 32


def pulumi(folder: Path, monkeypatch: pytest.MonkeyPatch, code: int = 0) -> Path:
    """Put a program `pulumi` on the path that writes down how it was called."""
    path = folder / "pulumi"
    path.write_text(f'#!/bin/sh\necho "$@" >> {folder}/called\n[ "$1" = stack ] && exit 1\nexit {code}\n')
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder / "called"


def test_up_writes_deploys_and_waits_for_the_new_replacement(
    live: Answers, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = pulumi(tmp_path, monkeypatch)
    live.give(
        REFRESHES, refresh("Successful", 100, "old"), refresh("Successful", 100, "old"), refresh("InProgress", 10)
    )
    done = release(f"ghcr.io/example/shop:1.5.0@{DIGEST}", "--up", "--end-within", "0", directory=project)
    assert done.exit_code == 3, done.output
    assert "up --yes --stack prod" in called.read_text()
    assert f"shop:1.5.0@{DIGEST}" in (project / "Pulumi.prod.yaml").read_text()
    assert "It was ghcr.io/example/shop:1.4.0\nThe way back: pulumi config set --path" in done.stdout
    assert "InProgress, 10 %" in done.stdout


def test_a_deployment_that_fails_is_not_waited_for(
    live: Answers, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulumi(tmp_path, monkeypatch, code=255)
    done = release(f"ghcr.io/example/shop:1.5.0@{DIGEST}", "--up", directory=project)
    assert done.exit_code == 1
    assert "pulumi up ended with 255: nothing is waited for" in done.stderr


def test_nothing_is_written_where_the_account_cannot_be_asked(no_identity: None, project: Path) -> None:
    before = (project / "Pulumi.prod.yaml").read_bytes()
    done = release(f"ghcr.io/example/shop:1.5.0@{DIGEST}", "--wait", directory=project)
    assert (done.exit_code, (project / "Pulumi.prod.yaml").read_bytes()) == (2, before)


def test_the_bar_shows_how_far_it_is() -> None:
    steps = iter([Progress("servers", "waiting", 0, "none"), Progress("servers, 2 to go", "running", 40, "InProgress")])
    last = Progress("servers", "done", 100, "Successful")
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, color_system=None)
    assert wait(lambda: next(steps, last), Pace(every=0.15), console) is last
    shown = stream.getvalue()
    assert "waiting for the replacement to begin" in shown
    assert "servers, 2 to go (InProgress)" in shown
    assert "100%" in shown


def test_a_moment_without_an_answer_does_not_end_the_wait() -> None:
    answers = iter([UnavailableError("no answer"), Progress("servers", "done", 100, "Successful")])

    def look() -> Progress:
        found = next(answers)
        if isinstance(found, Exception):
            raise found
        return found

    quiet = Console(file=io.StringIO())
    assert wait(look, Pace(every=0), quiet).state == "done"


def test_an_answer_that_stays_away_ends_the_wait() -> None:
    def look() -> Progress:
        raise UnavailableError("no answer")

    with pytest.raises(UnavailableError):
        wait(look, Pace(every=0), Console(file=io.StringIO()))


def test_outputs_name_the_group(live: Answers, prod: Environment, tmp_path: Path) -> None:
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps(prod.outputs()))
    live.refuse("resourcegroupstaggingapi:GetResources")
    done = release("--status", "--outputs", str(path))
    assert (done.exit_code, done.stdout) == (0, "servers: no replacement has begun\n")
