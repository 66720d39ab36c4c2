"""Where a stack's live resources are found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scale.operate.errors import AccountError
from scale.operate.find import Finder, Outputs, OutputsError, read_outputs
from tests.scale.operate.answers import Answers
from tests.scale.operate.environment import Environment
from tests.scale.operate.stacks import stack


def test_tags_and_names_lead_to_what_the_outputs_name(finder: Finder, prod: Environment) -> None:
    outputs = prod.outputs()
    assert finder.group == outputs["group"]
    assert finder.balancer == outputs["load_balancer"]
    assert finder.databases == outputs["database"]
    assert finder.caches == outputs["cache"]
    assert finder.url == outputs["url"]
    assert finder.cluster is None


def test_outputs_are_believed_without_asking(finder: Finder, live: Answers, prod: Environment) -> None:
    named = Finder(finder.account, finder.settings, Outputs(prod.outputs()))
    live.asked.clear()
    assert (named.group, named.balancer, named.url) == (finder.group, finder.balancer, finder.url)
    assert live.asked <= {"autoscaling:DescribeAutoScalingGroups", "resourcegroupstaggingapi:GetResources"}


def test_two_groups_with_the_same_tags_are_not_guessed_between(finder: Finder, live: Answers) -> None:
    live.change(
        "autoscaling:DescribeAutoScalingGroups",
        lambda answer: answer["AutoScalingGroups"].append({"AutoScalingGroupName": "another"}),
    )
    with pytest.raises(AccountError, match=r"2 Auto Scaling groups have this environment's tags \(another, shop"):
        _ = finder.group


def test_a_file_of_outputs(tmp_path: Path) -> None:
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps({"group": "web", "cache": {"cache": "a"}, "url": None}))
    found = read_outputs(stack(tmp_path / "project"), path)
    assert (found.text("group"), found.texts("cache"), found.text("url")) == ("web", {"cache": "a"}, None)


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_a_file_that_holds_no_outputs_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "outputs.json"
    path.write_text(text)
    with pytest.raises(OutputsError, match="pulumi stack output --json"):
        read_outputs(stack(tmp_path / "project"), path)


def test_the_cli_is_asked_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "pulumi"
    program.write_text(
        '#!/bin/sh\n[ "$*" = "stack output --json --non-interactive --stack prod" ] && echo \'{"group": "web"}\'\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert read_outputs(stack(tmp_path / "project")).text("group") == "web"


def test_a_cli_that_knows_no_such_stack_gives_no_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "pulumi"
    program.write_text("#!/bin/sh\necho 'error: no stack named prod found' >&2\nexit 255\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = read_outputs(stack(tmp_path / "project"))
    assert (found.values, found.missing) == ({}, "pulumi stack output: error: no stack named prod found")


def test_without_a_cli_there_are_no_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert read_outputs(stack(tmp_path / "project")).missing == "the Pulumi CLI is not installed"
