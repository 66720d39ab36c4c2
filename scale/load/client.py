"""Sends requests at their intended times and measures each from that time, whatever became of those before it.

A client that waits for an answer before it sends the next request does not send while a server stalls, and so does not
measure what its users wait: coordinated omission. Here each request is a task of its own. Where a limit of connections
makes one wait, the wait is part of its latency.
"""

from __future__ import annotations

import asyncio
import errno
import random
import re
import signal
import threading
import time
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from scale.load.arrivals import Arrivals

_RANGE = re.compile(r"\{(\d+)-(\d+)\}")
# RFC 9110, sections 5.1 and 5.5.
_FIELD_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_WEIGHTED = re.compile(r"(?:(?P<weight>\d+(?:\.\d+)?):)?(?P<path>/\S*)")


class TargetError(ValueError):
    """A target that cannot be asked; the text says what is wrong."""


@dataclass(frozen=True)
class Path:
    """A path with its query. `{1-200}` in it is a number drawn anew for each request."""

    text: str
    weight: float = 1.0

    @classmethod
    def parse(cls, text: str) -> Path:
        """Return the path in `/path` or `WEIGHT:/path`. Raises TargetError for another text."""
        match = _WEIGHTED.fullmatch(text)
        if match is None or (match["weight"] and float(match["weight"]) == 0):
            raise TargetError(f"--path: {text!r} is not a path such as /articles/ or 3:/articles/{{1-200}}/")
        for first, last in _RANGE.findall(match["path"]):
            if int(first) > int(last):
                raise TargetError(f"--path: {{{first}-{last}}} in {text!r} holds no number")
        return cls(match["path"], float(match["weight"] or 1))

    def drawn(self, source: random.Random) -> str:
        """Return the path of one request."""
        return _RANGE.sub(lambda match: str(source.randint(int(match[1]), int(match[2]))), self.text)


@dataclass(frozen=True)
class Target:
    """Whom to ask, and how. `timeout_seconds` counts from the intended time.

    `connections` may be open at once. `clients` above 1 are told apart by X-Forwarded-For, which a balancer believes
    where it trusts the address that the requests come from.
    """

    url: str
    paths: Sequence[Path] = (Path("/"),)
    timeout_seconds: float = 30.0
    connections: int = 1000
    clients: int = 1
    headers: Mapping[str, str] = field(default_factory=lambda: dict[str, str]())
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no URL, and what HTTP knows as no header."""
        try:
            parts = urlsplit(self.url)
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            parts, good = urlsplit(""), False
        if not good:
            raise TargetError(f"{self.url!r} is not a URL such as http://127.0.0.1:8000")
        if parts.path not in ("", "/") or parts.query:
            raise TargetError(f"{self.url!r} has a path of its own; paths are given by --path")
        for name, value in self.headers.items():
            if not _FIELD_NAME.fullmatch(name) or _CONTROL.search(value):
                raise TargetError(f"--header: {f'{name}: {value}'!r} cannot be sent")

    def requests(self) -> Iterator[tuple[URL, dict[str, str]]]:
        """Yield URLs and headers without end."""
        source = random.Random(self.seed)  # noqa: S311 - a load's, to be repeated
        base = URL(self.url).origin()
        weights = [path.weight for path in self.paths]
        while True:
            path = source.choices(self.paths, weights)[0]
            headers = dict(self.headers)
            if self.clients > 1:
                number = source.randrange(self.clients)
                headers["X-Forwarded-For"] = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
            yield base.join(URL(path.drawn(source), encoded=True)), headers


@dataclass(frozen=True)
class Failure:
    """A request without a good answer: when it was meant to arrive (seconds), what was wrong, and what was asked."""

    at: float
    kind: str
    path: str
    seconds: float


@dataclass
class Measured:
    """What was measured, in seconds. Latencies are of all requests that were answered, with whatever status."""

    latencies: array[float] = field(default_factory=lambda: array("d"))
    """From the intended arrival to the last byte."""
    services: array[float] = field(default_factory=lambda: array("d"))
    """From the sending, on a free connection, to the last byte: what a client that waits its turn would report."""
    late: array[float] = field(default_factory=lambda: array("d"))
    """How much later than intended the generator came to each request: its own fault, not the server's."""
    failures: list[Failure] = field(default_factory=lambda: list[Failure]())
    sent: int = 0
    answered: int = 0
    cut_off: int = 0
    """Requests under way when it was interrupted."""
    seconds: float = 0.0
    """From the first intended arrival to the end of sending."""
    intended: int = 0
    """Requests that were to be sent by then."""
    interrupted: bool = False
    processor_seconds: float = 0.0
    """The generator's own."""


