"""The fleet's servers: started, booting, warming up, in service, draining."""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from dataclasses import dataclass

from model.servers import WarmPool
from scale.simulate.controllers import warm_pool
from scale.simulate.plant.service import Plant


@dataclass(frozen=True)
class Times:
    """How long a server boots: lognormal with this mean (seconds) and squared coefficient of variation."""

    mean: float
    scv: float

    def draw(self, source: random.Random) -> float:
        """Return one boot time."""
        if self.mean <= 0 or self.scv <= 0:
            return max(0.0, self.mean)
        spread = math.sqrt(math.log1p(self.scv))
        return source.lognormvariate(math.log(self.mean) - spread * spread / 2, spread)


class Servers:
    """Counts of servers by state. Times are seconds; a step's end is the grain of time."""

    def __init__(
        self, plant: Plant, *, count: int, warmup_seconds: float, seed: int, pool: WarmPool | None = None, step: float
    ) -> None:
        """Begin with `count` servers that have warmed up."""
        self.warmed = count
        self.warming: deque[float] = deque()
        self.starting: list[float] = []
        self.draining: deque[float] = deque()
        self.pool = pool
        self.pooled = 0
        self.preparing: list[float] = []
        self._cold = Times(plant.boot_seconds, plant.boot_scv)
        self._warm = Times(plant.warm_start_seconds, plant.boot_scv)
        self._drain = plant.drain_seconds
        self._warmup = warmup_seconds
        self._random = random.Random(seed)  # noqa: S311 - a simulation's, to be repeated
        self._step = step
        self.last_scale_in = -math.inf

    @property
    def in_service(self) -> int:
        """Servers that take requests."""
        return self.warmed + len(self.warming)

    @property
    def billed(self) -> int:
        """Servers that are paid for: a pool's count where they run, not where they are stopped or hibernated."""
        waiting = self.pooled if self.pool is not None and self.pool.state == "running" else 0
        return self.in_service + len(self.starting) + len(self.draining) + len(self.preparing) + waiting

    def advance(self, now: float) -> None:
        """Let pass what has ended by `now`. A server in service in half of a step or more is so in all of it."""
        while self.starting and self.starting[0] <= now + self._step / 2:
            ready = heapq.heappop(self.starting)
            self.warming.append(max(ready, now - self._step / 2) + self._warmup)
        while self.warming and self.warming[0] <= now:
            self.warming.popleft()
            self.warmed += 1
        while self.draining and self.draining[0] <= now:
            self.draining.popleft()
        while self.preparing and self.preparing[0] <= now:
            heapq.heappop(self.preparing)
            self.pooled += 1

    def scale_to(self, desired: int, now: float, maximum: int) -> None:
        """Start or terminate servers until `desired` are in service or on their way."""
        have = self.in_service + len(self.starting)
        if desired > have:
            self.start(desired - have, now)
        elif desired < have:
            self._terminate(have - desired, now)
        self.tend_pool(desired, now, maximum)

    def start(self, count: int, now: float) -> None:
        """Start servers, out of the warm pool as far as it reaches."""
        warm, cold = warm_pool.taken(wanted=count, held=self.pooled)
        self.pooled -= warm
        for times, number in ((self._warm, warm), (self._cold, cold)):
            for _ in range(number):
                heapq.heappush(self.starting, now + times.draw(self._random))

    def _terminate(self, count: int, now: float) -> None:
        for _ in range(count):
            if self.starting:
                # The one that has waited the least: it is the last to be of use.
                self.starting.remove(max(self.starting))
                heapq.heapify(self.starting)
                continue
            if self.warming:
                self.warming.pop()
            else:
                self.warmed -= 1
            if self.pool is not None and self.pool.reuse:
                self.pooled += 1
            self.draining.append(now + self._drain)
        self.last_scale_in = now

    def tend_pool(self, desired: int, now: float, maximum: int) -> None:
        """Bring the warm pool to its size."""
        if self.pool is None:
            return
        todo = warm_pool.plan(
            self.pool, held=self.pooled, preparing=len(self.preparing), desired=desired, maximum=maximum
        )
        self.pooled -= todo.terminate
        for _ in range(todo.start):
            heapq.heappush(self.preparing, now + self._cold.draw(self._random))

    def recycle(self, count: int, now: float) -> None:
        """Take `count` servers out of service for a refresh, without changing what is desired."""
        for _ in range(min(count, self.warmed)):
            self.warmed -= 1
            self.draining.append(now + self._drain)
