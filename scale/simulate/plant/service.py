"""What one server does with a request: how long it takes, how many at once, what it waits for."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, fields
from pathlib import Path
from statistics import NormalDist
from typing import cast

import numpy as np
import numpy.typing as npt

from model import capacity, instances
from model.settings import Settings
from scale.simulate.controllers.target_tracking import CPU_LOW_SHARE, OTHER_LOW_SHARE

Floats = npt.NDArray[np.float64]

ASSUMED = "assumed, not measured"


class CalibrationError(ValueError):
    """A calibration file that cannot be used; the text names it and what is wrong."""


@dataclass(frozen=True)
class ServiceTime:
    """The time that a request keeps a thread busy, without waiting.

    With `quantiles` (seconds at equally likely levels, ascending) the distribution is that one; without, it is
    exponential at a squared coefficient of variation of 1, constant at 0, lognormal at any other.
    """

    mean_seconds: float = 0.15
    scv: float = 1.0
    quantiles: tuple[float, ...] = ()

    def points(self) -> tuple[Floats, Floats]:
        """Return values in seconds and their probabilities, finer towards the tail, with the exact mean."""
        if not self.quantiles and self.scv == 0:
            return np.array([self.mean_seconds]), np.array([1.0])
        body = np.linspace(0.0, 0.95, 191)
        tail = 1.0 - np.geomspace(0.05, 1e-7, 160)
        levels = np.concatenate([body, tail[1:], [1.0]])
        weights = np.diff(levels)
        middles = levels[:-1] + weights / 2
        values = self._at(middles)
        return values * (self.mean_seconds / float(np.dot(values, weights))), weights

    def longer(self, seconds: Floats) -> Floats:
        """Return the probability that it takes longer than each of `seconds`, exactly."""
        if self.quantiles:
            known = (np.arange(len(self.quantiles)) + 0.5) / len(self.quantiles)
            values = np.array(self.quantiles) * (self.mean_seconds * len(self.quantiles) / sum(self.quantiles))
            return 1 - np.interp(seconds, values, known, left=0.0, right=1.0)
        if self.scv == 0:
            return np.asarray(seconds < self.mean_seconds, dtype=np.float64)
        if self.scv == 1:
            return np.exp(-seconds / self.mean_seconds)
        spread = math.sqrt(math.log1p(self.scv))
        middle = math.log(self.mean_seconds) - spread * spread / 2
        places = (np.log(np.maximum(seconds, 1e-12)) - middle) / (spread * math.sqrt(2))
        return np.array([math.erfc(float(place)) / 2 for place in places])

    def _at(self, levels: Floats) -> Floats:
        if self.quantiles:
            known = (np.arange(len(self.quantiles)) + 0.5) / len(self.quantiles)
            return np.interp(levels, known, np.array(self.quantiles))
        if self.scv == 1:
            return -self.mean_seconds * np.log1p(-levels)
        spread = math.sqrt(math.log1p(self.scv))
        normal = NormalDist()
        places = np.array([normal.inv_cdf(float(level)) for level in levels])
        return np.exp(math.log(self.mean_seconds) - spread * spread / 2 + spread * places)


@dataclass(frozen=True)
class Plant:
    """The system that a policy scales. Times in seconds.

    `concurrency` requests are served at once by one server, the smaller of its threads and of what its processors
    bear: `processors / cpu_share`. `backlog` more wait on it; beyond that they are dropped.
    """

    service: ServiceTime = field(default_factory=ServiceTime)
    source: str = ASSUMED
    cpu_share: float = 0.4
    """The part of the service time that a request keeps a processor busy; the rest is waiting for others."""
    arrival_scv: float = 1.0
    """Squared coefficient of variation of the times between arrivals in a step: 1 for independent users."""
    threads: int = 8
    processors: float = 2
    backlog: int = 2048
    """gunicorn's default `backlog` (gunicorn settings)."""
    timeout_seconds: float = 60.0
    retry_share: float = 0.0
    """The part of failed requests whose client tries again in the next step."""
    connections_per_server: int = 8
    connections_limit: int | None = None
    boot_seconds: float = 90.0
    """From launch to the first request, its mean: start, image pull, passing the health check (estimate)."""
    boot_scv: float = 0.05
    warm_start_seconds: float = 30.0
    """The same for a server out of a warm pool (estimate)."""
    drain_seconds: float = 30.0
    metric_delay_seconds: float = 60.0
    """How long after its minute's end a value can be seen: CloudWatch publishes within about a minute (estimate)."""
    cpu_low_share: float = CPU_LOW_SHARE
    requests_low_share: float = OTHER_LOW_SHARE
    """Where the low alarms stand that AWS makes for target tracking, as a part of the target."""

    @property
    def concurrency(self) -> int:
        """Requests that one server serves at once."""
        bearable = math.floor(self.processors / self.cpu_share) if self.cpu_share > 0 else self.threads
        return max(1, min(self.threads, bearable))

    @property
    def rate_per_server(self) -> float:
        """The most requests a second that one server completes."""
        return self.concurrency / self.service.mean_seconds

    def rate(self, servers: float) -> float:
        """The most requests a second that a fleet completes: its servers', or what the database's connections bear."""
        rate = servers * self.rate_per_server
        if self.connections_limit is None:
            return rate
        return min(rate, self.connections_limit / self.service.mean_seconds)

    def cpu_percent(self, utilization: float) -> float:
        """Return the processors' utilization of servers whose threads are busy for that part of the time."""
        return 100.0 * min(1.0, utilization * self.concurrency * self.cpu_share / self.processors)


