"""What AWS would refuse, and which setting is to be changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from model.settings import Settings
from policies.view import Resource, Stack
from scale.plan.findings import Finding, Severity


@dataclass(frozen=True)
class Refusal:
    """One answer of AWS to what is planned."""

    rule: str
    resource: Resource | None
    """None for the stack as a whole."""
    answer: str
    """What AWS says, or does without saying so: `CreateDBInstance answers InvalidParameterValue: ...`."""
    setting: str
    """The setting to change, empty where none does."""
    severity: Severity = "error"

    @property
    def finding(self) -> Finding:
        """The refusal as the plan reports it."""
        change = f"Change {self.setting}." if self.setting else "No setting changes it: the program does."
        urn = self.resource.urn if self.resource else ""
        return Finding(self.severity, self.rule, urn, f"{self.answer.rstrip('.')}. {change}")


@dataclass(frozen=True)
class Planned:
    """A plan as the checks see it."""

    stack: Stack
    region: str
    settings: Settings | None


Check = Callable[[Planned], Iterator[Refusal]]
"""Yields what AWS would refuse. May raise policies.view.NotKnownYetError."""


def answers(operation: str, code: str, text: str) -> str:
    """Return AWS's answer as a sentence."""
    return f"{operation} would answer {code}: {text}"
