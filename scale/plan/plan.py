"""A plan: a stack's two passes and all that is said about them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from model.capacity import Capacity
from scale.cost.bill import Bill
from scale.cost.estimate import estimate
from scale.plan import capacity
from scale.plan.checks import check
from scale.plan.findings import Finding, ordered
from scale.plan.guard_rails import guard_rails
from scale.plan.program import Passes, run_stack
from scale.plan.recording import Recording
from scale.plan.refusals import refusals


@dataclass(frozen=True)
class Plan:
    """What a stack would build, what is wrong with it, and whether it holds what it is built for."""

    passes: Passes
    findings: tuple[Finding, ...]
    capacity: Capacity | None

    @property
    def update(self) -> Recording:
        """The pass in which every output has a value."""
        return self.passes.update

    @property
    def stack(self) -> str:
        """The stack's name."""
        return self.passes.file.stack

    @cached_property
    def cost(self) -> Bill:
        """What it costs at the least and at the most, from the project's own prices."""
        return estimate(self.update, self.passes.file.configuration("update").region)

    @property
    def failed(self) -> bool:
        """Whether a finding is an error."""
        return any(finding.severity == "error" for finding in self.findings)


def make_plan(directory: Path, stack: str) -> Plan:
    """Run a stack's program both ways and check it. Raises ProgramError where settings or program are wrong."""
    passes = run_stack(directory, stack)
    settings = capacity.settings_of(passes.file)
    budgets, findings = capacity.check_settings(settings)
    if settings is not None:
        findings += guard_rails(passes.update, settings.deployment.policies)
    findings += refusals(passes.update, settings, passes.file.configuration("update").region)
    return Plan(passes, tuple(ordered([*check(passes.preview, passes.update), *findings])), budgets)
