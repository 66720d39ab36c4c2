"""All rules."""

from __future__ import annotations

from collections.abc import Mapping

from policies import availability, data, exposure, hygiene, kubernetes, scaling
from policies.rule import Rule

GROUPS: Mapping[str, tuple[Rule, ...]] = {
    "Data": data.RULES,
    "Exposure": exposure.RULES,
    "Availability": availability.RULES,
    "Scaling": scaling.RULES,
    "Kubernetes": kubernetes.RULES,
    "Cost and hygiene": hygiene.RULES,
}
"""The rules by what they protect."""

RULES: Mapping[str, Rule] = {rule.id: rule for rules in GROUPS.values() for rule in rules}
"""The rules by their id."""
