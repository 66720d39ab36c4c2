"""Names that fit."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from model.naming import PREFIX_LIMIT, prefix, squeeze
from tests.strategies import stack_names

applications = st.from_regex(r"[a-z][a-z0-9]{1,9}(-[a-z0-9]{1,6}){0,2}", fullmatch=True)


@given(applications, stack_names())
@example("a" * 24, "b" * 100)
@example("shop-of-all-1234-x", "prod")
def test_a_prefix_fits_and_has_the_characters_that_every_service_takes(application: str, stack: str) -> None:
    found = prefix(application, stack)
    assert len(found) <= PREFIX_LIMIT
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", found)


@given(applications, stack_names())
def test_a_prefix_is_the_same_each_time(application: str, stack: str) -> None:
    assert prefix(application, stack) == prefix(application, stack)


@given(applications, st.lists(stack_names(), min_size=2, max_size=8, unique_by=squeeze))
def test_stacks_of_different_names_have_different_prefixes(application: str, names: list[str]) -> None:
    assert len({prefix(application, name) for name in names}) == len(names)


@pytest.mark.parametrize(
    ("application", "stack", "expected"),
    [
        ("shop", "prod", "shop-prod"),
        ("shop", "Feature_X.2", "shop-feature-x-2"),
        ("shop", "___", "shop"),
        ("django", "exactly-10", "django-exactly-10"),
    ],
)
def test_a_name_that_fits_stays_readable(application: str, stack: str, expected: str) -> None:
    assert prefix(application, stack) == expected


def test_a_name_that_does_not_fit_keeps_its_beginning() -> None:
    assert re.fullmatch(r"django-exac-[0-9a-f]{5}", prefix("django", "exactly-101"))


def test_the_longest_name_made_from_a_prefix_fits_a_replication_group() -> None:
    suffix_of_pulumi = "-1a2b3c4"
    assert len("x" * PREFIX_LIMIT + "-sessions-group" + suffix_of_pulumi) <= 40
