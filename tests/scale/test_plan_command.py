"""`scale plan` as a command: its exit status, and what it writes where."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scale.plan.command import Request, run
from tests.scale.projects import ROOT, VPC, project

CLEAN = VPC + '    pulumi.export("vpc", Net("net").vpc.id)\n'
FOUND = VPC + '    Net("net")\n    aws.sns.Topic("alarms")\n'
WRONG = 'import pulumi\nraise pulumi.RunError("1 setting is wrong")\n'
BODY = {"clean": CLEAN, "found": FOUND, "wrong": WRONG}


def scale(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", "from scale.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=120,
    )


@pytest.mark.parametrize(("program", "status"), [("clean", 0), ("found", 1), ("wrong", 2)])
def test_the_exit_status_says_how_it_went(
    tmp_path: Path, program: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = project(tmp_path, BODY[program])

    assert run(Request("dev", directory)) == status
    out, err = capsys.readouterr()
    assert (out == "", err) == ((True, "1 setting is wrong\n") if status == 2 else (False, ""))


def test_json_goes_to_standard_output_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = 'print("a word of the program")\n' + CLEAN.replace("\n    ", "\n")

    assert run(Request("dev", project(tmp_path, program), as_json=True)) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["stack"] == "dev"
    assert err == ""


def test_html_writes_a_page_besides_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "plan.html"

    assert run(Request("dev", project(tmp_path, CLEAN), html=path)) == 0
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert "Net" in capsys.readouterr().out


def test_against_a_stack_that_does_not_exist_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Request("dev", project(tmp_path, CLEAN), against="prod")) == 2
    assert "Pulumi.prod.yaml does not exist; the stacks are dev" in capsys.readouterr().err


def test_the_command_itself(tmp_path: Path) -> None:
    directory = project(tmp_path, FOUND)

    finished = scale("plan", "dev", "--cwd", str(directory))

    assert finished.returncode == 1
    assert finished.stdout.startswith("shop dev in us-east-1: 3 resources in 1 component\n")
    assert finished.stderr == ""


def test_a_settings_error_reaches_the_user_without_a_traceback(tmp_path: Path) -> None:
    finished = scale("plan", "dev", "--cwd", str(project(tmp_path, WRONG)))

    assert (finished.returncode, finished.stdout, finished.stderr) == (2, "", "1 setting is wrong\n")


def test_a_page_that_cannot_be_written_is_named_without_a_traceback(tmp_path: Path) -> None:
    page = tmp_path / "nowhere" / "plan.html"
    found = scale("plan", "dev", "--cwd", str(project(tmp_path, CLEAN)), "--html", str(page))

    assert (found.returncode, found.stderr) == (2, f"{page}: No such file or directory\n")


def test_an_unknown_option_is_a_wrong_use(tmp_path: Path) -> None:
    assert scale("plan", "dev", "--nonsense").returncode == 2
