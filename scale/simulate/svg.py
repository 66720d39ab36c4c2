"""Line charts over time as inline SVG, small enough for a page of months."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

import numpy as np

from scale.simulate.plant.service import Floats

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 1080, 64, 16, 10, 24
COLUMNS = 900
"""A longer trace is drawn by the extremes of this many columns."""


@dataclass(frozen=True)
class Curve:
    """One line: its class in the style sheet, its name, its values, and how many values become a column's one."""

    style: str
    name: str
    values: Floats
    gather: Callable[[Floats], float] = np.nanmax
    filled: bool = False
    stepped: bool = False


@dataclass(frozen=True)
class Mark:
    """A point to be noticed, with a text that a pointer shows."""

    at: int
    value: float
    style: str
    text: str


@dataclass(frozen=True)
class Axis:
    """The vertical axis."""

    title: str
    top: float
    logarithmic: bool = False
    bottom: float = 0.0

    def place(self, value: float, height: float) -> float:
        """Return how far from the chart's top a value lies."""
        if self.logarithmic:
            span = math.log(self.top / self.bottom)
            part = math.log(max(value, self.bottom) / self.bottom) / span
        else:
            part = (value - self.bottom) / (self.top - self.bottom)
        return TOP + height * (1 - min(1.0, max(0.0, part)))

    def ticks(self) -> list[float]:
        """Return round values to label."""
        if self.logarithmic:
            first, last = math.ceil(math.log10(self.bottom) - 1e-9), math.floor(math.log10(self.top) + 1e-9)
            return [10.0**power for power in range(first, last + 1)]
        step = round_step(self.top / 4)
        return [step * count for count in range(int(self.top / step) + 1)]


def round_step(about: float) -> float:
    """Return 1, 2 or 5 times a power of ten, at least `about`."""
    if about <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(about))
    return next(part * power for part in (1, 2, 5, 10) if part * power >= about * (1 - 1e-9))


def gathered(curve: Curve, columns: int) -> tuple[list[float], list[float]]:
    """Return places (0 to 1) and values, at most `columns` of them; NaN where a whole column has no value."""
    values = curve.values
    if len(values) <= columns:
        return [(place + 0.5) / len(values) for place in range(len(values))], [float(each) for each in values]
    parts = np.array_split(values, columns)
    found = [math.nan if np.isnan(part).all() else float(curve.gather(part)) for part in parts]
    return [(place + 0.5) / columns for place in range(columns)], found


def chart(
    title: str,
    axis: Axis,
    curves: Sequence[Curve],
    *,
    start: float,
    seconds: float,
    height: int = 190,
    marks: Sequence[Mark] = (),
    level: tuple[float, str] | None = None,
    steps: int = 1,
) -> str:
    """Return one chart as SVG. `level` draws a labelled horizontal line; `steps` is the count behind `marks`."""
    inner = height - TOP - BOTTOM
    parts = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">']
    parts += _grid(axis, inner) + _times(start, seconds, inner)
    parts += [_line(curve, axis, inner) for curve in curves]
    if level is not None:
        y = axis.place(level[0], inner)
        parts.append(f'<line class="level" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="level-text" x="{WIDTH - RIGHT - 4}" y="{y - 4:.1f}">{escape(level[1])}</text>')
    parts += [_mark(mark, axis, inner, steps) for mark in marks]
    parts.append("</svg>")
    return "".join(parts)


def _x(part: float) -> float:
    return LEFT + part * (WIDTH - LEFT - RIGHT)


def _grid(axis: Axis, inner: float) -> list[str]:
    parts = [
        f'<text class="axis-title" x="{LEFT - 56}" y="{TOP + inner / 2:.0f}" '
        f'transform="rotate(-90 {LEFT - 56} {TOP + inner / 2:.0f})">{escape(axis.title)}</text>'
    ]
    for value in axis.ticks():
        y = axis.place(value, inner)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}">{value:,g}</text>')
    return parts


def _times(start: float, seconds: float, inner: float) -> list[str]:
    """Label the time axis at round times: from ten seconds to weeks, as the length asks."""
    spans = (10, 30, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 7 * 86400, 14 * 86400, 28 * 86400)
    span = next((each for each in spans if seconds / each <= 11), spans[-1])
    parts: list[str] = []
    at = math.ceil(start / span) * span
    while at <= start + seconds:
        x = _x((at - start) / seconds)
        when = datetime.fromtimestamp(at, UTC)
        clock = "%H:%M:%S" if span < 60 else "%H:%M"
        label = when.strftime(clock) if span < 86400 and at % 86400 else when.strftime("%-d %b")
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{TOP + inner}"/>')
        parts.append(f'<text class="time" x="{x:.1f}" y="{TOP + inner + 16}">{label}</text>')
        at += span
    return parts


def _line(curve: Curve, axis: Axis, inner: float) -> str:
    places, values = gathered(curve, COLUMNS)
    parts: list[str] = []
    base = TOP + inner
    run: list[tuple[float, float]] = []
    for place, value in [*zip(places, values, strict=True), (0.0, math.nan)]:
        if value == value:
            run.append((_x(place), axis.place(value, inner)))
        elif run:
            path = _path(run, stepped=curve.stepped)
            if curve.filled:
                path = f"{path}L{run[-1][0]:.1f},{base:.1f}L{run[0][0]:.1f},{base:.1f}Z"
            parts.append(path)
            run = []
    return f'<path class="{curve.style}" d="{"".join(parts)}"><title>{escape(curve.name)}</title></path>'


def _path(points: list[tuple[float, float]], *, stepped: bool) -> str:
    text = [f"M{points[0][0]:.1f},{points[0][1]:.1f}"]
    for x, y in points[1:]:
        text.append(f"H{x:.1f}V{y:.1f}" if stepped else f"L{x:.1f},{y:.1f}")
    return "".join(text)


def _mark(mark: Mark, axis: Axis, inner: float, steps: int) -> str:
    x, y = _x(min(1.0, mark.at / max(1, steps))), axis.place(mark.value, inner)
    return f'<circle class="{mark.style}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"><title>{escape(mark.text)}</title></circle>'