def drive(target: Target, arrivals: Arrivals, progress: Callable[[Measured], None] | None = None) -> Measured:
    """Send what `arrivals` say and return what was measured. SIGINT and SIGTERM end it early, with what there is.

    `progress` is called once a second.
    """
    run = _Run(target, arrivals, progress)
    began = time.process_time()
    asyncio.run(run.all())
    run.measured.processor_seconds = time.process_time() - began
    return run.measured


class _Run:
    def __init__(self, target: Target, arrivals: Arrivals, progress: Callable[[Measured], None] | None) -> None:
        self.target, self.arrivals, self.progress = target, arrivals, progress
        self.measured = Measured()
        self.tasks: set[asyncio.Task[None]] = set()
        self.connections = asyncio.Semaphore(target.connections)

    async def all(self) -> None:
        """Send, then wait for the answers."""
        loop = asyncio.get_running_loop()
        work = asyncio.create_task(self._work())
        handled = _on_signals(loop, work.cancel)
        reporter = asyncio.create_task(self._report()) if self.progress else None
        try:
            await work
        except asyncio.CancelledError:
            self.measured.interrupted = True
        finally:
            if reporter is not None:
                reporter.cancel()
            for number in handled:
                loop.remove_signal_handler(number)

    async def _report(self) -> None:
        while self.progress is not None:
            await asyncio.sleep(1)
            self.progress(self.measured)

    async def _work(self) -> None:
        # Who waits for a connection waits for one of `connections`, so that the time of sending is known.
        connector = aiohttp.TCPConnector(limit=0)
        # The whole of a request has its own time-out, from its intended time.
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=None)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            try:
                await self._send(session)
                await asyncio.gather(*self.tasks)
            finally:
                self.measured.cut_off = len(self.tasks)
                for task in self.tasks:
                    task.cancel()
                await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _send(self, session: aiohttp.ClientSession) -> None:
        loop, measured, arrivals = asyncio.get_running_loop(), self.measured, self.arrivals
        began = loop.time()
        try:
            for at, (url, headers) in zip(arrivals.times(), self.target.requests(), strict=False):
                # Even where it is behind: answers must be read all the same.
                await asyncio.sleep(max(0.0, began + at - loop.time()))
                measured.sent += 1
                task = asyncio.create_task(self._one(session, url, headers, began + at, at))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)
            await asyncio.sleep(max(0.0, began + arrivals.seconds - loop.time()))
        finally:
            measured.seconds = loop.time() - began
            measured.intended = _count_until(arrivals, min(measured.seconds, arrivals.seconds))

    async def _one(
        self, session: aiohttp.ClientSession, url: URL, headers: dict[str, str], intended: float, at: float
    ) -> None:
        loop, measured = asyncio.get_running_loop(), self.measured
        measured.late.append(loop.time() - intended)
        try:
            async with asyncio.timeout_at(intended + self.target.timeout_seconds), self.connections:
                sent = loop.time()
                async with session.get(url, headers=headers, allow_redirects=False) as response:
                    await response.read()
        except (TimeoutError, OSError, aiohttp.ClientError) as error:
            measured.failures.append(Failure(at, kind_of(error), url.raw_path_qs, loop.time() - intended))
            return
        now = loop.time()
        measured.answered += 1
        measured.latencies.append(now - intended)
        measured.services.append(now - sent)
        if response.status >= 400:
            measured.failures.append(Failure(at, f"status {response.status}", url.raw_path_qs, now - intended))


def kind_of(error: BaseException) -> str:
    """Return what an error means to the user of a service: timeout, refused, reset, or another's name."""
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "no address"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "refused" if error.os_error.errno == errno.ECONNREFUSED else "no connection"
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientPayloadError | OSError):
        return "reset"
    return type(error).__name__


def _on_signals(loop: asyncio.AbstractEventLoop, stop: Callable[[], object]) -> list[signal.Signals]:
    """Let SIGINT and SIGTERM call `stop`; nothing outside the main thread, where Python forbids it."""
    if threading.current_thread() is not threading.main_thread():
        return []
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    return [signal.SIGINT, signal.SIGTERM]


def _count_until(arrivals: Arrivals, seconds: float) -> int:
    count = 0
    for at in arrivals.times():
        if at > seconds:
            break
        count += 1
    return count
