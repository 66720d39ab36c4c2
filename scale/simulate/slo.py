"""A service level objective: the share of requests answered within a time."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from scale.simulate.plant.queue import MOST_UTILIZED, ResponseTable

_FORM = re.compile(r"p(?P<percent>\d{1,2}(\.\d+)?)\s*<\s*(?P<time>\d+(\.\d+)?)\s*(?P<unit>ms|s)")


class SloError(ValueError):
    """An objective that is not one, or that no fleet can meet."""


@dataclass(frozen=True)
class Slo:
    """At least `level` of the requests are answered within `seconds`; a lost request is not."""

    level: float = 0.95
    seconds: float = 0.5

    @classmethod
    def parse(cls, text: str) -> Slo:
        """Return the objective in a text such as `p95<500ms` or `p99.9 < 2s`. Raises SloError for another text."""
        match = _FORM.fullmatch(text.strip())
        if match is None or not 0 < float(match["percent"]) < 100 or float(match["time"]) == 0:
            raise SloError(f"{text!r} is not an objective such as p95<500ms")
        return cls(
            round(float(match["percent"]) / 100, 9), float(match["time"]) / (1000 if match["unit"] == "ms" else 1)
        )

    def __str__(self) -> str:
        return f"p{self.level * 100:g}<{self.seconds * 1000:g}ms"

    def utilization(self, table: ResponseTable) -> float:
        """Return the highest utilization of a server at which the objective is met.

        Raises SloError where even an idle server is too slow.
        """
        levels = np.linspace(0, MOST_UTILIZED, 2000)
        met = table.share_above(levels, np.full(len(levels), self.seconds)) <= 1 - self.level
        if not met[0]:
            raise SloError(
                f"{self} is met by no fleet: the service alone takes longer; p95 of an idle server is "
                f"{table.quantile(0.0, 0.95) * 1000:.0f} ms"
            )
        return float(levels[met.argmin() - 1 if not met.all() else -1])
