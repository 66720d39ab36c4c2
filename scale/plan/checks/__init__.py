"""What is checked of a program's two passes, by topic. Each check is a function of the recordings alone."""

from __future__ import annotations

from scale.plan.checks.names import check_names
from scale.plan.checks.passes import check_passes
from scale.plan.checks.secrets import check_secrets
from scale.plan.checks.tree import check_tree
from scale.plan.findings import Finding, ordered
from scale.plan.recording import Recording


def check(preview: Recording, update: Recording) -> list[Finding]:
    """Return the findings on a program, run as a preview and as an update; the worst first."""
    return ordered([*check_passes(preview, update), *check_tree(update), *check_names(update), *check_secrets(update)])
