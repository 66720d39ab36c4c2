"""Each alarm leads to a page that says what to do, and each page is about an alarm."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from model.observability import Observability
from model.settings import Settings
from render.queries import saved_queries
from scale.plan.program import Passes
from scale.testing import plan_stack
from tests.components.building import ALARM, get
from tests.test_haproxy_program import planned
from tests.test_kubernetes_stacks import BESIDE, make

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "runbooks"
PAGES = sorted(FOLDER.glob("*.md"))
WITH_A_CLUSTER = "with a cluster beside the servers"
WITH_HAPROXY = "with HAProxy servers"
STACKS = ("dev", "staging", "prod", WITH_A_CLUSTER, WITH_HAPROXY)
COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
HEADINGS = ["## What it means", "## Look at", "## Do", "## Wake somebody"]
_DESCRIPTION = re.compile(r".+\. What to do: docs/runbooks/([a-z-]+)\.md")
# PutMetricAlarm and PutCompositeAlarm, AlarmDescription.
LONGEST = 1024


@cache
def passes_of(stack: str) -> Passes:
    if stack == WITH_HAPROXY:
        return planned().passes
    return make(BESIDE).passes if stack == WITH_A_CLUSTER else plan_stack(stack, ROOT)


@cache
def descriptions(stack: str) -> dict[str, str]:
    plan = passes_of(stack).update
    return {each.name: str(get(each, "alarmDescription")) for each in (*plan.all(ALARM), *plan.all(COMPOSITE))}


def pages_of(stack: str) -> set[str]:
    found = {name: _DESCRIPTION.fullmatch(text) for name, text in descriptions(stack).items()}
    assert not [name for name, match in found.items() if match is None]
    return {match[1] for match in found.values() if match}


def test_the_alarms_of_the_largest_stack_and_the_pages_are_the_same_list() -> None:
    """prod has everything that makes an alarm: replicas, both caches, both step policies."""
    settings = Settings.parse(_config("prod"), stack="prod", region="eu-west-1")
    assert settings.database.replicas
    assert settings.cache.data
    assert settings.cache.sessions
    assert len(settings.scaling.step_policies()) == 2
    assert pages_of("prod") | pages_of(WITH_A_CLUSTER) | pages_of(WITH_HAPROXY) == {page.stem for page in PAGES}


def _config(stack: str) -> dict[str, object]:
    raw = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))["config"]
    return {key.partition(":")[2]: value for key, value in raw.items() if key.startswith("django-scale:")}


@pytest.mark.parametrize("stack", STACKS)
def test_every_alarm_of_a_stack_has_a_page(stack: str) -> None:
    assert pages_of(stack) <= {page.stem for page in PAGES}


@pytest.mark.parametrize("stack", STACKS)
def test_a_description_is_the_same_at_every_preview_and_fits(stack: str) -> None:
    passes = passes_of(stack)
    for type_ in (ALARM, COMPOSITE):
        before, after = (
            {each.urn: get(each, "alarmDescription") for each in plan.all(type_)}
            for plan in (passes.preview, passes.update)
        )
        assert before == after
        assert all(len(text) <= LONGEST for text in after.values())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_what_it_means_what_to_look_at_what_to_do_and_whom_to_wake(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {page.stem}\n")
    assert re.findall(r"^## .*", text, re.MULTILINE) == HEADINGS
    assert len(text.splitlines()) < 60


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_queries_and_commands_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    queries = {query.name for query in saved_queries(Observability(), firewall=True)}
    assert set(re.findall(r"[Ss]aved query\s+`([^`]+)`", text)) <= queries
    assert set(re.findall(r"`scale (\w+)[^`]*`", text)) <= {"plan", "simulate", "status"}
