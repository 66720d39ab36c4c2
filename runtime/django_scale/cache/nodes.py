"""One Redis or Valkey server: a pool of connections, a circuit breaker, whole batches in one round trip."""

from __future__ import annotations

import random
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

from redis.backoff import NoBackoff
from redis.connection import Connection, SSLConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError, TimeoutError
from redis.retry import Retry

Command = tuple[bytes | str | int | float, ...]
# Enough for a shard's outage of a minute at 150 deletes a second and process.
MAX_OWED = 10_000
# Younger connections are used without a look at their socket: a server that has just answered has not closed it.
TRUSTED_SECONDS = 1.0


class Wire(Protocol):
    """What is used of redis-py's Connection, whose own annotations are partial."""

    def connect(self) -> None: ...
    def disconnect(self) -> None: ...
    def send_command(self, *arguments: object) -> None: ...
    def pack_commands(self, commands: Sequence[Command]) -> list[bytes]: ...
    def send_packed_command(self, command: list[bytes], check_health: bool = True) -> None: ...
    def read_response(self) -> Any: ...
    def can_read(self, timeout: float = 0) -> bool: ...


class UnavailableError(RedisError):
    """The server did not answer, or has not lately and is being left alone."""


def connection_factory(
    *, username: str, password: str, tls: bool, timeout: float, **more: Any
) -> Callable[[str, int], Wire]:
    """How to connect to any server of a store; `timeout` in seconds, for connecting and for each answer."""

    def connect(host: str, port: int) -> Wire:
        kind: type[Connection] = SSLConnection if tls else Connection
        made: object = kind(
            host=host,
            port=port,
            username=username or None,
            password=password or None,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            socket_keepalive=True,
            # The breaker decides about trying again: a retry here would make a page wait twice.
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            **more,
        )
        return cast("Wire", made)

    return connect


def _spoken(connection: Wire) -> bool:
    """True when an idle connection has something to read: the end of the stream, or an answer to nothing."""
    try:
        return bool(connection.can_read(0))
    except (RedisError, OSError):
        return True


class Node:
    """A server. After a failure it is left alone for `cooldown` seconds, doubling up to 30; then one caller tries
    it."""

    MAX_COOLDOWN = 30.0

    def __init__(self, host: str, port: int, connect: Callable[[str, int], Wire], cooldown: float) -> None:
        self.host, self.port = host, port
        self._connect = connect
        self._cooldown = cooldown
        self._idle: deque[tuple[Wire, float]] = deque()
        self._lock = threading.Lock()
        self._failures = 0
        self._down_until = 0.0
        self._owed: OrderedDict[bytes, None] = OrderedDict()

    def __repr__(self) -> str:
        """host:port."""
        return f"{self.host}:{self.port}"

    @property
    def available(self) -> bool:
        """False while the server is left alone."""
        return not self._failures or time.monotonic() >= self._down_until

    def open(self) -> Wire:
        """A new connection, of the caller's own."""
        connection = self._connect(self.host, self.port)
        connection.connect()
        return connection

    def send(self, commands: Sequence[Command]) -> Wire:
        """Send a batch; the answers are to be taken with `receive`. UnavailableError when the server is, or is left
        alone."""
        self._admit()
        connection = self._take()
        if connection is None:
            return self._send_new(commands)
        try:
            connection.send_packed_command(connection.pack_commands(commands), check_health=False)
        except (RedisError, OSError):
            connection.disconnect()
            self._idle.clear()
            return self._send_new(commands)
        return connection

    def _take(self) -> Wire | None:
        while True:
            try:
                connection, since = self._idle.pop()
            except IndexError:
                return None
            if time.monotonic() - since < TRUSTED_SECONDS or not _spoken(connection):
                return connection
            connection.disconnect()

    def _send_new(self, commands: Sequence[Command]) -> Wire:
        try:
            connection = self.open()
            connection.send_packed_command(connection.pack_commands(commands), check_health=False)
        except (RedisError, OSError) as error:
            raise self.failed(error) from error
        return connection

    def receive(self, connection: Wire, number: int) -> list[Any]:
        """The answers of a batch; an error of a single command is its answer. UnavailableError when they do not
        come."""
        answers: list[Any] = []
        try:
            for _ in range(number):
                try:
                    answers.append(connection.read_response())
                except ResponseError as error:
                    answers.append(error)
        except (RedisError, OSError) as error:
            connection.disconnect()
            raise self.failed(error) from error
        except BaseException:
            # An answer that nobody waits for any more would be the next caller's.
            connection.disconnect()
            raise
        if self._failures:
            self._recovered()
        self._idle.append((connection, time.monotonic()))
        return answers

    def roundtrip(self, commands: Sequence[Command]) -> list[Any]:
        """Send a batch and take its answers; tried again once when the server had closed an idle connection."""
        fresh = not self._idle
        try:
            return self.receive(self.send(commands), len(commands))
        except UnavailableError as error:
            if (
                fresh
                or not isinstance(error.__cause__, RedisConnectionError)
                or isinstance(error.__cause__, TimeoutError)
            ):
                raise
            self._forgive()
            return self.receive(self.send(commands), len(commands))

    def owe_delete(self, key: bytes) -> None:
        """A delete that did not reach the server: made good before it is used again, or it would serve the old
        value."""
        with self._lock:
            self._owed[key] = None
            while len(self._owed) > MAX_OWED:
                self._owed.popitem(last=False)

    def _admit(self) -> None:
        if not self._failures:
            return
        with self._lock:
            now = time.monotonic()
            if now < self._down_until:
                raise UnavailableError(f"{self} is left alone")
            # Half-open: this caller tries, the others go on without the server meanwhile.
            self._down_until = now + self._cooldown
        self._settle()

    def _settle(self) -> None:
        with self._lock:
            owed = list(self._owed)
        if not owed:
            return
        try:
            connection = self.open()
            connection.send_packed_command(connection.pack_commands([("UNLINK", key) for key in owed]))
            for _ in owed:
                try:
                    connection.read_response()
                except ResponseError:
                    # The slot has moved: its new server has never seen the old value or is asked by MOVED.
                    continue
            connection.disconnect()
        except (RedisError, OSError) as error:
            raise self.failed(error) from error
        with self._lock:
            for key in owed:
                self._owed.pop(key, None)

    def failed(self, error: BaseException) -> UnavailableError:
        """Leave the server alone for a while; gives the exception to raise."""
        with self._lock:
            self._failures += 1
            seconds = min(self._cooldown * 2 ** min(self._failures - 1, 10), self.MAX_COOLDOWN)
            self._down_until = time.monotonic() + seconds * random.uniform(0.8, 1.2)  # noqa: S311
            self._idle.clear()
        return UnavailableError(f"{self}: {error}")

    def _forgive(self) -> None:
        with self._lock:
            self._failures, self._down_until = 0, 0.0

    _recovered = _forgive