def plant_of(settings: Settings, calibration: Path | None = None) -> Plant:
    """Return the plant that a stack's settings describe, with service times from `calibration` or assumed.

    Raises CalibrationError for a calibration that cannot be used.
    """
    size = instances.size(settings.servers.instance_type)
    measured = read_calibration(calibration) if calibration else Calibration()
    per_server = capacity.connections_per_server(settings)
    threads = settings.application.workers * settings.application.threads
    return Plant(
        service=ServiceTime(measured.mean_seconds, measured.scv, measured.quantiles),
        source=measured.source,
        cpu_share=measured.cpu_share,
        threads=min(threads, per_server),
        processors=size.processors if size else Plant.processors,
        timeout_seconds=float(settings.traffic.idle_timeout_seconds),
        retry_share=measured.retry_share,
        connections_per_server=per_server,
        connections_limit=capacity.usable_connections(settings.database, settings.database.instance_class),
        boot_seconds=measured.boot_seconds,
        boot_scv=measured.boot_scv,
        warm_start_seconds=measured.warm_start_seconds,
        drain_seconds=float(settings.traffic.draining_seconds),
        metric_delay_seconds=measured.metric_delay_seconds,
        cpu_low_share=measured.cpu_low_share,
        requests_low_share=measured.requests_low_share,
    )


@dataclass(frozen=True)
class Calibration:
    """What was measured, seconds and shares; the defaults are the assumptions that a measurement replaces."""

    mean_seconds: float = 0.15
    scv: float = 1.0
    quantiles: tuple[float, ...] = ()
    cpu_share: float = 0.4
    boot_seconds: float = 90.0
    boot_scv: float = 0.05
    warm_start_seconds: float = 30.0
    metric_delay_seconds: float = 60.0
    retry_share: float = 0.0
    cpu_low_share: float = CPU_LOW_SHARE
    requests_low_share: float = OTHER_LOW_SHARE
    source: str = ASSUMED


def read_calibration(path: Path) -> Calibration:
    """Read a calibration: a JSON object with any of Calibration's fields.

    Raises CalibrationError for a file that is none, an unknown field, or a value outside its range.
    """
    try:
        found: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CalibrationError(f"{path}: {error}") from error
    if not isinstance(found, dict):
        raise CalibrationError(f"{path}: must be a JSON object")
    entries = cast("dict[str, object]", found)
    unknown = sorted(entries.keys() - {each.name for each in fields(Calibration)})
    if unknown:
        raise CalibrationError(f"{path}: {unknown[0]} is not a field of a calibration")
    if "mean_seconds" not in entries and "quantiles" not in entries:
        raise CalibrationError(f"{path}: mean_seconds or quantiles must be given")
    quantiles = _quantiles(path, entries.get("quantiles", []))
    mean = sum(quantiles) / len(quantiles) if quantiles else Calibration.mean_seconds
    numbers = {
        name: _number(path, name, value, most=_MOST.get(name, math.inf))
        for name, value in entries.items()
        if name not in ("quantiles", "source")
    }
    times = {"mean_seconds": mean, **numbers}
    if times["mean_seconds"] == 0:
        raise CalibrationError(f"{path}: mean_seconds must be above 0")
    return Calibration(
        **times,  # pyright: ignore[reportArgumentType] - the fields that are left are numbers
        quantiles=quantiles,
        source=str(entries.get("source", f"measured, {path.name}")),
    )


_MOST = {"cpu_share": 1.0, "retry_share": 1.0, "cpu_low_share": 1.0, "requests_low_share": 1.0}


def _quantiles(path: Path, found: object) -> tuple[float, ...]:
    if not isinstance(found, list):
        raise CalibrationError(f"{path}: quantiles must be a list of numbers")
    quantiles = tuple(_number(path, "quantiles", each) for each in cast("list[object]", found))
    if list(quantiles) != sorted(quantiles):
        raise CalibrationError(f"{path}: quantiles must ascend")
    if quantiles and quantiles[-1] == 0:
        raise CalibrationError(f"{path}: quantiles must not all be 0")
    return quantiles


def _number(path: Path, name: str, value: object, most: float = math.inf) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise CalibrationError(f"{path}: {name} must be a number of at least 0, is {value!r}")
    if value > most:
        raise CalibrationError(f"{path}: {name} must be at most {most:g}, is {value!r}")
    return float(value)
