"""The VerticalPodAutoscaler's recommender: percentiles of decaying histograms, with margins and bounds.

Source: kubernetes/autoscaler, vertical-pod-autoscaler: docs "How does VPA work" and the recommender's flags with their
defaults (percentiles, half-life of 24 h, margin 15 %, floors of 25m and 250Mi, confidence of the bounds).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

HALF_LIFE_SECONDS = 24 * 3600.0
GROWTH = 1.05
FIRST_CPU = 0.01
"""The first CPU bucket's size, in cores."""
MOST_CPU = 1000.0
FIRST_MEMORY = 1e7
"""The first memory bucket's size, in bytes."""
MOST_MEMORY = 1e12
MARGIN = 0.15
LEAST_CPU = 0.025
LEAST_MEMORY = 250 * 1024 * 1024
MEMORY_INTERVAL_SECONDS = 24 * 3600.0
"""Of memory only the peak of each day counts."""
OOM_BUMP_RATIO = 1.2
OOM_BUMP_BYTES = 100 * 1024 * 1024
_LEAST_WEIGHT = 1e-4
_LARGEST_EXPONENT = 100


class DecayingHistogram:
    """Weights in buckets that grow by 5 %; a sample's weight halves with each half-life of its age.

    Instead of making old weights smaller, newer ones are made larger, and all are scaled down now and then.
    """

    def __init__(self, first: float, most: float, *, half_life: float = HALF_LIFE_SECONDS) -> None:
        """Make empty buckets: the first is `first` wide, the last begins at `most` or before it."""
        count = math.ceil(math.log(most * (GROWTH - 1) / first + 1, GROWTH)) + 1
        self._starts = [first * (GROWTH**place - 1) / (GROWTH - 1) for place in range(count + 1)]
        self._weights = [0.0] * count
        self._first, self._half_life = first, half_life
        self._reference = 0.0

    def bucket(self, value: float) -> int:
        """Return the place of the bucket that holds a value."""
        if value < self._first:
            return 0
        place = math.floor(math.log(value * (GROWTH - 1) / self._first + 1, GROWTH) + 1e-12)
        return min(place, len(self._weights) - 1)

    def add(self, value: float, weight: float, at: float) -> None:
        """Count a sample taken at `at` seconds; a negative weight takes one back."""
        if at > self._reference + self._half_life * _LARGEST_EXPONENT:
            self._shift(at)
        place = self.bucket(value)
        self._weights[place] = max(0.0, self._weights[place] + weight * self._factor(at))

    def _factor(self, at: float) -> float:
        return 2.0 ** ((at - self._reference) / self._half_life)

    def _shift(self, at: float) -> None:
        reference = round(at / self._half_life) * self._half_life
        factor = 2.0 ** ((self._reference - reference) / self._half_life)
        self._weights = [weight * factor for weight in self._weights]
        self._reference = reference

    @property
    def empty(self) -> bool:
        """Whether nothing in it counts."""
        return sum(self._weights) < _LEAST_WEIGHT * 1e-6

    def percentile(self, level: float) -> float:
        """Return the upper end of the bucket in which a share `level` of the weight is reached; 0 when empty."""
        if self.empty:
            return 0.0
        threshold = sum(self._weights) * level
        reached = 0.0
        last = max(place for place, weight in enumerate(self._weights) if weight > 0)
        for place in range(last + 1):
            reached += self._weights[place]
            if reached >= threshold:
                last = place
                break
        return self._starts[min(last + 1, len(self._weights) - 1)]


@dataclass(frozen=True)
class Bounds:
    """What a container policy allows: cores and bytes."""

    least_cpu: float = LEAST_CPU
    least_memory: float = LEAST_MEMORY
    most_cpu: float = math.inf
    most_memory: float = math.inf


@dataclass(frozen=True)
class Recommendation:
    """A container's request (target) and the range within which a running pod is left alone. Cores and bytes."""

    target_cpu: float
    target_memory: float
    lower_cpu: float
    lower_memory: float
    upper_cpu: float
    upper_memory: float


class Recommender:
    """Learns one container's usage and recommends its requests."""

    def __init__(self, bounds: Bounds | None = None, *, margin: float = MARGIN) -> None:
        """Start without a sample."""
        self._cpu = DecayingHistogram(FIRST_CPU, MOST_CPU)
        self._memory = DecayingHistogram(FIRST_MEMORY, MOST_MEMORY)
        self._bounds = bounds or Bounds()
        self._margin = margin
        self._first: float | None = None
        self._last = 0.0
        self._samples = 0
        self._peak = 0.0
        self._peak_ends = -math.inf

    def observe(self, now: float, *, cpu: float | None, memory: float | None, request: float = 0.1) -> None:
        """Take a minute's usage in cores and bytes; a CPU sample weighs as much as the cores it requested."""
        if cpu is not None:
            self._cpu.add(cpu, max(request, 0.1), now)
            self._first = now if self._first is None else self._first
            self._last = now
            self._samples += 1
        if memory is not None:
            self._observe_memory(now, memory)

    def _observe_memory(self, now: float, memory: float) -> None:
        if now >= self._peak_ends:
            self._peak, self._peak_ends = memory, now + MEMORY_INTERVAL_SECONDS
        elif memory > self._peak:
            self._memory.add(self._peak, -1.0, self._peak_ends)
            self._peak = memory
        else:
            return
        self._memory.add(self._peak, 1.0, self._peak_ends)

    def out_of_memory(self, now: float, used: float) -> None:
        """Take a kill for want of memory as a peak above what was used: 100 MiB or 20 % more."""
        self._observe_memory(now, max(used + OOM_BUMP_BYTES, used * OOM_BUMP_RATIO))

    @property
    def confidence(self) -> float:
        """Days of history: the smaller of their span and of the samples at one a minute."""
        if self._first is None:
            return 0.0
        return min((self._last - self._first) / 86400, self._samples / (60 * 24))

    def recommend(self) -> Recommendation | None:
        """Return what to request; None before the first CPU sample."""
        if self._cpu.empty:
            return None
        days = self.confidence
        # With little history the bounds are wide; they close in on the percentiles day by day.
        lower = (1 + 0.001 / days) ** -2 if days > 0 else 0.0
        upper = 1 + 1 / days if days > 0 else math.inf
        values: list[float] = []
        for level, factor in ((0.9, 1.0), (0.5, lower), (0.95, upper)):
            for histogram, least, most in (
                (self._cpu, self._bounds.least_cpu, self._bounds.most_cpu),
                (self._memory, self._bounds.least_memory, self._bounds.most_memory),
            ):
                raw = histogram.percentile(level) * (1 + self._margin) * factor
                values.append(min(max(raw, least), most))
        return Recommendation(*values)
