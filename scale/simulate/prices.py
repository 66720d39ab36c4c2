"""What an instance costs an hour: the price that `scale plan` and `scale cost` take too."""

from __future__ import annotations

from scale.cost import table
from scale.cost.prices import Rate


def hourly(region: str, instance_type: str) -> float | None:
    """Return the project's own price in US dollars an hour; None where it has none."""
    price = table.find(region, Rate("server", instance_type))
    return None if price is None else price.first
