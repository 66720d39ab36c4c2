"""Commands to many servers: grouped by server, all sent before any answer is waited for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from redis.exceptions import AskError, MovedError, NoScriptError, ResponseError

from django_scale.cache.nodes import Command, Node, UnavailableError, connection_factory
from django_scale.cache.topology import Cluster, Ring, Topology


def _address(error: MovedError | AskError) -> str:
    details: Any = error
    return f"{details.host}:{details.port}"


class Script:
    """A Lua script, sent whole only to a server that does not have it yet."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class StoreOptions:
    """How to reach a store. `timeout` and `cooldown` in seconds: for an answer, and to leave a dead server alone."""

    addresses: tuple[tuple[str, int], ...]
    mode: str = "cluster"
    username: str = ""
    password: str = ""
    tls: bool = False
    timeout: float = 0.5
    cooldown: float = 1.0


class ShardedClient:
    """A store of several servers."""

    def __init__(self, options: StoreOptions) -> None:
        connect = connection_factory(
            username=options.username, password=options.password, tls=options.tls, timeout=options.timeout
        )

        def make(host: str, port: int) -> Node:
            return Node(host, port, connect, options.cooldown)

        kind = Cluster if options.mode == "cluster" else Ring
        self.topology: Topology = kind(options.addresses, make)
        self.clustered = options.mode == "cluster"

    def call(self, key: bytes, *command: bytes | str | int | float) -> Any:
        """The answer to one command on `key`. UnavailableError when its server is; ResponseError when it refuses."""
        return self.batch(key, [command])[0]

    def batch(self, key: bytes, commands: Sequence[Command]) -> list[Any]:
        """The answers to commands on one key's server, in one round trip; the first answer's error is raised."""
        node = self.topology.node_for(key)
        try:
            answers = node.roundtrip(commands)
            error = answers[0]
            if isinstance(error, MovedError):
                answers = self.topology.moved(key, _address(error)).roundtrip(commands)
            elif isinstance(error, AskError):
                answers = self._asked(error, node).roundtrip([("ASKING",), *commands])[1:]
        except UnavailableError:
            self.topology.lost()
            raise
        if isinstance(answers[0], Exception):
            raise answers[0]
        return answers

    def _asked(self, error: AskError, node: Node) -> Node:
        host, _, port = _address(error).rpartition(":")
        known = [n for n in self.topology.nodes() if n.port == int(port) and n.host in {host, node.host}]
        if not known:
            raise UnavailableError(f"slot is moving to {host}:{port}, not known yet")
        return known[0]

    def script(self, key: bytes, script: Script, *arguments: bytes | str | int | float) -> Any:
        """The answer of a script on one key."""
        try:
            return self.call(key, "EVALSHA", script.sha, 1, key, *arguments)
        except NoScriptError:
            return self.call(key, "EVAL", script.source, 1, key, *arguments)

    def group(self, keys: Sequence[bytes]) -> dict[Node, list[bytes]]:
        """The keys by server; those whose server is unknown are left out."""
        groups: dict[Node, list[bytes]] = {}
        for key in keys:
            try:
                groups.setdefault(self.topology.node_for(key), []).append(key)
            except UnavailableError:
                continue
        return groups

    def scatter(self, batches: dict[Node, list[Command]]) -> Iterator[tuple[Node, list[Any] | None]]:
        """Send every batch, then take the answers of each server; None for a server that is unavailable."""
        sent: list[tuple[Node, Any, int]] = []
        failed: list[Node] = []
        for node, commands in batches.items():
            try:
                sent.append((node, node.send(commands), len(commands)))
            except UnavailableError:
                failed.append(node)
        for index, (node, connection, number) in enumerate(sent):
            try:
                answers = node.receive(connection, number)
            except UnavailableError:
                failed.append(node)
                continue
            except BaseException:
                for _, unread, _ in sent[index + 1 :]:
                    unread.disconnect()
                raise
            yield node, answers
        for node in failed:
            yield node, None
        if failed:
            self.topology.lost()

    def get_many(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """The values that exist, in one round trip a server; those on an unavailable server are left out."""
        groups = self.group(keys)
        if self.clustered:
            # MGET takes keys of one slot only.
            batches: dict[Node, list[Command]] = {n: [("GET", key) for key in group] for n, group in groups.items()}
        else:
            batches = {node: [("MGET", *group)] for node, group in groups.items()}
        found: dict[bytes, bytes] = {}
        for node, answers in self.scatter(batches):
            if answers is None:
                continue
            values = answers if self.clustered else answers[0]
            if isinstance(values, Exception):
                raise values
            for key, value in zip(groups[node], values, strict=True):
                if isinstance(value, bytes):
                    found[key] = value
                elif isinstance(value, ResponseError):
                    self._retry_get(key, found)
        return found

    def _retry_get(self, key: bytes, found: dict[bytes, bytes]) -> None:
        """One by one: the slot has moved."""
        try:
            value = self.call(key, "GET", key)
        except UnavailableError:
            return
        if value is not None:
            found[key] = value

    def size(self) -> int:
        """Number of keys of all servers. UnavailableError when one does not answer: a part is not the whole."""
        total = 0
        for node in self.topology.nodes():
            total += int(node.roundtrip([("DBSIZE",)])[0])
        return total
