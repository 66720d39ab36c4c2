"""Redis or Valkey: a server alone, and a cluster of shards with replicas."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import redis

from scale.local.servers.binaries import find_binary
from scale.local.servers.ports import free_port
from scale.local.servers.process import Server, ServerError, wait_for

SLOTS = 16_384


class Redis(Server):
    """One server, in memory only."""

    def __init__(self, folder: Path, *, cluster: bool = False, port: int | None = None, password: str = "") -> None:
        super().__init__(folder, port)
        self._cluster = cluster
        self._bus = free_port() if cluster else 0
        self._password = password

    def command(self) -> list[str]:
        """In the foreground, without files."""
        options = ["--bind", self.host, "--port", str(self.port), "--dir", str(self.folder), "--save", ""]
        if self._password:
            options += ["--requirepass", self._password]
        if self._cluster:
            options += ["--cluster-enabled", "yes", "--cluster-port", str(self._bus), "--cluster-node-timeout", "2000"]
            options += ["--cluster-config-file", str(self.folder / "nodes.conf")]
            options += ["--cluster-require-full-coverage", "no", "--cluster-replica-validity-factor", "0"]
            # A replica is told of by CLUSTER SLOTS only once its offset has moved, which a ping does.
            options += ["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"]
        # With replicas, SIGTERM would wait 10 s for them.
        options += ["--shutdown-timeout", "0"]
        return [str(find_binary("redis-server")), *options]

    @property
    def bus(self) -> int:
        """The port of the cluster bus."""
        return self._bus

    def client(self) -> redis.Redis:
        """A client of this server."""
        return redis.Redis(self.host, self.port, password=self._password or None, socket_timeout=5)

    def ask(self, *command: str | int) -> Any:
        """The answer to one command."""
        with contextlib.closing(self.client()) as client:
            run: Callable[..., Any] = client.execute_command  # type: ignore[reportUnknownMemberType]
            return run(*command)

    def name(self) -> str:
        """Its name in a cluster."""
        found: bytes = self.ask("CLUSTER", "MYID")
        return found.decode()

    def ready(self) -> bool:
        """Whether it answers."""
        try:
            return bool(self.ask("PING"))
        except redis.RedisError:
            return False


class RedisCluster:
    """`shards` masters, each with `replicas`: the replicas of the first master, then those of the second, and so on."""

    def __init__(self, folder: Path, shards: int = 3, replicas: int = 1) -> None:
        self.masters = [Redis(folder / f"master-{i}", cluster=True) for i in range(shards)]
        self.replicas = [Redis(folder / f"replica-{i}", cluster=True) for i in range(shards * replicas)]
        self._each = replicas

    @property
    def servers(self) -> list[Redis]:
        """All servers."""
        return [*self.masters, *self.replicas]

    def start(self) -> Self:
        """Start all, and make them a cluster."""
        for server in self.servers:
            server.start()
        self.join()
        return self

    def join(self) -> None:
        """Make the servers, which run, a cluster."""
        share = SLOTS // len(self.masters)
        for index, master in enumerate(self.masters):
            last = SLOTS - 1 if master is self.masters[-1] else (index + 1) * share - 1
            master.ask("CLUSTER", "ADDSLOTSRANGE", index * share, last)
            # Masters must differ in their epochs, or the cluster takes seconds to settle on them.
            master.ask("CLUSTER", "SET-CONFIG-EPOCH", index + 1)
        first = self.servers[0]
        for server in self.servers[1:]:
            first.ask("CLUSTER", "MEET", server.host, server.port, server.bus)
        # Until two have shaken hands, they know each other by names made up for the time being.
        names = {server.name() for server in self.servers}
        wait_for(lambda: all(self._known(s) == names for s in self.servers), 20, "the servers did not meet")
        for index, replica in enumerate(self.replicas):
            replica.ask("CLUSTER", "REPLICATE", self.masters[index // self._each].name())
        wait_for(self._settled, 20, "the cluster did not settle")

    def _settled(self) -> bool:
        """Whether it is healthy. ServerError where it cannot become so: a server has ended."""
        for server in self.servers:
            if not server.running:
                raise ServerError(f"{server.folder.name} has ended: {server.log()}")
        return self.healthy()

    @staticmethod
    def _known(server: Redis) -> set[str]:
        """The names of the servers that one knows."""
        return {node["node_id"] for node in server.ask("CLUSTER NODES").values()}

    def healthy(self) -> bool:
        """Whether every server sees all slots served, and every master has its replicas."""
        try:
            for server in self.servers:
                state = server.ask("CLUSTER INFO")
                if state["cluster_state"] != "ok" or int(state["cluster_slots_ok"]) != SLOTS:
                    return False
            slots: list[list[object]] = self.masters[0].ask("CLUSTER", "SLOTS")
        except redis.RedisError:
            return False
        return len(slots) == len(self.masters) and all(len(slot) >= 3 + self._each for slot in slots)

    def stop(self) -> None:
        """End all."""
        for server in self.servers:
            server.stop()

    def __enter__(self) -> Self:
        """Start."""
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()
