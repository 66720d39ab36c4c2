"""A rule, and what comes of looking at a resource with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from model.policies import Enforcement
from policies.view import NotKnownYetError, Resource, Stack

Check = Callable[[Resource, Stack], Iterator[str]]
"""Yields what is wrong with a resource, in words that continue its name. May raise NotKnownYetError."""


@dataclass(frozen=True)
class Rule:
    """What may not be deployed."""

    id: str
    why: str
    """One sentence."""
    mend: str
    """What to do, the setting first."""
    types: tuple[str, ...]
    """The types of the resources that are looked at."""
    check: Check
    enforcement: Enforcement = "mandatory"
    control: str | None = None
    """The control of AWS Foundational Security Best Practices that it covers."""
    across: bool = False
    """Whether it looks at other resources too."""


@dataclass(frozen=True)
class Violation:
    """A resource that breaks a rule."""

    rule: Rule
    resource: Resource
    message: str


@dataclass(frozen=True)
class NotKnownYet:
    """A resource that a rule cannot judge before a deployment has told a value."""

    rule: Rule
    resource: Resource
    path: str

    @property
    def message(self) -> str:
        """The note to the user."""
        return f"{self.path} is not known yet, so {self.rule.id} is judged when it is deployed"


Verdict = Violation | NotKnownYet


def judge(rule: Rule, resource: Resource, stack: Stack) -> Iterator[Verdict]:
    """Yield what `rule` says of `resource`; nothing where all is well."""
    try:
        for message in rule.check(resource, stack):
            yield Violation(rule, resource, message)
    except NotKnownYetError as error:
        yield NotKnownYet(rule, resource, error.path)


def judge_all(
    rules: Mapping[str, Rule], levels: Mapping[str, Enforcement], stack: Stack
) -> Iterator[tuple[Enforcement, Verdict]]:
    """Yield what the rules that are not disabled say of a stack, each with its enforcement."""
    for rule in rules.values():
        level = levels.get(rule.id, rule.enforcement)
        if level == "disabled":
            continue
        for resource in stack.of(*rule.types):
            for verdict in judge(rule, resource, stack):
                yield level, verdict
