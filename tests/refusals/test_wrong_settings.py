"""Each way to get a production stack wrong is the plan's only error, in AWS's words and with the setting to change."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml

from scale.plan.findings import Finding
from scale.plan.plan import make_plan
from scale.plan.stackfile import ProgramError
from tests.refusals.wrong import WRONG, Wrong

ROOT = Path(__file__).parents[2]


def errors(directory: Path, stack: str) -> list[Finding]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        plan = make_plan(directory, stack)
    return [finding for finding in plan.findings if finding.severity == "error"]


def write_stack(directory: Path, wrong: Wrong) -> str:
    """Write a whole project whose stack `prod` is production's settings with the change, and return its text."""
    project = {"name": "django-scale", "runtime": "python", "main": str(ROOT)}
    (directory / "Pulumi.yaml").write_text(yaml.safe_dump(project))
    settings: dict[str, Any] = copy.deepcopy(yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text()))
    for key, value in wrong.change.items():
        _set(settings["config"], key, value)
    text = yaml.safe_dump(settings)
    (directory / "Pulumi.prod.yaml").write_text(text)
    return text


def _set(config: dict[str, Any], key: str, value: object) -> None:
    if ":" in key:
        config[key] = value
        return
    section, *rest = key.split(".")
    group = config
    name = f"django-scale:{section}"
    for step in rest:
        group = group.setdefault(name, {})
        name = step
    group[name] = value


@pytest.mark.parametrize("wrong", [wrong for wrong in WRONG if wrong.rule == "settings"], ids=lambda wrong: wrong.name)
def test_the_settings_stop_it_before_there_is_a_plan(wrong: Wrong, tmp_path: Path) -> None:
    write_stack(tmp_path, wrong)

    with pytest.raises(ProgramError) as stopped:
        errors(tmp_path, "prod")

    head, *problems = str(stopped.value).splitlines()
    assert head == "1 setting is wrong:"
    assert len(problems) == 1
    assert problems[0].strip().startswith(f"{wrong.setting}")
    assert wrong.says in problems[0]


@pytest.mark.parametrize("wrong", [wrong for wrong in WRONG if wrong.rule != "settings"], ids=lambda wrong: wrong.name)
def test_it_is_found_and_nothing_else_is(wrong: Wrong, tmp_path: Path) -> None:
    write_stack(tmp_path, wrong)

    found = errors(tmp_path, "prod")

    assert [finding.rule for finding in found] == [wrong.rule], found
    assert wrong.says in found[0].message
    assert wrong.setting in found[0].message


def test_there_are_twenty_that_aws_alone_would_refuse() -> None:
    from policies.catalogue import RULES

    assert len([wrong for wrong in WRONG if wrong.rule not in {*RULES, "settings"}]) >= 20


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_a_shipped_stack_has_no_error(stack: str) -> None:
    assert errors(ROOT, stack) == []
