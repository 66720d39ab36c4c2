"""What a load found, as text and as a document."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scale.load.client import Measured

Floats = npt.NDArray[np.float64]

LEVELS = (0.5, 0.9, 0.95, 0.99, 0.999)
LATE_SECONDS = 0.01
"""A request that the generator sends later than this is one that it fell behind on."""
BEHIND_SHARE = 0.01
"""The part of such requests from which on the figures say more of the generator than of the server."""


@dataclass(frozen=True)
class Latencies:
    """Percentiles by level, in seconds, with the largest and the mean; all 0 where nothing was answered."""

    percentiles: dict[float, float]
    largest: float
    mean: float


def latencies(values: Floats) -> Latencies:
    """Return the percentiles: the smallest value that a share `level` of the values does not exceed."""
    if not len(values):
        return Latencies(dict.fromkeys(LEVELS, 0.0), 0.0, 0.0)
    found: list[float] = np.quantile(values, LEVELS, method="inverted_cdf").tolist()
    return Latencies(dict(zip(LEVELS, found, strict=True)), float(values.max()), float(values.mean()))


@dataclass(frozen=True)
class Outcome:
    """A load, judged."""

    target: str
    arrivals: str
    """How the requests were to arrive, in words."""
    measured: Measured

    @property
    def latency(self) -> Latencies:
        """Measured from the intended arrival."""
        return latencies(np.frombuffer(self.measured.latencies))

    @property
    def service(self) -> Latencies:
        """Measured from the sending, which leaves the hidden wait out."""
        return latencies(np.frombuffer(self.measured.services))

    @property
    def errors(self) -> dict[str, int]:
        """Failures by kind, the most frequent first."""
        return dict(Counter(failure.kind for failure in self.measured.failures).most_common())

    @property
    def behind(self) -> float:
        """The part of the requests that the generator sent late by its own fault, or never came to send."""
        measured = self.measured
        if not measured.intended:
            return 0.0
        late = int((np.frombuffer(measured.late) > LATE_SECONDS).sum()) if measured.late else 0
        return min(1.0, (late + max(0, measured.intended - measured.sent)) / measured.intended)

    @property
    def rates(self) -> tuple[float, float]:
        """Requests a second, achieved and intended."""
        measured = self.measured
        seconds = measured.seconds or 1.0
        return measured.sent / seconds, measured.intended / seconds


def text(outcome: Outcome) -> str:
    """Return the report."""
    measured, (achieved, intended) = outcome.measured, outcome.rates
    lines = [
        f"{outcome.target}: {outcome.arrivals}",
        f"sent       {measured.sent:>9,}  in {measured.seconds:.1f} s: {achieved:.1f} a second, "
        f"intended {intended:.1f}",
        f"answered   {measured.answered:>9,}",
        f"errors     {len(measured.failures):>9,}{_kinds(outcome)}",
    ]
    if measured.cut_off:
        lines.append(f"under way  {measured.cut_off:>9,}  when it was interrupted")
    if measured.answered:
        lines += [
            "",
            "latency, ms              p50      p90      p95      p99    p99.9      max",
            f"from intended arrival {_row(outcome.latency)}",
            f"from sending          {_row(outcome.service)}",
        ]
    return "\n".join([*lines, "", _pace(outcome)])


def _kinds(outcome: Outcome) -> str:
    kinds = ", ".join(f"{kind}: {count:,}" for kind, count in outcome.errors.items())
    return f"  {kinds}" if kinds else ""


def _row(found: Latencies) -> str:
    return " ".join(f"{value * 1000:8.1f}" for value in (*found.percentiles.values(), found.largest))


def _pace(outcome: Outcome) -> str:
    late = np.frombuffer(outcome.measured.late) if outcome.measured.late else np.zeros(1)
    worst = float(np.quantile(late, 0.99, method="inverted_cdf")) * 1000
    if outcome.behind > BEHIND_SHARE:
        return (
            f"The generator itself fell behind on {outcome.behind:.0%} of the requests (p99 {worst:.0f} ms late): it "
            "is too slow for this rate here, and the latencies from the intended arrival hold its own delay."
        )
    return f"The generator kept up: 99 % of the requests were sent within {max(worst, 0.1):.1f} ms of their time."


def document(outcome: Outcome) -> dict[str, object]:
    """Return the report as plain data; times in seconds."""
    measured, (achieved, intended) = outcome.measured, outcome.rates
    return {
        "target": outcome.target,
        "arrivals": outcome.arrivals,
        "seconds": measured.seconds,
        "sent": measured.sent,
        "answered": measured.answered,
        "under_way": measured.cut_off,
        "interrupted": measured.interrupted,
        "errors": outcome.errors,
        "requests_per_second": {"achieved": achieved, "intended": intended},
        "latency": _plain(outcome.latency),
        "latency_from_sending": _plain(outcome.service),
        "generator": {"behind": outcome.behind, "processor_seconds": measured.processor_seconds},
    }


def _plain(found: Latencies) -> dict[str, float]:
    named = {f"p{level * 100:g}": value for level, value in found.percentiles.items()}
    return {**named, "max": found.largest, "mean": found.mean}
