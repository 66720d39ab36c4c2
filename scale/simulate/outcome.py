"""What a replay came to: requests that violated the objective, response times, hours, regret."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass

import numpy as np

from scale.simulate.clairvoyant import VIOLATION_HOURS, Schedule, clairvoyant, demand
from scale.simulate.elasticity import Elasticity, elasticity
from scale.simulate.plant.flow import RAMP_POINTS, Flows, delays, violations
from scale.simulate.plant.queue import MOST_UTILIZED, ResponseTable, quantile_of_tail, table_of
from scale.simulate.plant.service import Floats
from scale.simulate.run import Run
from scale.simulate.slo import Slo


@dataclass(frozen=True)
class Percentiles:
    """Response times of the requests that were answered, in seconds."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True)
class Outcome:
    """A run judged by an objective. Requests are expected counts; hours are instance hours."""

    name: str
    slo: str
    met: bool
    requests: float
    violating: float
    violating_percent: float
    missed_minutes: float
    """Time in which the objective was missed, taken by itself: the whole's percentage hides a bad hour."""
    dropped: float
    timed_out: float
    response: Percentiles
    instance_hours: float
    cost: float | None
    """US dollars; None where the price is not known."""
    largest: int
    clairvoyant_hours: float
    regret_hours: float
    """Instance hours, with violations weighed in, beyond the clairvoyant schedule's."""
    elasticity: Elasticity
    decisions: dict[str, int]
    silent: tuple[str, ...]
    """Policies that never changed the capacity."""
    gaps: int
    connection_limited_minutes: int
    """Minutes in which the fleet wanted more connections than the database grants."""
    source: str
    """Where the service times come from."""
    unit: str = "instance"
    """What runs and is counted in hours: instances, or pods."""

    def document(self) -> dict[str, object]:
        """Return it as plain data."""
        return asdict(self)


def judge(
    run: Run, slo: Slo, *, price: float | None = None, weight: float = VIOLATION_HOURS, unit: str = "instance"
) -> Outcome:
    """Return the outcome of a run. Raises SloError for an objective that no fleet meets."""
    plant = run.scenario.plant
    table, flows = table_of(plant), run.flows
    recorded = ~np.isnan(run.trace.counts)
    by_step = late_by_step(run, slo)
    late = float(by_step.sum())
    missed = int((by_step > (1 - slo.level) * run.attempts * (1 + 1e-9)).sum())
    requests = float(run.attempts.sum())
    hours = hours_of(run)
    best = schedule(run, slo, weight)
    need = demand(plant, run.trace.counts, run.trace.step_seconds, slo)[recorded]
    share = late / requests if requests else 0.0
    return Outcome(
        name=run.scenario.name,
        slo=str(slo),
        met=share <= 1 - slo.level,
        requests=requests,
        violating=late,
        violating_percent=100 * share,
        missed_minutes=missed * run.trace.step_seconds / 60,
        dropped=float(run.dropped.sum()),
        timed_out=float(run.timed_out.sum()),
        response=percentiles(table, flows),
        instance_hours=hours,
        cost=None if price is None else hours * price,
        largest=int(run.in_service.max(initial=0)),
        clairvoyant_hours=best.instance_hours,
        regret_hours=hours + weight * late - best.objective,
        elasticity=elasticity(need, run.in_service[recorded], run.trace.step_seconds),
        decisions=dict(Counter(each.policy for each in run.decisions)),
        silent=_silent(run),
        gaps=int((~recorded).sum()),
        connection_limited_minutes=_limited(run),
        source=plant.source,
        unit=unit,
    )


def late_by_step(run: Run, slo: Slo) -> Floats:
    """Return for each step how many requests violated the objective."""
    return violations(table_of(run.scenario.plant), run.flows, slo.seconds)


def hours_of(run: Run) -> float:
    """Return the instance hours that are paid for."""
    return float(run.billed.sum()) * run.trace.step_seconds / 3600


def schedule(run: Run, slo: Slo, weight: float) -> Schedule:
    """Return the clairvoyant schedule within every bound that the run's group ever had."""
    scenario = run.scenario
    lows = [scenario.servers.min, *(each.min for each in scenario.policy.scheduled if each.min is not None)]
    highs = [scenario.servers.max, int(run.in_service.max(initial=0))]
    return clairvoyant(
        scenario.plant,
        run.trace.counts,
        run.trace.step_seconds,
        slo,
        minimum=min(*lows, int(run.billed.min(initial=scenario.servers.min))),
        maximum=max(*highs, *(each.max or 0 for each in scenario.policy.scheduled)),
        weight=weight,
    )


def percentiles(table: ResponseTable, flows: Flows) -> Percentiles:
    """Return the percentiles of all answered requests together; 0 where there was none."""
    tail = np.zeros_like(table.edges)
    calm = (flows.backlog_before <= 0) & (flows.backlog_after <= 0)
    low, part = table.place(flows.utilization[calm])
    answered = flows.judged[calm]
    size = len(table.grid)
    mass = np.bincount(low, answered * (1 - part), size) + np.bincount(low + 1, answered * part, size)
    tail += mass @ table.tail
    rough = np.flatnonzero(~calm)
    if len(rough):
        tail += _rough_tail(table, flows, ~calm)
    total = float(flows.judged.sum())
    if total <= 0:
        return Percentiles(0.0, 0.0, 0.0)
    tail /= total
    return Percentiles(*(quantile_of_tail(table.edges, tail, level) for level in (0.5, 0.95, 0.99)))


def _rough_tail(table: ResponseTable, flows: Flows, chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Floats:
    """Return how many requests of the steps with a backlog took longer than each edge."""
    before, after = delays(flows, chosen)
    busy = np.minimum(flows.utilization[chosen], MOST_UTILIZED)
    answered = flows.judged[chosen] / RAMP_POINTS
    tail = np.zeros_like(table.edges)
    for point in range(RAMP_POINTS):
        part = (point + 0.5) / RAMP_POINTS
        delay = before * (1 - part) + after * part
        for place, edge in enumerate(table.edges):
            tail[place] += float(np.dot(answered, table.share_above(busy, edge - delay)))
    return tail


def step_percentile(run: Run, level: float) -> Floats:
    """Return each step's response time at `level` in seconds, NaN where nothing arrived, for plots."""
    table, flows = table_of(run.scenario.plant), run.flows
    by_grid = np.array([quantile_of_tail(table.edges, row, level) for row in table.tail])
    everything = np.ones(len(flows.attempts), dtype=np.bool_)
    before, after = delays(flows, everything)
    seconds = np.interp(np.minimum(flows.utilization, MOST_UTILIZED), table.grid, by_grid) + np.maximum(before, after)
    return np.where((flows.attempts > 0) & (flows.rate > 0), seconds, np.nan)


def _silent(run: Run) -> tuple[str, ...]:
    policy = run.scenario.policy
    names = [*policy.step_policies()]
    names += [name for name, set_ in (("cpu", policy.cpu_percent), ("requests", policy.requests_per_target)) if set_]
    acted = {each.policy for each in run.decisions}
    return tuple(name for name in names if name not in acted)


def _limited(run: Run) -> int:
    plant = run.scenario.plant
    if plant.connections_limit is None:
        return 0
    return int((run.in_service * plant.connections_per_server > plant.connections_limit).sum())
