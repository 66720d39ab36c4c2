"""Each rule of our own finds what AWS refuses, and nothing beside it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from policies.view import Resource, Stack
from scale.plan import refusals
from scale.plan.refusals.refusal import Planned, Refusal
from tests.refusals.cases import CASES, Case

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}: {case.says}")
FOLDER = Path(refusals.__file__).parent


def refused(resources: tuple[Resource, ...], rule: str) -> list[Refusal]:
    planned = Planned(Stack(resources), "eu-west-1", None)
    return [refusal for refusal in refusals.judged(planned) if refusal.rule == rule]


@each_case
def test_what_aws_refuses_is_found_in_its_words(case: Case) -> None:
    found = refused(case.bad, case.rule)

    assert any(case.says in refusal.answer for refusal in found), found


@each_case
def test_what_it_nearly_refuses_is_not(case: Case) -> None:
    assert refused(case.good, case.rule) == []


def test_every_rule_of_our_own_has_a_case_or_a_whole_stack() -> None:
    from tests.refusals.wrong import WRONG

    sources = "".join(path.read_text() for path in FOLDER.glob("*.py"))
    named = set(re.findall(r'Refusal\(\s*"([a-z-]+)",', sources))
    named |= set(re.findall(r'yield "([a-z]+-[a-z-]+)",', sources))
    named |= set(re.findall(r'"(database-[a-z]+)"', sources))

    assert named - {"not-known-yet"} <= {case.rule for case in CASES} | {wrong.rule for wrong in WRONG}
