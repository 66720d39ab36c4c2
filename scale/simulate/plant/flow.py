"""What one step of traffic does to a fleet: a fluid backlog above capacity, stationary queues below it.

Conservation holds in each step: attempts + backlog before = served + dropped + timed out + backlog after.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scale.simulate.plant.queue import MOST_UTILIZED, ResponseTable
from scale.simulate.plant.service import Floats, Plant

RAMP_POINTS = 8
"""Arrivals of a step with a backlog are judged at this many evenly spaced times."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Requests in one step (fractions are expected values) and what is left waiting after it."""

    served: float
    dropped: float
    timed_out: float
    backlog: float
    utilization: float


def flow(plant: Plant, servers: int, attempts: float, backlog: float, seconds: float) -> Flow:
    """Return the outcome of `attempts` arriving evenly over `seconds` at `servers` with `backlog` requests waiting.

    What waits is bounded twice: by the places in the servers' backlogs (beyond them requests are dropped), and by
    what can be served within the time-out (beyond it clients have gone).
    """
    rate = plant.rate(servers)
    able = rate * seconds
    demand = backlog + attempts
    if demand <= able:
        return Flow(demand, 0.0, 0.0, 0.0, demand / able if able else 0.0)
    waiting = demand - able
    places, patient = float(servers * plant.backlog), rate * plant.timeout_seconds
    kept = min(waiting, places, patient)
    lost = waiting - kept
    if patient < places:
        return Flow(able, 0.0, lost, kept, 1.0)
    return Flow(able, lost, 0.0, kept, 1.0 if able else 0.0)


@dataclass(frozen=True)
class Flows:
    """Steps as arrays of equal length: attempts and backlog before, and the outcome of each."""

    attempts: Floats
    backlog_before: Floats
    rate: Floats
    """Requests a second that the fleet could complete."""
    lost: Floats
    backlog_after: Floats
    utilization: Floats

    @property
    def judged(self) -> Floats:
        """The arrivals of each step that were not lost."""
        return np.maximum(self.attempts - self.lost, 0.0)


def flows_of(plant: Plant, rate: Floats, places: Floats, attempts: Floats, seconds: float, backlog: Floats) -> Flows:
    """Return `flow` for whole arrays: fleets of that `rate` with that many backlog `places`."""
    able = rate * seconds
    demand = backlog + attempts
    waiting = np.maximum(demand - able, 0.0)
    kept = np.minimum(np.minimum(waiting, places), rate * plant.timeout_seconds)
    busy = np.divide(np.minimum(demand, able), able, out=np.zeros_like(able), where=able > 0)
    return Flows(attempts, backlog, rate, waiting - kept, kept, busy)


def violations(table: ResponseTable, flows: Flows, slo_seconds: float) -> Floats:
    """Return for each step how many requests were lost or answered later than `slo_seconds`.

    It never falls with more attempts or a larger backlog, and never rises with more servers: the clairvoyant bound
    rests on that.
    """
    judged = flows.judged
    calm = (flows.backlog_before <= 0) & (flows.backlog_after <= 0)
    late = np.empty_like(judged)
    late[calm] = judged[calm] * table.share_above(flows.utilization[calm], np.full(int(calm.sum()), slo_seconds))
    rough = ~calm
    if rough.any():
        late[rough] = judged[rough] * _ramp_share(table, flows, rough, slo_seconds)
    return flows.lost + late


def _ramp_share(
    table: ResponseTable, flows: Flows, chosen: np.ndarray[tuple[int], np.dtype[np.bool_]], seconds: float
) -> Floats:
    before, after = delays(flows, chosen)
    busy = np.minimum(flows.utilization[chosen], MOST_UTILIZED)
    share = np.zeros_like(before)
    for point in range(RAMP_POINTS):
        part = (point + 0.5) / RAMP_POINTS
        share += table.share_above(busy, seconds - (before * (1 - part) + after * part))
    return share / RAMP_POINTS


def delays(flows: Flows, chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> tuple[Floats, Floats]:
    """Return the seconds that the backlog takes to serve, at the beginning and at the end of the chosen steps."""
    rate = flows.rate[chosen]
    safe = np.where(rate > 0, rate, 1.0)
    long = 1e9
    before = np.where(
        rate > 0, flows.backlog_before[chosen] / safe, np.where(flows.backlog_before[chosen] > 0, long, 0)
    )
    after = np.where(rate > 0, flows.backlog_after[chosen] / safe, 0.0)
    return before, after
