"""Warm pools: servers started ahead of need.

Source: Amazon EC2 Auto Scaling user guide, "Warm pools": the pool's size is the most prepared capacity less the
desired capacity, and never below its minimum; with reuse, a scale-in returns servers to the pool.
"""

from __future__ import annotations

from dataclasses import dataclass

from model.servers import WarmPool


@dataclass(frozen=True)
class PoolPlan:
    """What to do with the pool: servers to start into it, or to terminate from it."""

    start: int
    terminate: int


def size(pool: WarmPool, *, desired: int, maximum: int) -> int:
    """Return how many servers the pool should hold. By default as many as are missing to the group's maximum."""
    prepared = maximum if pool.max_prepared is None else pool.max_prepared
    return max(pool.min_size, prepared - desired, 0)


def plan(pool: WarmPool, *, held: int, preparing: int, desired: int, maximum: int) -> PoolPlan:
    """Return what brings the pool to its size. Servers that are still being prepared count as held."""
    wanted = size(pool, desired=desired, maximum=maximum)
    missing = wanted - held - preparing
    return PoolPlan(start=max(0, missing), terminate=min(held, max(0, -missing)))


def taken(*, wanted: int, held: int) -> tuple[int, int]:
    """Return how many of `wanted` new servers come from the pool and how many are started cold."""
    warm = min(wanted, held)
    return warm, wanted - warm
