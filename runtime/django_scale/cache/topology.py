"""Which server holds a key: Redis Cluster's slots, or consistent hashing over independent servers."""

from __future__ import annotations

import hashlib
import threading
import time
from bisect import bisect
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from redis.crc import key_slot
from redis.exceptions import RedisError

from django_scale.cache.nodes import Node, UnavailableError

SLOTS = 16_384
# Points of a server on the ring: at 160 the shares of 3 servers differ by some percent (as in libketama).
POINTS = 160
REFRESH_SECONDS = 1.0
# Servers that one refresh asks: a request waits for it, and each may be silent for a time-out.
ASKED = 2

MakeNode = Callable[[str, int], Node]


class Topology(Protocol):
    """Finds the server of a key."""

    def node_for(self, key: bytes) -> Node:
        """The server that holds `key`; UnavailableError when none is known."""
        ...

    def nodes(self) -> list[Node]:
        """All servers that hold keys."""
        ...

    def moved(self, key: bytes, address: str) -> Node:
        """A server has said that the slot of `key` has moved to `address`."""
        ...

    def lost(self) -> None:
        """A server does not answer: another may hold its keys by now."""
        ...


class Ring:
    """Consistent hashing: adding or removing one of n servers moves one nth of the keys."""

    def __init__(self, addresses: Iterable[tuple[str, int]], make: MakeNode) -> None:
        self._nodes = [make(host, port) for host, port in addresses]
        points = sorted((_point(f"{node}#{i}".encode()), node) for node in self._nodes for i in range(POINTS))
        self._points = [point for point, _ in points]
        self._owners = [node for _, node in points]

    def node_for(self, key: bytes) -> Node:
        """The owner of the first point at or after the key's."""
        return self._owners[bisect(self._points, _point(key)) % len(self._owners)]

    def nodes(self) -> list[Node]:
        """The servers."""
        return self._nodes

    def moved(self, key: bytes, address: str) -> Node:
        """A server in cluster mode was configured as an independent one."""
        raise UnavailableError(f"CACHE_MODE is shards, but the servers are a cluster (MOVED to {address})")

    def lost(self) -> None:
        """Nothing: a key has one server."""


def _point(data: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest())


class Cluster:
    """The slots of a Redis or Valkey Cluster, read from any of its servers, and again when they move."""

    def __init__(self, seeds: Iterable[tuple[str, int]], make: MakeNode) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._nodes: dict[tuple[str, int], Node] = {}
        self._seeds = [self._node(host, port) for host, port in seeds]
        self._slots: list[Node | None] = [None] * SLOTS
        self._masters: list[Node] = []
        self._read_at = -REFRESH_SECONDS
        self._turn = -1

    def _node(self, host: str, port: int) -> Node:
        address = (host, port)
        if address not in self._nodes:
            self._nodes[address] = self._make(host, port)
        return self._nodes[address]

    def node_for(self, key: bytes) -> Node:
        """The master of the key's slot."""
        node = self._slots[key_slot(key)]
        if node is None:
            self.refresh()
            node = self._slots[key_slot(key)]
        if node is None:
            raise UnavailableError("no server of the cluster tells its slots")
        return node

    def nodes(self) -> list[Node]:
        """The masters."""
        if not self._masters:
            self.refresh()
        return self._masters

    def moved(self, key: bytes, address: str) -> Node:
        """The new master of the slot; the rest of the map is read anew."""
        host, _, port = address.rpartition(":")
        with self._lock:
            node = self._node(host or self._seeds[0].host, int(port))
            self._slots[key_slot(key)] = node
        self.refresh()
        return node

    def lost(self) -> None:
        """Read the map again: a replica may have been promoted."""
        self.refresh()

    def refresh(self) -> None:
        """Read the map from the first server that answers; at most once a second, by one thread."""
        if not self._lock.acquire(blocking=not self._masters):
            return
        try:
            if time.monotonic() - self._read_at < REFRESH_SECONDS:
                return
            self._read_at = time.monotonic()
            asked = 0
            self._turn += 1
            known = list(self._nodes.values())
            # Another server first each time, or two silent ones could keep the others from being asked.
            for node in known[self._turn % len(known) :] + known[: self._turn % len(known)]:
                if asked >= ASKED or not node.available:
                    continue
                asked += 1
                if self._read(node):
                    return
        finally:
            self._lock.release()

    def _read(self, node: Node) -> bool:
        try:
            answer: Any = node.roundtrip([("CLUSTER", "SLOTS")])[0]
        except RedisError:
            return False
        if isinstance(answer, Exception):
            node.failed(answer)
            return False
        slots: list[Node | None] = [None] * SLOTS
        masters: dict[Node, None] = {}
        for first, last, master, *replicas in answer:
            owner = self._node(_host(master[0]) or node.host, int(master[1]))
            masters[owner] = None
            slots[first : last + 1] = [owner] * (last + 1 - first)
            for replica in replicas:
                # Known only to be asked for the map when masters are gone.
                self._node(_host(replica[0]) or node.host, int(replica[1]))
        self._slots, self._masters = slots, list(masters)
        return bool(masters)


def _host(raw: bytes | None) -> str:
    return raw.decode() if raw else ""
