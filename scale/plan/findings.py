"""What a plan has to say about a stack."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or worth knowing. `resource` is a URN, empty for the stack as a whole."""

    severity: Severity
    rule: str
    resource: str
    message: str


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Return each finding once, the worst first, then by rule and resource."""
    return sorted(
        dict.fromkeys(findings),
        key=lambda finding: (SEVERITIES.index(finding.severity), finding.rule, finding.resource, finding.message),
    )
