"""Traffic traces: requests a step, read from CSV, from one rate a line, or from a CloudWatch export. Gaps stay gaps."""

from __future__ import annotations

import csv
import gzip
import json
import math
import zlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_SHOWN = 5
_OFF_STEP = 1e-6
_MOST_STEPS = 10_000_000
"""19 years of minutes: what is longer has a wrong time stamp in it."""
_MOST_COUNT = 1e12
_LAST_MOMENT = 1e11
"""The year 5138. Milliseconds since 1970, taken for seconds, lie beyond it."""


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
        """Return the trace in steps of another length, each step's traffic being spread evenly over it.

        A step is a gap where more than half of it has no record, and otherwise the recorded part scaled up. Raises
        TraceError where it would have too many.
        """
        ratio = step_seconds / self.step_seconds
        if ratio == 1:
            return self
        _refuse_length(self.name, self.seconds / step_seconds, step_seconds)
        if math.isclose(ratio, round(ratio)):
            counts = self._joined(round(ratio))
        elif math.isclose(1 / ratio, round(1 / ratio)):
            counts = np.repeat(self.counts * ratio, round(1 / ratio))
        else:
            counts = self._spread(step_seconds)
        return replace(self, step_seconds=step_seconds, counts=counts)

    def _joined(self, each: int) -> Floats:
        padded = np.full(-(-len(self.counts) // each) * each, math.nan)
        padded[: len(self.counts)] = self.counts
        rows = padded.reshape(-1, each)
        recorded = (~np.isnan(rows)).sum(axis=1)
        return np.where(recorded * 2 >= each, np.nansum(rows, axis=1) * each / np.maximum(recorded, 1), math.nan)

    def _spread(self, step_seconds: float) -> Floats:
        recorded = ~np.isnan(self.counts)
        borders = np.arange(len(self.counts) + 1) * self.step_seconds
        wanted = np.arange(math.ceil(round(self.seconds / step_seconds, 9)) + 1) * step_seconds

        def within(amounts: Floats) -> Floats:
            return np.diff(np.interp(wanted, borders, np.concatenate([[0.0], np.cumsum(amounts)])))

        known = within(recorded * self.step_seconds) / step_seconds
        counts = np.maximum(within(np.where(recorded, self.counts, 0.0)), 0.0)
        return np.where(known >= 0.5 - 1e-9, counts / np.maximum(known, 0.5), math.nan)


def read_trace(path: Path, *, rate_step_seconds: float = 1.0) -> Trace:
    """Read a trace: `.csv` (time stamp, count), `.json` (CloudWatch) or one rate a line, each also as `.gz`.

    A rate is in requests a second, one line for `rate_step_seconds`. Raises TraceError naming what is wrong.
    """
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
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
    if all(math.isnan(each) for each in counts):
        raise TraceError(f"{name}: holds no rate")
    return Trace(name, 0.0, step, np.array(counts))


def _count(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= _MOST_COUNT else None


def _csv(name: str, lines: list[str]) -> tuple[list[float], list[float]]:
    """Return times and counts. The first line may be a header; every other line must hold both."""
    bad: list[str] = []
    times: list[float] = []
    counts: list[float] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        stamp, amount = _fields(line)
        at, count = moment(stamp), _count(amount)
        if at is None and count is None and number == 1:
            continue
        if at is None:
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


def _fields(line: str) -> tuple[str, str]:
    """Return the first two fields of a line of CSV; a field that is not there is empty."""
    try:
        row = next(csv.reader([line]))
    except csv.Error:
        return "", ""
    stamp, amount, *_ = (each.strip() for each in [*row, "", ""])
    return stamp, amount


def moment(text: str) -> float | None:
    """Return a time stamp in seconds since 1970: ISO 8601 (UTC where it has no zone) or seconds; None for neither."""
    # Of nine digits and more, seconds: an ISO date has eight, and Python takes a ninth for the separator of a time.
    at = float(text) if text.isdecimal() and len(text) > 8 else _iso(text)
    return at if at is not None and 0 <= at < _LAST_MOMENT else None


def _iso(text: str) -> float | None:
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except ValueError:
        return _count(text)
    except OverflowError:
        return None


def _cloudwatch(name: str, text: str) -> tuple[list[float], list[float]]:
    """Return times and counts of a `get-metric-statistics` (Sum) or `get-metric-data` answer."""
    try:
        found: object = json.loads(text)
    except ValueError as error:
        raise TraceError(f"{name}: {error}") from error
    points = _points(found)
    if points is None:
        raise TraceError(f"{name}: holds neither Datapoints nor MetricDataResults, as CloudWatch's answers do")
    bad = [
        f"point {place}: {stamp!r}, {value!r} is not a time stamp and a sum"
        for place, (stamp, value) in enumerate(points, start=1)
        if moment(str(stamp)) is None or _count(str(value)) is None
    ]
    _refuse(name, bad)
    pairs = sorted((moment(str(stamp)) or 0.0, _count(str(value)) or 0.0) for stamp, value in points)
    return [at for at, _ in pairs], [count for _, count in pairs]


def _points(answer: object) -> list[tuple[object, object]] | None:
    """Return time stamps and sums as they stand in an answer, None for what is missing; None for another document."""
    if not isinstance(answer, dict):
        return None
    found = cast("dict[str, object]", answer)
    if "Datapoints" in found:
        return [(each.get("Timestamp"), each.get("Sum")) for each in _groups(found["Datapoints"])]
    if "MetricDataResults" not in found:
        return None
    points: list[tuple[object, object]] = []
    for result in _groups(found["MetricDataResults"]):
        points += zip_longest(_list(result.get("Timestamps")), _list(result.get("Values")))
    return points


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else [value]


def _groups(value: object) -> list[dict[str, object]]:
    return [cast("dict[str, object]", each) if isinstance(each, dict) else {} for each in _list(value)]


def _refuse_length(name: str, steps: float, seconds: float) -> None:
    if steps > _MOST_STEPS:
        raise TraceError(f"{name}: {steps:,.0f} steps of {seconds:g} s are more than {_MOST_STEPS:,}")


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
    _refuse_length(name, float(places[-1]), step)
    rounded: Floats = np.round(places)
    apart: Floats = np.abs(places - rounded)
    if apart.max() > _OFF_STEP:
        off = int(np.argmax(apart > _OFF_STEP))
        stamp = datetime.fromtimestamp(times[off], UTC).isoformat()
        raise TraceError(f"{name}: {stamp} does not lie on steps of {step:g} s, the smallest in the file")
    grid = np.full(round(float(places[-1])) + 1, math.nan)
    grid[rounded.astype(np.intp)] = counts
    return Trace(name, times[0], step, grid)
