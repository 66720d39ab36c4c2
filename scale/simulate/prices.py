"""What an instance costs an hour. Only prices with a source; any other is unknown until the user says it."""

from __future__ import annotations

PRICES: dict[tuple[str, str], float] = {("us-east-1", "m7g.large"): 0.0816}
"""US dollars an hour, Linux, on demand, by region and instance type, as reported on 17 June 2026 by factualminds.com,
"Amazon EC2 On-Demand Pricing: Instance Families, Regional Multipliers, and the Graviton Crossover"."""

PRICED_ON = "2026-06-17"


def hourly(region: str, instance_type: str) -> float | None:
    """Return the price in US dollars an hour; None where it is not known."""
    return PRICES.get((region, instance_type))
