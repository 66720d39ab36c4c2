"""When requests are meant to arrive: at a rate, or as a trace has it. Nothing that a server does moves them.

Times are seconds from the beginning, ascending. Arrivals come evenly or as a Poisson process, from a seed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from scale.simulate.traces import Trace

Spacing = Literal["poisson", "even"]

_CHUNK_SECONDS = 1.0


class Arrivals(Protocol):
    """Intended times of requests. `seconds` is how long they go on, `expected` how many there are on average."""

    @property
    def seconds(self) -> float:
        """The length of the whole."""
        ...

    @property
    def expected(self) -> float:
        """The mean number of requests."""
        ...

    def times(self) -> Iterator[float]:
        """Yield the times; the same ones at each call."""
        ...


@dataclass(frozen=True)
class Steady:
    """`rate` requests a second over `seconds`."""

    rate: float
    seconds: float
    spacing: Spacing = "poisson"
    seed: int = 0

    @property
    def expected(self) -> float:
        """The mean number of requests."""
        return self.rate * self.seconds

    def times(self) -> Iterator[float]:
        """Yield the times."""
        whole, rest = divmod(self.seconds, _CHUNK_SECONDS)
        lengths = [_CHUNK_SECONDS] * int(whole) + ([rest] if rest > 0 else [])
        return _spread(((each, self.rate * each) for each in lengths), self.spacing, self.seed)


@dataclass(frozen=True)
class Replayed:
    """A trace, `speed` times faster: its shape takes less time, its rates stay what they are. Gaps send nothing."""

    trace: Trace
    speed: float = 1.0
    spacing: Spacing = "poisson"
    seed: int = 0

    @property
    def seconds(self) -> float:
        """The length of the replay."""
        return self.trace.seconds / self.speed

    @property
    def expected(self) -> float:
        """The mean number of requests."""
        return float(np.nansum(self.trace.counts)) / self.speed

    def times(self) -> Iterator[float]:
        """Yield the times."""
        length = self.trace.step_seconds / self.speed
        counts = (0.0 if math.isnan(each) else float(each) / self.speed for each in self.trace.counts)
        return _spread(((length, count) for count in counts), self.spacing, self.seed)


def _spread(steps: Iterator[tuple[float, float]], spacing: Spacing, seed: int) -> Iterator[float]:
    """Yield the times of steps, each of a length in seconds with a mean count."""
    source = np.random.default_rng(seed)
    began, owed, given = 0.0, 0.0, 0
    for length, count in steps:
        if spacing == "poisson":
            # The arrivals of a Poisson process, their number given, are independent and uniform.
            drawn = np.sort(source.uniform(0.0, length, source.poisson(count)))
            yield from (began + float(each) for each in drawn)
        else:
            # An arrival stands where the running sum of the counts passes a whole number. The ninth digit keeps ten
            # tenths from being less than one.
            owed += count
            last = math.floor(owed + 1e-9)
            yield from (began + length * min(1.0, 1 - (owed - each) / count) for each in range(given + 1, last + 1))
            given = last
        began += length
