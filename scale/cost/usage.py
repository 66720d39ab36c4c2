"""A month of a trace on a stack: the replay of `scale simulate`, counted in what is charged."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from model.settings import Settings
from scale.cost.items import Traffic
from scale.cost.prices import HOURS
from scale.simulate.commands import shipped_trace
from scale.simulate.outcome import hours_of
from scale.simulate.plant.service import plant_of
from scale.simulate.run import STEP_SECONDS, Scenario, simulate
from scale.simulate.traces import TraceError, read_trace

# A load balancer's capacity unit holds 25 new connections a second, or 1 GB an hour, whichever is used more
# (Elastic Load Balancing pricing, "LCU details"). Its other two measures, connections that are open and rules beyond
# the first ten, are below these where each request has a connection and no rule is added.
UNIT_CONNECTIONS_PER_SECOND = 25
UNIT_BYTES_PER_HOUR = 1e9


def replay(
    settings: Settings,
    path: Path | None = None,
    *,
    peak: float | None = None,
    response_kib: float | None = None,
    calibration: Path | None = None,
    seed: int = 0,
) -> Traffic:
    """Return the month that a trace, by default the one that ships, would be if it went on.

    `peak` scales it, in requests a minute. Raises TraceError or CalibrationError for what cannot be read.
    """
    trace = read_trace(path) if path else shipped_trace()
    if peak is not None and trace.peak:
        trace = trace.scaled(peak / trace.peak)
    run = simulate(
        Scenario(trace.name, settings.scaling, settings.servers, plant_of(settings, calibration), seed), trace
    )
    recorded = ~np.isnan(run.trace.counts)
    hours = float(recorded.sum()) * STEP_SECONDS / 3600
    if hours == 0:
        raise TraceError(f"{trace.name} has no record")
    month = HOURS / hours
    counts = run.trace.counts[recorded]
    units, most = _balancer_units(counts, response_kib)
    return Traffic(
        name=trace.name,
        server_hours=hours_of(run) * HOURS / (run.trace.seconds / 3600),
        requests=float(counts.sum()) * month,
        peak_requests=run.trace.peak * 60 * HOURS,
        balancer_units=None if units is None else units * month,
        peak_balancer_units=None if most is None else most * HOURS,
    )


def _balancer_units(
    counts: np.ndarray[tuple[int], np.dtype[np.float64]], response_kib: float | None
) -> tuple[float | None, float | None]:
    """Return the capacity unit hours of the trace, and the units of its busiest minute."""
    if response_kib is None:
        return None, None
    a_second = counts / STEP_SECONDS
    by_connections = a_second / UNIT_CONNECTIONS_PER_SECOND
    by_bytes = a_second * 3600 * response_kib * 1024 / UNIT_BYTES_PER_HOUR
    units = np.maximum(by_connections, by_bytes)
    return float(units.sum()) * STEP_SECONDS / 3600, float(units.max(initial=0))
