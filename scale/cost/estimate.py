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
    amount = f"${low:,.0f}" if round(low) == round(high) else f"${low:,.0f} to ${high:,.0f}"
    # What stands there all month and what nobody has said yet are not the same: the first may be the larger part.
    unpriced = sum(line.price is None for line in found.unknown(MAXIMUM) if line.item.levels[MAXIMUM] is not None)
    unsaid = len(found.unknown(MAXIMUM)) - unpriced
    parts = [f"{unpriced} without a price"] * (unpriced > 0) + [f"{unsaid} without a volume"] * (unsaid > 0)
    but = f", but for {' and '.join(parts)}" if parts else ""
    return f"{amount} a month{but} (scale cost {stack})"
