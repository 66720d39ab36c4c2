"""What a plan can say of its cost with no network, no trace and no settings: from the project's own prices."""

from __future__ import annotations

from scale.cost import table
from scale.cost.bill import Bill, bill
from scale.cost.items import Known
from scale.cost.quantities import items
from scale.plan.recording import Recording

MINIMUM, MAXIMUM = 0, 2
"""The levels that need no trace."""


def estimate(update: Recording, region: str) -> Bill:
    """Return the bill of a plan in a region; what a trace would say is not known in it."""
    return bill(items(update, Known(region)), lambda rate: table.find(region, rate))


def sentence(found: Bill, stack: str) -> str:
    """Return the bill in one line, empty where nothing in the plan is charged for."""
    if not found.lines:
        return ""
    low, high = found.sum(MINIMUM), found.sum(MAXIMUM)
    counts = dict.fromkeys(len(found.unknown(level)) for level in (MINIMUM, MAXIMUM))
    unknown = " to ".join(map(str, counts))
    amount = f"${low:,.0f}" if round(low) == round(high) else f"${low:,.0f} to ${high:,.0f}"
    return f"{amount} a month, without {unknown} unknown (scale cost {stack})"
