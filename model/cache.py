"""The caches: shards for the application's data, and a group for sessions that never evicts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from model.fields import Count, Days, NodeType, Percent, Problem, Section

Engine = Literal["valkey", "redis"]
# ElastiCache guide, "Engine versions and upgrading".
_VERSIONS: dict[Engine, tuple[str, ...]] = {
    "valkey": ("7.2", "8.0", "8.1", "8.2", "9.0"),
    "redis": ("7.0", "7.1"),
}

# The quota of nodes in a cluster that an account begins with (ElastiCache guide, "Quotas").
_MOST_NODES = 90


class CacheGroup(Section):
    """An ElastiCache replication group."""

    node_type: NodeType = "cache.t4g.small"
    """The type of every node."""

    shards: Count = Field(default=1, ge=1, le=500)
    """Shards: the keys are divided among them."""

    replicas: Count = Field(default=1, ge=0, le=5)
    """Replicas of each shard. With none, a node that fails takes its keys along."""

    snapshot_days: Days = Field(default=0, ge=0, le=35)
    """How long daily snapshots are kept; 0 takes none."""

    memory_alarm_percent: Percent = Field(default=90, ge=1, le=100)
    """Memory in use above which a node is in alarm."""

    cpu_alarm_percent: Percent = Field(default=80, ge=1, le=100)
    """Processor utilization of the engine's thread above which a node is in alarm."""

    evictions_alarm: Count = Field(default=1000, ge=0, le=10_000_000)
    """Keys evicted in five minutes above which a node is in alarm."""

    def problems(self) -> Iterator[Problem]:
        """Yield what CreateReplicationGroup would refuse."""
        if self.nodes > _MOST_NODES:
            yield Problem(
                "shards",
                f"must give at most {_MOST_NODES} nodes with their replicas, is {self.shards} ({self.nodes} nodes)",
            )
        if ".r6gd." in self.node_type:
            # CreateReplicationGroup, DataTieringEnabled: r6gd nodes demand it, and memory in use then says nothing.
            yield Problem("node_type", f"must not tier data to disks, as r6gd nodes do, is {self.node_type!r}")

    @property
    def nodes(self) -> int:
        """Nodes of all shards."""
        return self.shards * (1 + self.replicas)


class SessionGroup(CacheGroup):
    """The group for sessions: never evicts, one shard by default."""

    evictions_alarm: Count = Field(default=0, ge=0, le=10_000_000)
    """Keys evicted in five minutes above which a node is in alarm. Sessions are never evicted, so any is too many."""

    memory_alarm_percent: Percent = Field(default=75, ge=1, le=100)
    """Memory in use above which a node is in alarm; full, it refuses new sessions."""


class Cache(Section):
    """Valkey or Redis for what servers share."""

    engine: Engine = "valkey"
    """The engine of both groups."""

    engine_version: str = "8.0"
    """Its version: valkey 7.2, 8.0, 8.1, 8.2, 9.0; redis 7.0, 7.1."""

    data: CacheGroup | None = CacheGroup()
    """The application's cache; evicts the least recently used key when full. `null` leaves each server its own."""

    sessions: SessionGroup | None = SessionGroup()
    """The sessions' group. `null` keeps sessions in the database."""

    def problems(self) -> Iterator[Problem]:
        """Yield a version that the engine does not have."""
        versions = _VERSIONS[self.engine]
        if self.engine_version not in versions:
            yield Problem(
                "engine_version", f"must be one of {', '.join(versions)} for {self.engine}, is {self.engine_version!r}"
            )
