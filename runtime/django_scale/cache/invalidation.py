"""Tells the other processes what was written, over pub/sub; L1 is bypassed whenever that cannot be heard."""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from collections.abc import Sequence
from typing import Any

from redis.exceptions import RedisError

from django_scale.cache.client import ShardedClient
from django_scale.cache.local import LocalLevel
from django_scale.cache.nodes import Command, Node, Wire

logger = logging.getLogger("django_scale.cache")

# A subscription that answers no ping for this long is lost; the longest that a frozen server leaves L1 stale.
PING_SECONDS = 1.0
LOST_SECONDS = 2.0
RECONNECT_SECONDS = 0.5
RECONNECT_MAX_SECONDS = 5.0


class Invalidation:
    """The subscriptions of one cache of this process. Delivery is at most once, so a lost one clears L1."""

    def __init__(self, client: ShardedClient, l1: LocalLevel, channel: str) -> None:
        self._client, self._l1 = client, l1
        self._channel = channel
        self._origin = secrets.token_hex(8)
        self._lock = threading.Lock()
        self._listeners: list[_Listener] = []
        self._started = False
        self._until = 0.0
        self.stopped = threading.Event()

    @property
    def heard(self) -> bool:
        """True while every subscription is alive: only then may L1 be believed."""
        if not self._started:
            self._start()
        return time.monotonic() < self._until

    def message(self, keys: Sequence[str] | None) -> Command:
        """The command that tells of written keys; None for all."""
        return ("PUBLISH", self._channel, json.dumps([self._origin, keys]))

    def _start(self) -> None:
        with self._lock:
            if self._started:
                return
            # A cluster passes a message on to all of its servers, independent servers do not.
            targets: list[Node | None] = [None] if self._client.clustered else list(self._client.topology.nodes())
            self._listeners = [_Listener(self, target) for target in targets]
            for listener in self._listeners:
                listener.start()
            self._started = True

    def take(self, payload: bytes) -> None:
        """Apply a message. Those of this process are not: its writers have told L1 themselves."""
        origin, keys = json.loads(payload)
        if origin == self._origin:
            return
        if keys is None:
            self._l1.clear()
            return
        for key in keys:
            self._l1.invalidate(key)

    def nodes(self) -> list[Node]:
        """The servers to subscribe at, the ones that answer first."""
        return sorted(self._client.topology.nodes(), key=lambda node: not node.available)

    def subscribe(self, node: Node) -> Wire:
        """A subscribed connection."""
        connection = node.open()
        connection.send_command("SUBSCRIBE", self._channel)
        connection.read_response()
        return connection

    def stop(self) -> None:
        """End the listeners, within half a second; L1 is not believed any more."""
        self.stopped.set()
        self._until = 0.0

    def renew(self) -> None:
        """A listener has heard something: until when all of them may be believed."""
        heard = min((listener.heard_at for listener in self._listeners), default=0.0)
        self._until = 0.0 if self.stopped.is_set() else heard + LOST_SECONDS

    def silent(self) -> None:
        """A subscription is lost: what L1 holds may have been written since."""
        self.renew()
        self._l1.clear()


class _Listener(threading.Thread):
    """Listens at one server; at any server of a cluster when `node` is None."""

    def __init__(self, owner: Invalidation, node: Node | None) -> None:
        super().__init__(name="django-scale-invalidation", daemon=True)
        self._owner, self._node = owner, node
        self.heard_at = -LOST_SECONDS
        self._turn = 0

    def run(self) -> None:
        pause = RECONNECT_SECONDS
        while not self._owner.stopped.is_set():
            try:
                connection = self._owner.subscribe(self._next())
            except (RedisError, OSError, IndexError) as error:
                logger.debug("no subscription: %s", error)
                self._owner.stopped.wait(pause)
                pause = min(2 * pause, RECONNECT_MAX_SECONDS)
                continue
            pause = RECONNECT_SECONDS
            # Before the first message is believed: what L1 took while nobody listened may be old.
            self._owner.silent()
            try:
                self._listen(connection)
            except (RedisError, OSError) as error:
                logger.warning("subscription lost, L1 is bypassed: %s", error)
            self.heard_at = -LOST_SECONDS
            self._owner.silent()
            connection.disconnect()

    def _next(self) -> Node:
        if self._node is not None:
            return self._node
        nodes = self._owner.nodes()
        self._turn += 1
        return nodes[self._turn % len(nodes)]

    def _listen(self, connection: Wire) -> None:
        self._hear()
        pinged = 0.0
        while not self._owner.stopped.is_set():
            now = time.monotonic()
            if now - self.heard_at >= LOST_SECONDS:
                raise RedisError("no answer to a ping")
            if now - pinged >= PING_SECONDS:
                connection.send_command("PING")
                pinged = now
            if not connection.can_read(PING_SECONDS / 2):
                continue
            answer: Any = connection.read_response()
            self._hear()
            if answer[0] == b"message":
                self._owner.take(answer[2])

    def _hear(self) -> None:
        self.heard_at = time.monotonic()
        self._owner.renew()
