"""Node provisioning under an HPA: as many nodes as the pods need, after a start-up time; empty ones go.

Source: Karpenter's documentation, "Scheduling" (a node is started for pods that cannot be scheduled) and "Disruption"
(consolidateAfter for empty nodes). All nodes are of one type here, and pods of one size, so that packing is a division.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass


class FitError(ValueError):
    """A pod that fits no node."""


@dataclass(frozen=True)
class NodeType:
    """What of a node pods may use: cores, bytes, and the number of pods (addresses)."""

    cores: float
    memory: float
    most_pods: int
    start_seconds: float = 60.0
    """From the request to a ready node (estimate)."""
    consolidate_after_seconds: float = 30.0

    def holds(self, cpu: float, memory: float) -> int:
        """Return how many pods of that request fit. Raises FitError for a pod that fits no node."""
        by_cpu = self.cores / cpu if cpu > 0 else math.inf
        by_memory = self.memory / memory if memory > 0 else math.inf
        count = min(math.floor(min(by_cpu, by_memory, self.most_pods) + 1e-9), self.most_pods)
        if count < 1:
            raise FitError(f"a pod of {cpu:g} cores and {memory:g} bytes fits no such node")
        return count


class NodePool:
    """Nodes that follow a number of pods."""

    def __init__(self, kind: NodeType, *, pod_cpu: float, pod_memory: float, nodes: int, most_nodes: int) -> None:
        """Begin with `nodes` ready ones, never more than `most_nodes`."""
        self._kind = kind
        self.each = kind.holds(pod_cpu, pod_memory)
        self.ready = nodes
        self.starting: list[float] = []
        self._most = most_nodes
        self._idle_since: float | None = None
        self._highest = 0

    @property
    def nodes(self) -> int:
        """Nodes that are paid for."""
        return self.ready + len(self.starting)

    def room(self) -> int:
        """Return how many pods the ready nodes hold."""
        return self.ready * self.each

    def follow(self, now: float, pods: int) -> None:
        """Start nodes for pods that have no place, and let those go that were not needed for a while."""
        while self.starting and self.starting[0] <= now:
            heapq.heappop(self.starting)
            self.ready += 1
        needed = -(-pods // self.each)
        for _ in range(max(0, min(needed, self._most) - self.nodes)):
            heapq.heappush(self.starting, now + self._kind.start_seconds)
        if needed >= self.ready:
            self._idle_since = None
            return
        if self._idle_since is None:
            self._idle_since, self._highest = now, needed
        self._highest = max(self._highest, needed)
        if now - self._idle_since >= self._kind.consolidate_after_seconds:
            self.ready, self._idle_since = self._highest, None
