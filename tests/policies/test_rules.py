"""Each rule finds what it is for, and nothing beside it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
from django_scale import gunicorn

from model.policies import RULES as IDS
from policies.catalogue import GROUPS, RULES
from policies.kubernetes import START_SECONDS
from policies.rule import NotKnownYet, Violation, judge, judge_all
from policies.view import UNKNOWN, Resource, Stack
from tests.policies.cases import CASES, Case
from tests.policies.stacks import resource

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}: {case.says}")


def verdicts(rule_id: str, resources: tuple[Resource, ...]) -> list[Violation | NotKnownYet]:
    rule, stack = RULES[rule_id], Stack(resources)
    return [verdict for each in stack.of(*rule.types) for verdict in judge(rule, each, stack)]


@each_case
def test_what_breaks_a_rule_is_found_in_its_words(case: Case) -> None:
    found = verdicts(case.rule, case.bad)

    assert found
    assert all(isinstance(verdict, Violation) for verdict in found)
    assert any(case.says in verdict.message for verdict in found)


@each_case
def test_what_nearly_breaks_it_is_not(case: Case) -> None:
    assert verdicts(case.rule, case.good) == []


def test_every_rule_has_a_case() -> None:
    assert {case.rule for case in CASES} == set(RULES)


def test_the_settings_know_every_rule_and_no_other() -> None:
    assert set(RULES) == IDS
    assert sum(len(rules) for rules in GROUPS.values()) == len(RULES)


def unknown_somewhere(resources: tuple[Resource, ...]) -> Iterator[tuple[Resource, ...]]:
    """Yield the stack with each value in turn unknown, at every depth, and with all of them."""
    for place, each in enumerate(resources):
        for values in concealed(each.values):
            yield (*resources[:place], replace(each, values=values), *resources[place + 1 :])
    yield tuple(replace(each, values=dict.fromkeys(each.values, UNKNOWN)) for each in resources)


def concealed(values: Mapping[str, object]) -> Iterator[dict[str, object]]:
    for key, value in values.items():
        yield {**values, key: UNKNOWN}
        if isinstance(value, dict):
            for inner in concealed(value):  # pyright: ignore[reportUnknownArgumentType]
                yield {**values, key: inner}
        elif isinstance(value, list):
            for place, item in enumerate(value):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
                rest: list[object] = list(value)  # pyright: ignore[reportUnknownArgumentType]
                yield {**values, key: [*rest[:place], UNKNOWN, *rest[place + 1 :]]}
                if isinstance(item, dict):
                    for inner in concealed(item):  # pyright: ignore[reportUnknownArgumentType]
                        yield {**values, key: [*rest[:place], inner, *rest[place + 1 :]]}


@each_case
def test_no_rule_fails_on_what_is_not_known_yet(case: Case) -> None:
    for resources in unknown_somewhere(case.good):
        assert [each for each in verdicts(case.rule, resources) if isinstance(each, Violation)] == []


def test_a_rule_says_what_it_does_not_know() -> None:
    database = resource("aws:rds/instance:Instance", {"storageEncrypted": UNKNOWN})

    found = verdicts("database-encrypted", (database,))

    assert [verdict.message for verdict in found] == [
        "storageEncrypted is not known yet, so database-encrypted is judged when it is deployed"
    ]


def test_what_is_found_before_an_unknown_value_is_kept() -> None:
    mappings = [{"deviceName": "/dev/a", "ebs": {"encrypted": False}}, {"ebs": {"encrypted": UNKNOWN}}]
    template = resource("aws:ec2/launchTemplate:LaunchTemplate", {"blockDeviceMappings": mappings})

    found = verdicts("volume-encrypted", (template,))

    assert [type(verdict) for verdict in found] == [Violation, NotKnownYet]


def test_a_disabled_rule_is_not_looked_at_and_a_level_is_the_stack_s_own() -> None:
    stack = Stack((resource("aws:rds/instance:Instance"),))
    rules = {name: RULES[name] for name in ("database-encrypted", "database-multi-az", "database-backups")}

    found = judge_all(rules, {"database-encrypted": "disabled", "database-multi-az": "advisory"}, stack)

    assert [(level, verdict.rule.id) for level, verdict in found] == [
        ("advisory", "database-multi-az"),
        ("mandatory", "database-backups"),
    ]


def test_a_slow_start_is_what_gunicorn_lets_live() -> None:
    assert gunicorn.timeout == START_SECONDS


def test_rules_can_be_read_without_pulumi() -> None:
    code = "import sys, policies.catalogue; print([name for name in sys.modules if name.startswith('pulumi')])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_a_rule_explains_itself(rule: object) -> None:
    why, mend = getattr(rule, "why", ""), getattr(rule, "mend", "")
    assert why.endswith(".")
    assert ". " not in why
    assert mend.endswith(".")
