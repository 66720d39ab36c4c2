"""The queue in front of a server's threads: closed formulas, and tables of response times made from them.

Source: L. Kleinrock, "Queueing Systems" vol. 1 (1975), M/M/1 and M/M/c; A. O. Allen, "Probability, Statistics and
Queueing Theory" (1990), the Allen-Cunneen approximation for other distributions.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from scale.simulate.plant.service import Floats, Plant, ServiceTime

MOST_UTILIZED = 0.99
"""Where the stationary formulas end; what arrives beyond a fleet's capacity is counted as a fluid backlog."""


def erlang_c(servers: int, offered: float) -> float:
    """Return the probability that a request waits in M/M/c; `offered` is arrival rate x mean service time.

    Raises ValueError where the queue has no stationary state.
    """
    if not 0 <= offered < servers:
        raise ValueError(f"{offered} erlangs do not fit {servers} servers")
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = offered * blocked / (count + offered * blocked)
    return servers * blocked / (servers - offered * (1 - blocked))


def wait_mean(service: ServiceTime, concurrency: int, utilization: float, arrival_scv: float = 1.0) -> float:
    """Return the mean wait in seconds, exact for M/M/c, by Allen and Cunneen otherwise."""
    offered = utilization * concurrency
    waiting = erlang_c(concurrency, offered)
    drain = concurrency / service.mean_seconds * (1 - utilization)
    return waiting / drain * (arrival_scv + _scv(service)) / 2


def _scv(service: ServiceTime) -> float:
    if not service.quantiles:
        return service.scv
    values, weights = service.points()
    mean = float(np.dot(values, weights))
    return float(np.dot(values * values, weights)) / (mean * mean) - 1


class ResponseTable:
    """Response times of one server by its utilization: the share above any time, the mean, the quantiles.

    The response is a wait plus a service time. A request waits with Erlang's probability, and then for an exponential
    time with Allen and Cunneen's mean; both are exact for M/M/c.
    """

    def __init__(self, service: ServiceTime, concurrency: int, arrival_scv: float = 1.0) -> None:
        """Tabulate. `edges` are times in seconds, 4 % apart, to beyond the longest time-out that a load balancer has;
        `grid` are utilizations, finer towards the end."""
        self.grid: Floats = np.concatenate([np.linspace(0, 0.9, 37), np.linspace(0.905, MOST_UTILIZED, 35)])
        near = np.geomspace(service.mean_seconds / 100, 600.0, 360)
        self.edges: Floats = np.concatenate([[0.0], near, 600.0 * 1.04 ** np.arange(1, 60)])
        values, weights = service.points()
        rows = [self._tail(service, concurrency, float(rho), arrival_scv, values, weights) for rho in self.grid]
        self.tail: Floats = np.array(rows)
        self.mean: Floats = np.array(
            [wait_mean(service, concurrency, float(rho), arrival_scv) + service.mean_seconds for rho in self.grid]
        )

    def _tail(
        self, service: ServiceTime, concurrency: int, rho: float, arrival_scv: float, values: Floats, weights: Floats
    ) -> Floats:
        """Return P(response > edge) for each edge."""
        waits = erlang_c(concurrency, rho * concurrency)
        at_once = service.longer(self.edges)
        if waits == 0 or arrival_scv + _scv(service) == 0:
            return at_once
        mean = wait_mean(service, concurrency, rho, arrival_scv) / waits
        left = self.edges[:, None] - values[None, :]
        after_wait = np.where(left < 0, 1.0, np.exp(-np.maximum(left, 0) / mean)) @ weights
        return (1 - waits) * at_once + waits * np.asarray(after_wait, dtype=np.float64)

    def place(self, utilization: Floats) -> tuple[np.ndarray[tuple[int], np.dtype[np.intp]], Floats]:
        """Return for each utilization the grid point below it and how far it is to the next, 0 to 1."""
        bounded = np.clip(utilization, 0, MOST_UTILIZED)
        low = np.clip(np.searchsorted(self.grid, bounded, side="right") - 1, 0, len(self.grid) - 2)
        return low, (bounded - self.grid[low]) / (self.grid[low + 1] - self.grid[low])

    def share_above(self, utilization: Floats, seconds: Floats) -> Floats:
        """Return P(response > seconds), element by element; 1 for a time below 0."""
        low, part = self.place(utilization)
        place = np.clip(np.searchsorted(self.edges, seconds, side="right") - 1, 0, len(self.edges) - 2)
        across = np.clip((seconds - self.edges[place]) / (self.edges[place + 1] - self.edges[place]), 0, 1)
        first = self.tail[low, place] * (1 - across) + self.tail[low, place + 1] * across
        second = self.tail[low + 1, place] * (1 - across) + self.tail[low + 1, place + 1] * across
        return np.where(seconds < 0, 1.0, first * (1 - part) + second * part)

    def means(self, utilization: Floats) -> Floats:
        """Return the mean response in seconds for each utilization."""
        return np.interp(np.clip(utilization, 0, MOST_UTILIZED), self.grid, self.mean)

    def quantile(self, utilization: float, level: float) -> float:
        """Return the time in seconds that a share `level` of the responses does not exceed."""
        low, part = self.place(np.array([utilization]))
        tail = self.tail[low[0]] * (1 - part[0]) + self.tail[low[0] + 1] * part[0]
        return quantile_of_tail(self.edges, tail, level)


def quantile_of_tail(edges: Floats, tail: Floats, level: float) -> float:
    """Return the time at which a descending tail passes 1 - level, between its edges by a straight line."""
    above = 1 - level
    place = int(np.searchsorted(-tail, -above, side="left"))
    if place == 0:
        return float(edges[0])
    if place >= len(edges):
        return math.inf
    high, low = float(tail[place - 1]), float(tail[place])
    part = (high - above) / (high - low) if high > low else 1.0
    return float(edges[place - 1] + part * (edges[place] - edges[place - 1]))


@functools.lru_cache(maxsize=32)
def table_for(service: ServiceTime, concurrency: int, arrival_scv: float) -> ResponseTable:
    """Return the table, made once for equal arguments."""
    return ResponseTable(service, concurrency, arrival_scv)


def table_of(plant: Plant) -> ResponseTable:
    """Return the response table of one of the plant's servers."""
    return table_for(plant.service, plant.concurrency, plant.arrival_scv)
