"""Starts real servers on loopback: PostgreSQL with replicas, PgBouncer, Redis alone and as a cluster.

Every process is a child of this one, is asked to end when its context manager ends, and is killed by the kernel should
this process die first.
"""

from __future__ import annotations

from tests.servers.binaries import MissingBinaryError, find_binary
from tests.servers.pgbouncer import PgBouncer
from tests.servers.postgresql import PostgreSQL, Primary, Replica
from tests.servers.process import Server, free_port
from tests.servers.redis import Redis, RedisCluster

__all__ = [
    "MissingBinaryError",
    "PgBouncer",
    "PostgreSQL",
    "Primary",
    "Redis",
    "RedisCluster",
    "Replica",
    "Server",
    "find_binary",
    "free_port",
]
