"""Traffic traces: requests a step, read from CSV, from one rate a line, or from a CloudWatch export. Gaps stay gaps."""

from __future__ import annotations

import gzip
import json
import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_SHOWN = 5
_OFF_STEP = 1e-6


class TraceError(ValueError):
    """A trace that cannot be used; the text names the file and each bad line."""


@dataclass(frozen=True)
class Trace:
    """Requests in equal steps of `step_seconds` from `start` (seconds since 1970); NaN where there is no record."""

    name: str
    start: float
    step_seconds: float
    counts: Floats

    @property
    def seconds(self) -> float:
        """The length of the whole trace."""
        return len(self.counts) * self.step_seconds

    @property
    def gaps(self) -> int:
        """Steps without a record."""
        return int(np.isnan(self.counts).sum())

    @property
    def peak(self) -> float:
        """The highest rate of a step, in requests a minute; 0 for a trace of gaps."""
        known = self.counts[~np.isnan(self.counts)]
        return float(known.max()) * 60 / self.step_seconds if len(known) else 0.0

    def scaled(self, factor: float) -> Trace:
        """Return the trace with each count multiplied by `factor`."""
        return replace(self, counts=self.counts * factor)

    def part(self, begin: int, end: int) -> Trace:
        """Return the steps from `begin` to before `end`."""
        return replace(self, start=self.start + begin * self.step_seconds, counts=self.counts[begin:end])

    def resampled(self, step_seconds: float) -> Trace:
        """Return the trace in steps of another length.

        A longer step is a gap where more than half of it has no record, and otherwise the recorded part scaled up.
        Raises TraceError where the lengths do not divide each other.
        """
        ratio = step_seconds / self.step_seconds
        if ratio == 1:
            return self
        if ratio < 1:
            return self._split(step_seconds)
        each = round(ratio)
        if not math.isclose(each, ratio):
            raise TraceError(f"{self.name}: steps of {self.step_seconds:g} s do not make steps of {step_seconds:g} s")
        padded = np.full(-(-len(self.counts) // each) * each, math.nan)
        padded[: len(self.counts)] = self.counts
        rows = padded.reshape(-1, each)
        recorded = (~np.isnan(rows)).sum(axis=1)
        sums = np.nansum(rows, axis=1)
        counts = np.where(recorded * 2 >= each, sums * each / np.maximum(recorded, 1), math.nan)
        return replace(self, step_seconds=step_seconds, counts=counts)

    def _split(self, step_seconds: float) -> Trace:
        each = round(self.step_seconds / step_seconds)
        if not math.isclose(each * step_seconds, self.step_seconds):
            raise TraceError(f"{self.name}: steps of {self.step_seconds:g} s are not made of {step_seconds:g} s")
        return replace(self, step_seconds=step_seconds, counts=np.repeat(self.counts / each, each))


def read_trace(path: Path, *, rate_step_seconds: float = 1.0) -> Trace:
    """Read a trace: `.csv` (time stamp, count), `.json` (CloudWatch) or one rate a line, each also as `.gz`.

    A rate is in requests a second, one line for `rate_step_seconds`. Raises TraceError naming what is wrong.
    """
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode()
    except (OSError, EOFError, UnicodeDecodeError, gzip.BadGzipFile) as error:
        raise TraceError(f"{path}: {error}") from error
    name = path.name.removesuffix(".gz")
    if name.endswith(".json"):
        return _from_points(path.name, *_cloudwatch(path.name, text))
    lines = text.splitlines()
    if any("," in line for line in lines[:2]):
        return _from_points(path.name, *_csv(path.name, lines))
    return _rates(path.name, lines, rate_step_seconds)


def _rates(name: str, lines: list[str], step: float) -> Trace:
    bad: list[str] = []
    counts: list[float] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            counts.append(math.nan)
            continue
        count = _count(line)
        if count is None:
            bad.append(f"line {number}: {line.strip()[:60]!r} is not a rate")
        else:
            counts.append(count * step)
    _refuse(name, bad)
    if not counts:
        raise TraceError(f"{name}: holds no rate")
    return Trace(name, 0.0, step, np.array(counts))


def _count(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < math.inf else None


def _csv(name: str, lines: list[str]) -> tuple[list[float], list[float]]:
    """Return times and counts. The first line may be a header; every other line must hold both."""
    bad: list[str] = []
    times: list[float] = []
    counts: list[float] = []
    for number, line in enumerate(lines, start=1):
        stamp, comma, amount = line.partition(",")
        if not line.strip():
            continue
        at, count = moment(stamp.strip()), _count(amount.partition(",")[0])
        if at is None and count is None and number == 1:
            continue
        if not comma or at is None:
            bad.append(f"line {number}: {line[:60]!r} does not begin with a time stamp and a comma")
        elif count is None:
            bad.append(f"line {number}: {amount[:60]!r} is not a count")
        elif times and at <= times[-1]:
            bad.append(f"line {number}: {stamp!r} is not after the line before it")
        else:
            times.append(at)
            counts.append(count)
    _refuse(name, bad)
    return times, counts


def moment(text: str) -> float | None:
    """Return a time stamp in seconds since 1970: ISO 8601 (UTC where it has no zone) or seconds; None for neither."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return _count(text)
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return at.timestamp()


def _cloudwatch(name: str, text: str) -> tuple[list[float], list[float]]:
    """Return times and counts of a `get-metric-statistics` (Sum) or `get-metric-data` answer."""
    try:
        found: object = json.loads(text)
    except ValueError as error:
        raise TraceError(f"{name}: {error}") from error
    answer = cast("dict[str, list[dict[str, object]]]", found) if isinstance(found, dict) else {}
    points: list[tuple[object, object]] = []
    if "Datapoints" in answer:
        points = [(each.get("Timestamp"), each.get("Sum")) for each in answer["Datapoints"]]
    elif "MetricDataResults" in answer:
        for result in answer["MetricDataResults"]:
            stamps, values = cast("list[object]", result["Timestamps"]), cast("list[object]", result["Values"])
            points += zip(stamps, values, strict=True)
    else:
        raise TraceError(f"{name}: holds neither Datapoints nor MetricDataResults, as CloudWatch's answers do")
    bad = [
        f"point {place}: {stamp!r}, {value!r} is not a time stamp and a sum"
        for place, (stamp, value) in enumerate(points, start=1)
        if moment(str(stamp)) is None or _count(str(value)) is None
    ]
    _refuse(name, bad)
    pairs = sorted((moment(str(stamp)) or 0.0, _count(str(value)) or 0.0) for stamp, value in points)
    return [at for at, _ in pairs], [count for _, count in pairs]


def _refuse(name: str, bad: list[str]) -> None:
    if bad:
        more = [f"and {len(bad) - _SHOWN} more"] if len(bad) > _SHOWN else []
        raise TraceError("\n".join(f"{name}: {each}" for each in [*bad[:_SHOWN], *more]))


def _from_points(name: str, times: list[float], counts: list[float]) -> Trace:
    """Lay points on a grid whose step is the smallest distance between two; what has no point is a gap."""
    if len(times) < 2:
        raise TraceError(f"{name}: holds {len(times)} counts, at least 2 are needed to know the step")
    at: Floats = np.array(times)
    step = float(np.diff(at).min())
    if step <= 0:
        raise TraceError(f"{name}: two counts have the same time stamp")
    places: Floats = (at - at[0]) / step
    rounded: Floats = np.round(places)
    apart: Floats = np.abs(places - rounded)
    if apart.max() > _OFF_STEP:
        off = int(np.argmax(apart > _OFF_STEP))
        stamp = datetime.fromtimestamp(times[off], UTC).isoformat()
        raise TraceError(f"{name}: {stamp} does not lie on steps of {step:g} s, the smallest in the file")
    grid = np.full(round(float(places[-1])) + 1, math.nan)
    grid[rounded.astype(np.intp)] = counts
    return Trace(name, times[0], step, grid)
