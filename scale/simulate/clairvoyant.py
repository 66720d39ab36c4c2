"""The schedule of one who knows the traffic: the least that any policy could have cost."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from scale.simulate.plant.flow import flows_of, violations
from scale.simulate.plant.queue import table_of
from scale.simulate.plant.service import Floats, Plant
from scale.simulate.slo import Slo

VIOLATION_HOURS = 0.001
"""What one violating request weighs against running servers: a thousand of them one instance hour (a choice)."""


@dataclass(frozen=True)
class Schedule:
    """Servers in each step, and what they cost in instance hours with violations weighed in."""

    servers: Floats
    instance_hours: float
    violating: float
    objective: float


def clairvoyant(
    plant: Plant, arrivals: Floats, step_seconds: float, slo: Slo, *, minimum: int, maximum: int, weight: float
) -> Schedule:
    """Return for each step the count within the bounds that costs least: hours + weight x violating requests.

    Each step begins without a backlog. As violations never fall with a backlog or a retried request, the sum of the
    steps' least costs is a lower bound for every policy within these bounds, whatever it knows.
    """
    table = table_of(plant)
    recorded = ~np.isnan(arrivals)
    counts = arrivals[recorded]
    nothing = np.zeros_like(counts)
    best = np.full(len(counts), math.inf)
    servers = np.full(len(arrivals), float(minimum))
    chosen = np.full(len(counts), float(minimum))
    late = np.zeros(len(counts))
    for count in range(minimum, maximum + 1):
        rate = np.full(len(counts), plant.rate(count))
        flows = flows_of(plant, rate, np.full(len(counts), float(count * plant.backlog)), counts, step_seconds, nothing)
        violating = violations(table, flows, slo.seconds)
        cost = count * step_seconds / 3600 + weight * violating
        better = cost < best
        best[better], chosen[better], late[better] = cost[better], count, violating[better]
    servers[recorded] = chosen
    hours = float(servers.sum()) * step_seconds / 3600
    return Schedule(servers, hours, float(late.sum()), hours + weight * float(late.sum()))


def demand(plant: Plant, arrivals: Floats, step_seconds: float, slo: Slo) -> Floats:
    """Return the fewest servers, at least 1, that meet the objective in each step; NaN in a gap.

    The database's limit is left out: it is no want of servers. Raises SloError for an objective that none meets.
    """
    able = slo.utilization(table_of(plant)) * plant.rate_per_server * step_seconds
    return np.maximum(np.ceil(np.round(arrivals / able, 9)), 1.0)
