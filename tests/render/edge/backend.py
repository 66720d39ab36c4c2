"""A server of the application for tests: it writes down what it is asked, and misbehaves when it is told to."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from scale.local.servers import free_port


@dataclass(frozen=True)
class Request:
    """A request as it arrived. Names of fields are in lower case; `connection` numbers the connections from 1."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    connection: int
    at: float
    names: tuple[str, ...] = ()


@dataclass
class _Seen:
    requests: list[Request] = field(default_factory=list[Request])
    connections: int = 0
    open: int = 0
    answered: int = 0
    at_once: int = 0
    most_at_once: int = 0


class Backend:
    """An HTTP/1.1 server on a free port of loopback, in a thread of its own.

    What it answers is in the request's query: `status=500`, `seconds=0.5` (after that time), `size=4096` (of body),
    `type=text/css`, `header=Name:value`; `echo=1` answers what it saw as JSON. `/close` is never answered: the
    connection is closed once the whole request has been read. With `broken` set that is so for every path but those of
    health checks; with `ill` set these are answered 503. `/wait` is answered once `held` is no longer set.
    """

    def __init__(self, name: str, port: int | None = None) -> None:
        self.name = name
        self.port = port or free_port()
        self.broken = False
        self.ill = False
        self.held = False
        self._seen = _Seen()
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._transports: set[asyncio.WriteTransport] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)

    @property
    def address(self) -> str:
        """host:port."""
        return f"127.0.0.1:{self.port}"

    @property
    def requests(self) -> list[Request]:
        """What it was asked so far; health checks are not among it."""
        return [request for request in self._seen.requests if not request.target.startswith("/health/")]

    @property
    def checks(self) -> list[Request]:
        """The health checks."""
        return [request for request in self._seen.requests if request.target.startswith("/health/")]

    @property
    def connections(self) -> int:
        """How many connections were made to it."""
        return self._seen.connections

    @property
    def open_connections(self) -> int:
        """How many are open now."""
        return self._seen.open

    @property
    def answered(self) -> int:
        """How many answers it has handed over in full."""
        return self._seen.answered

    @property
    def at_once(self) -> int:
        """How many requests it has now."""
        return self._seen.at_once

    @property
    def most_at_once(self) -> int:
        """The most requests that it had at the same time."""
        return self._seen.most_at_once

    def forget(self) -> None:
        """Forget what it was asked."""
        self._seen = _Seen(open=self._seen.open)

    def start(self) -> Self:
        """Listen."""
        if not self._thread.is_alive():
            self._thread.start()
        self._run(self._listen())
        return self

    def refuse(self) -> None:
        """Listen no more, and end all connections: a server that is dead."""
        self._run(self._close())

    def stop(self) -> None:
        """End."""
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop."""
        self.stop()

    def _run(self, work: object) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)  # pyright: ignore[reportArgumentType, reportUnknownMemberType]

    async def _listen(self) -> None:
        def protocol() -> asyncio.StreamReaderProtocol:
            return _Protocol(asyncio.StreamReader(limit=1 << 20), self._serve, self._transports)

        self._server = await self._loop.create_server(protocol, "127.0.0.1", self.port, backlog=1024)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self._abort()
        # Others are asyncio's own, which accept a connection: cancelled before it begins, one would leave it open.
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in self._serving:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self._abort()
        while self._transports:
            await asyncio.sleep(0)

    def _abort(self) -> None:
        for transport in self._transports:
            transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if self._server is None or task is None:
            writer.transport.abort()
            return
        self._serving.add(task)
        self._seen.connections += 1
        self._seen.open += 1
        number = self._seen.connections
        try:
            while (request := await _read(reader, number)) is not None:
                seen = self._seen
                seen.requests.append(request)
                seen.at_once += 1
                seen.most_at_once = max(seen.most_at_once, seen.at_once)
                try:
                    goes_on = await self._answer(request, writer)
                finally:
                    seen.at_once -= 1
                if not goes_on:
                    break
                seen.answered += 1
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._seen.open -= 1
            self._serving.discard(task)
            writer.transport.abort() if writer.transport.is_closing() else writer.close()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        parts = urlsplit(request.target)
        asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
        check = parts.path.startswith("/health/")
        if parts.path == "/close" or (self.broken and not check):
            return False
        if "seconds" in asked:
            await asyncio.sleep(float(asked["seconds"]))
        while self.held and parts.path == "/wait":
            await asyncio.sleep(0.01)
        body = b"x" * int(asked["size"]) if "size" in asked else self.name.encode()
        if "echo" in asked:
            body = json.dumps({"server": self.name, "headers": dict(request.headers)}).encode()
        head = [
            f"HTTP/1.1 {asked.get('status', '503' if check and self.ill else '200')} Answer",
            f"Content-Length: {len(body)}",
            f"X-Server: {self.name}",
        ]
        head.append(f"Content-Type: {asked.get('type', 'text/plain')}")
        if "header" in asked:
            head.append(asked["header"])
        writer.write("\r\n".join([*head, "", ""]).encode() + (b"" if request.method == "HEAD" else body))
        await writer.drain()
        return request.headers.get("connection", "").lower() != "close"


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class _Protocol(asyncio.StreamReaderProtocol):
    """Keeps its transport where it is found until it is closed: one whose client has gone has no other owner."""

    def __init__(self, reader: asyncio.StreamReader, serve: Serve, transports: set[asyncio.WriteTransport]) -> None:
        super().__init__(reader, serve)
        self._transports = transports

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._own = transport
        self._transports.add(transport)
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._transports.discard(self._own)


async def _read(reader: asyncio.StreamReader, connection: int) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    headers = {name.lower(): value for name, value in pairs}
    body = await _body(reader, headers)
    return Request(method, target, headers, body, connection, time.monotonic(), tuple(name for name, _ in pairs))


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0)))
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return body
