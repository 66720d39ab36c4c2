"""A price: its tiers, its unit, where it was read and what date that place gives it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

HOURS = 730
"""Hours in a month, as AWS's own calculator has it: 365 days of 24 hours by 12 months."""


@dataclass(frozen=True, order=True)
class Rate:
    """What is priced: a kind such as `server` and, where there are several of it, which: `m7g.large`."""

    kind: str
    subject: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}".rstrip()


@dataclass(frozen=True)
class Tier:
    """US dollars for each unit above `above` units a month."""

    above: float
    usd: float


@dataclass(frozen=True)
class Price:
    """US dollars by unit. `date` (ISO 8601) is that of the source, not of the day it was read."""

    tiers: tuple[Tier, ...]
    source: str
    date: str

    @property
    def first(self) -> float:
        """The price of the first unit."""
        return self.tiers[0].usd

    def cost(self, quantity: float) -> float:
        """Return what `quantity` units of a month cost, each at its tier's price."""
        ends = [*(later.above for _, later in pairwise(self.tiers)), float("inf")]
        return sum(
            max(0.0, min(quantity, end) - tier.above) * tier.usd for tier, end in zip(self.tiers, ends, strict=True)
        )

    def document(self) -> dict[str, object]:
        """Return it as plain data, which `read` takes."""
        return {
            "tiers": [[tier.above, tier.usd] for tier in self.tiers],
            "source": self.source,
            "date": self.date,
        }

    @classmethod
    def read(cls, data: object) -> Price:
        """Return a price from plain data. Raises TypeError, KeyError or ValueError for other data."""
        fields = cast("dict[str, Any]", data)
        tiers = tuple(Tier(float(above), float(usd)) for above, usd in fields["tiers"])
        if not tiers or tiers[0].above != 0:
            raise ValueError("a price begins with the first unit")
        return cls(tiers, str(fields["source"]), str(fields["date"]))


def flat(usd: float, source: str, date: str) -> Price:
    """Return a price that is the same for any quantity."""
    return Price((Tier(0.0, usd),), source, date)
