"""What may happen to a system under load, one fault after another, and which requests fail of it.

The load only reads: a request that may have had an effect is never sent again by a balancer, and one that a killed
server had begun fails with it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import psycopg

from scale.load.client import Measured, Path, Target, drive
from scale.local.servers import Server
from scale.local.servers.process import ServerError, wait_for
from scale.local.system import Shape, System

CLIENTS = 1000
"""Enough that no limit of a client's refuses a request."""

BEFORE_SECONDS, AFTER_SECONDS = 0.5, 1.0
"""The load before the fault, and after all is well again."""

RECOVERY_SECONDS = 120.0

_EACH = 4
_AT_ONCE = 1000.0
"""Requests for each thread of a server as the system settles, and a rate at which they are all due at once."""


@dataclass(frozen=True)
class Fault:
    """Something that happens to a system. `reason` is why requests may fail of it; None where none may."""

    name: str
    strike: Callable[[], object]
    reason: str | None = None


@dataclass(frozen=True)
class Row:
    """What a fault did: requests sent and failed, by kind; the longest wait and the time until all was well, in s."""

    fault: Fault
    sent: int
    failed: Mapping[str, int]
    longest: float
    recovery: float

    @property
    def failures(self) -> int:
        """How many requests failed."""
        return sum(self.failed.values())

    @property
    def unexpected(self) -> bool:
        """Whether requests failed for no stated reason."""
        return self.failures > 0 and self.fault.reason is None


@dataclass
class Ongoing:
    """Even arrivals at `rate` a second until `end` is called."""

    rate: float
    seconds: float = float("inf")
    _began: float = field(default_factory=time.monotonic)

    @property
    def expected(self) -> float:
        """The mean number of requests."""
        return self.rate * self.seconds

    def end(self) -> None:
        """Let nothing more arrive."""
        self.seconds = time.monotonic() - self._began

    def times(self) -> Iterator[float]:
        """Yield the times; the same ones at each call."""
        place = 0
        while (at := place / self.rate) < self.seconds:
            yield at
            place += 1


def faults_of(system: System) -> list[Fault]:
    """Return the faults that a system can have."""

    def first() -> Server:
        return system.fleet.serving[0]

    found = [
        Fault("kill an application server", lambda: first().kill()),
        Fault("freeze an application server", lambda: first().freeze(), _frozen_server(system.shape)),
    ]
    if system.replicas:
        found += _both("a replica", system.replicas[0], _CONNECTIONS)
    if system.cache is not None:
        found += _both("a cache shard", system.cache.masters[0])
    if system.pooler is not None:
        found += _both("PgBouncer", system.pooler, _POOLER)
    return [*found, Fault("reload the balancer", system.balance), Fault("deploy, server by server", system.deploy)]


def _both(what: str, server: Server, reason: str | None = None) -> list[Fault]:
    return [Fault(f"kill {what}", server.kill, reason), Fault(f"freeze {what}", server.freeze, reason)]


_CONNECTIONS = (
    "Each open connection to it may fail once: Django does not send a query again whose answer it has not had. The "
    "reads after it go to the other instances."
)
_POOLER = (
    "Each open connection to it may fail once, and while it is away requests that need the database wait, then fail. "
    "Here one serves all servers; in the cloud each has its own, and its health check takes it out."
)


def _frozen_server(shape: Shape) -> str | None:
    """Return why requests fail that a frozen server has: HAProxy asks another whenever the connection ends."""
    if shape.balancer == "haproxy":
        return None
    seconds = shape.settings.traffic.retries.seconds
    return (
        "It holds the requests that it has until the health checks have found it and it is killed. nginx asks another "
        f"server for traffic.retries.seconds ({seconds} s) only; what waited longer is answered 502."
    )


def settle(system: System, paths: Sequence[Path]) -> Measured:
    """Let the servers answer a few requests at a time, until most threads of each have had some.

    A thread's first request connects, imports and compiles: a busy machine falls behind a load that begins then.
    """
    shape = system.shape
    count = _EACH * shape.servers * shape.workers * shape.settings.application.threads
    arrivals = Ongoing(_AT_ONCE, count / _AT_ONCE)
    return drive(Target(system.url, paths, clients=CLIENTS, connections=shape.servers), arrivals)


def run(system: System, fault: Fault, *, rate: float, paths: Sequence[Path]) -> Row:
    """Let a fault happen under a load of `rate` requests a second. ServerError where the system does not recover.

    What fails as the system settles afterwards, on connections that had not been used since, is the fault's too.
    """
    arrivals = Ongoing(rate)
    load: Future[Measured] = system.threads.submit(drive, Target(system.url, paths, clients=CLIENTS), arrivals)
    try:
        time.sleep(BEFORE_SECONDS)
        struck = time.monotonic()
        fault.strike()
        wait_for(lambda: well(system), RECOVERY_SECONDS, f"{fault.name}: the system has not recovered")
        recovery = time.monotonic() - struck
        time.sleep(AFTER_SECONDS)
    finally:
        arrivals.end()
    measured = load.result()
    # The next one begins with a balancer that has nothing against any server.
    system.balance()
    settled = settle(system, paths)
    kinds = Counter(failure.kind for failure in [*measured.failures, *settled.failures])
    waits = [*measured.latencies, *(failure.seconds for failure in measured.failures)]
    return Row(fault, measured.sent + settled.sent, dict(kinds.most_common()), max(waits, default=0.0), recovery)


def well(system: System) -> bool:
    """Return whether every server runs and answers, the replicas stream and the clusters serve all their slots.

    ServerError where the system is ending.
    """
    if system.ending:
        raise ServerError("the system is ending")
    members = system.fleet.members
    path = system.shape.settings.traffic.health_check.path
    return (
        all(server.running and server.alive() for server in system.fixed())
        and all(each.state == "in service" and each.server.status(path, 2.0) == 200 for each in members)
        and _streaming(system)
        and all(each.healthy() for each in (system.cache, system.sessions) if each is not None)
    )


def _streaming(system: System) -> bool:
    try:
        streaming = system.primary.value("SELECT count(*)::int FROM pg_stat_replication WHERE state = 'streaming'")
    except psycopg.Error:
        return False
    return streaming == len(system.replicas)


_HEAD = ("fault", "requests", "failed", "longest wait", "all well after")
_WIDTHS = (30, 10, 8, 14, 16)


def head() -> str:
    """Return the table's first line."""
    return _cells(*_HEAD)


def line(row: Row, number: int | None) -> str:
    """Return a row as a line; `number` is the one of the reason for its failures."""
    failed = ", ".join(f"{count} {kind}" for kind, count in row.failed.items())
    note = f"  {failed}{f' ({number})' if number is not None else ': no reason is known'}" if failed else ""
    cells = _cells(row.fault.name, str(row.sent), str(row.failures), f"{row.longest:.1f} s", f"{row.recovery:.1f} s")
    return f"{cells}{note}"


def _cells(name: str, *figures: str) -> str:
    first, *rest = _WIDTHS
    return name.ljust(first) + "".join(text.rjust(width) for text, width in zip(figures, rest, strict=True))
