"""Starts real servers on loopback: PostgreSQL with replicas, PgBouncer, Redis alone and as a cluster, nginx, HAProxy.

Every process is a child of this one, is asked to end when its context manager ends, and is killed by the kernel should
this process die first.
"""

from __future__ import annotations

from scale.local.servers.binaries import MissingBinaryError, find_binary
from scale.local.servers.haproxy import Haproxy
from scale.local.servers.nginx import Nginx
from scale.local.servers.pgbouncer import PgBouncer
from scale.local.servers.ports import free_port
from scale.local.servers.postgresql import PostgreSQL, Primary, Replica
from scale.local.servers.process import Server
from scale.local.servers.redis import Redis, RedisCluster

__all__ = [
    "Haproxy",
    "MissingBinaryError",
    "Nginx",
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
