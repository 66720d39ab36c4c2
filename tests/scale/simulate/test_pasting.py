"""What `scale tune` prints is put into a stack's file, and planned, and simulated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from scale.plan.plan import make_plan
from scale.plan.values import plain
from scale.simulate import stacks
from scale.simulate.cli import register
from tests.scale.projects import ROOT

SEARCH = ("--rounds", "2", "--each", "6", "--seed", "3")


def invoke(*arguments: str) -> str:
    app = typer.Typer()
    register(app)
    found = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "120"})
    assert found.exit_code == 0, found.output
    return found.stdout


@pytest.fixture(scope="module")
def tuned() -> str:
    return invoke("tune", "prod", "--cwd", str(ROOT), *SEARCH)


@pytest.fixture(scope="module")
def document() -> dict[str, dict[str, dict[str, object]]]:
    return json.loads(invoke("tune", "prod", "--cwd", str(ROOT), *SEARCH, "--json"))


def printed(text: str) -> str:
    return text.split("in place of what has these names:\n")[1]


@pytest.fixture
def project(tmp_path: Path, tuned: str) -> Path:
    """The project with what was printed in place of what has these names in the file of `prod`."""
    whole = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
    (tmp_path / "Pulumi.yaml").write_text(yaml.safe_dump({**whole, "main": str(ROOT)}))
    lines = (ROOT / "Pulumi.prod.yaml").read_text().splitlines()
    pasted = [line for line in printed(tuned).splitlines() if line.strip()]
    names = {line.strip().split(": ")[0].rstrip(":") for line in pasted if line.startswith("  django-scale:")}
    kept: list[str] = []
    skipping = False
    for line in lines:
        if line.startswith("  ") and not line.startswith("   "):
            skipping = line.strip().split(": ")[0].rstrip(":") in names
        if not skipping:
            kept.append(line)
    (tmp_path / "Pulumi.prod.yaml").write_text("\n".join([*kept, *pasted]) + "\n")
    return tmp_path


def test_what_is_pasted_is_planned_without_a_finding(
    project: Path, document: dict[str, dict[str, dict[str, object]]]
) -> None:
    plan = make_plan(project, "prod")
    assert list(plan.findings) == []
    tracking: list[Any] = [
        plain(each.properties["targetTrackingConfiguration"])
        for each in plan.update.all("aws:autoscaling/policy:Policy")
        if "targetTrackingConfiguration" in each.properties
    ]
    targets = {each["predefinedMetricSpecification"]["predefinedMetricType"]: each["targetValue"] for each in tracking}
    scaling = document["config"]["django-scale:scaling"]
    assert targets == {
        "ASGAverageCPUUtilization": scaling["cpu_percent"],
        "ALBRequestCountPerTarget": scaling["requests_per_target"],
    }


def test_what_is_pasted_keeps_what_was_not_tuned(
    project: Path, document: dict[str, dict[str, dict[str, object]]]
) -> None:
    before, after = stacks.load(ROOT, "prod"), stacks.load(project, "prod")
    tuned = document["settings"]
    assert tuned, "the search finds something"
    assert after.scaling == before.scaling.model_copy(update=tuned.get("scaling", {}))
    assert after.servers == before.servers.model_copy(update=tuned.get("servers", {}))
    assert after.scaling.scheduled


def test_what_is_pasted_is_what_was_reported(
    project: Path, document: dict[str, list[dict[str, object]]], tmp_path: Path
) -> None:
    """The pasted stack, replayed on the part kept aside, is the reported one to the last digit."""
    shipped = (ROOT / "scale/simulate/data/worldcup98-june-8-9.csv").read_text().splitlines()
    aside = tmp_path / "aside.csv"
    aside.write_text("\n".join(shipped[1 + round(2880 * 0.7) :]) + "\n")
    again = json.loads(
        invoke("simulate", "prod", "--cwd", str(project), "--trace", str(aside), "--seed", "3", "--json")
    )
    reported = document["policies"][1]
    for name in ("violating", "instance_hours", "regret_hours", "decisions_made"):
        assert again["policies"][0][name] == reported[name]


def test_the_document_has_the_same_groups(tuned: str, document: dict[str, object]) -> None:
    assert yaml.safe_load(printed(tuned)) == document["config"]
