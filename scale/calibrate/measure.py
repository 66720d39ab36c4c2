"""Service times of an application that is hardly loaded, and its response times under load beside the model's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scale.calibrate.servers import Servers
from scale.load.arrivals import Steady
from scale.load.client import Measured, Target, drive
from scale.load.report import BEHIND_SHARE, Outcome
from scale.simulate.plant.queue import table_of
from scale.simulate.plant.service import Calibration, Plant, ServiceTime

LOADS = (0.3, 0.5, 0.7, 0.85)
"""Of what the model says the servers complete."""
LEVELS = (0.5, 0.95, 0.99)
MOST_RATE = 50.0
"""Requests a second while service times are measured, at most."""
BUSY = 0.5
"""The part of the time that one request is under way while service times are measured: the next finds no other."""
WARM_SECONDS = 3.0
WARM_RATE = 10.0
QUANTILES = 100
MOST_BUSY = 0.85
"""The part of this machine's processor time above which the servers wait for the others that share it."""


class FailedError(RuntimeError):
    """Requests failed, so that nothing can be said of the others' times; the text names the failures."""


class StoppedError(RuntimeError):
    """The user ended it."""


@dataclass(frozen=True)
class Service:
    """What was measured of single requests, seconds."""

    calibration: Calibration
    requests: int
    rate: float


@dataclass(frozen=True)
class Row:
    """One load: response times measured and by the model, seconds, by level; `behind` is the generator's own share."""

    load: float
    """Utilization by the model, of what was really sent."""
    rate: float
    measured: dict[float, float]
    model: dict[float, float]
    means: tuple[float, float]
    behind: float
    machine: float
    """The part of this machine's processor time that was used, by whomever."""

    @property
    def comparable(self) -> bool:
        """Whether the figures are the servers': the generator kept up, and there was a processor for all who share."""
        return self.behind <= BEHIND_SHARE and self.machine <= MOST_BUSY


def service_times(target: Target, servers: Servers, requests: int, seed: int, source: str) -> Service:
    """Measure `requests` requests, one after another. Raises FailedError or StoppedError.

    The processors' share counts what the servers' processes use, and not what the database or the balancer do.
    """
    warm = _driven(target, Steady(WARM_RATE, WARM_SECONDS, "even", seed))
    mean = float(np.mean(warm.services))
    rate = min(MOST_RATE, BUSY / mean)
    before = servers.processor_seconds()
    measured = _driven(target, Steady(rate, requests / rate, "even", seed))
    used = servers.processor_seconds() - before
    times = np.sort(np.frombuffer(measured.services))
    levels = (np.arange(QUANTILES) + 0.5) / QUANTILES
    mean = float(times.mean())
    calibration = Calibration(
        mean_seconds=round(mean, 6),
        scv=round(float(times.var()) / mean**2, 4),
        quantiles=tuple(round(float(each), 6) for each in np.quantile(times, levels)),
        cpu_share=round(min(1.0, used / float(times.sum())), 4),
        source=source,
    )
    return Service(calibration, len(times), rate)


def plant(service: Service, servers: Servers) -> Plant:
    """Return the model of one server here: its threads, and its part of this machine's processors."""
    measured = service.calibration
    return Plant(
        service=ServiceTime(measured.mean_seconds, measured.scv, measured.quantiles),
        cpu_share=measured.cpu_share,
        threads=servers.threads,
        processors=(os.cpu_count() or 1) / servers.count,
    )


def compare(target: Target, servers: Servers, model: Plant, seconds: float, seed: int) -> Iterator[Row]:
    """Load the servers to each of LOADS; yield what was measured beside what the model says of that load.

    It ends after a load that this machine cannot bear, as the next would find the requests of that one still waiting.
    """
    table = table_of(model)
    for load in LOADS:
        before = _machine()
        measured = _driven(target, Steady(load * model.rate(servers.count), seconds, "poisson", seed))
        rate = measured.sent / measured.seconds
        utilization = rate / model.rate(servers.count)
        times = np.frombuffer(measured.latencies)
        used, whole = (after - first for after, first in zip(_machine(), before, strict=True))
        row = Row(
            utilization,
            rate,
            {level: float(np.quantile(times, level)) for level in LEVELS},
            {level: table.quantile(utilization, level) for level in LEVELS},
            (float(times.mean()), float(table.means(np.array([utilization]))[0])),
            Outcome(target.url, "", measured).behind,
            used / whole,
        )
        yield row
        if row.machine > MOST_BUSY:
            return


def _machine() -> tuple[float, float]:
    """Return the processor time used since the machine began, and all there was: proc(5), /proc/stat, in ticks."""
    times = [int(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle, waiting = times[3:5]
    return float(sum(times) - idle - waiting), float(sum(times))


def _driven(target: Target, arrivals: Steady) -> Measured:
    measured = drive(target, arrivals)
    if measured.interrupted:
        raise StoppedError
    if measured.failures or not measured.answered:
        first = measured.failures[0] if measured.failures else None
        what = f", the first at {first.path}: {first.kind}" if first else ""
        raise FailedError(f"{len(measured.failures)} of {measured.sent} requests failed{what}")
    return measured
