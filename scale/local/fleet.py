"""The application servers behind the balancer: added, taken out, replaced one by one."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

from scale.local.application import Application
from scale.local.project import Project
from scale.local.servers.process import Guard, ServerError, wait_for

State = Literal["starting", "in service", "draining"]
START_SECONDS = 90.0
"""Longer than a slow, busy machine takes to start a large project."""


class Balancer(Protocol):
    """What balances: started with the first servers, told of others while it runs."""

    def update(self, servers: Sequence[Application]) -> None:
        """Send requests to these servers and no others, without losing one."""
        ...


@dataclass
class Member:
    """An application server, what it does now, and since when (monotonic seconds)."""

    server: Application
    state: State
    since: float


class Fleet:
    """Application servers that are alike. Its methods may be called from several threads; changes happen in turn."""

    def __init__(
        self,
        folder: Path,
        project: Project,
        variables: Mapping[str, str],
        *,
        health_path: str,
        draining_seconds: float,
        guard: Guard,
    ) -> None:
        self._folder, self._project, self._variables = folder, project, dict(variables)
        self._health_path, self._draining, self._guard = health_path, draining_seconds, guard
        self._balancer: Balancer | None = None
        self._members: dict[str, Member] = {}
        self._last = 0
        self.deploying = False
        """Whether servers are being replaced: there is one more than there should be now and then."""
        self._changes = threading.RLock()
        self._table = threading.Lock()

    @property
    def members(self) -> list[Member]:
        """The servers, the oldest first."""
        with self._table:
            return list(self._members.values())

    @property
    def serving(self) -> list[Application]:
        """Those that take requests."""
        return [member.server for member in self.members if member.state == "in service"]

    def attach(self, balancer: Balancer) -> None:
        """From now on tell `balancer` of every change."""
        with self._changes:
            self._balancer = balancer

    def new(self) -> Application:
        """Return a server that is in the table as starting, to be given to `bring_in`."""
        with self._table:
            self._last += 1
            server = Application(
                self._folder / f"web-{self._last}",
                self._project,
                self._variables,
                graceful_seconds=max(1, round(self._draining)),
            )
            server.guard = self._guard
            self._members[server.name] = Member(server, "starting", time.monotonic())
        return server

    def bring_in(self, server: Application) -> None:
        """Start a server, wait until it is healthy, and send it requests. ServerError where it does not become so."""
        try:
            server.start(START_SECONDS)
            wait_for(
                lambda: self._healthy(server),
                START_SECONDS,
                f"{server.name} does not answer 200 at {self._health_path}",
                server.log,
            )
        except ServerError:
            self._end(server)
            raise
        with self._changes:
            self._set(server, "in service")
            self._tell()

    def _healthy(self, server: Application) -> bool:
        if not server.running:
            raise ServerError(f"{server.name} has ended: {server.log()}")
        return server.status(self._health_path, 5.0) == 200

    def add(self) -> Application:
        """Start one more server."""
        server = self.new()
        self.bring_in(server)
        return server

    def take_out(self, server: Application) -> None:
        """Send it no more requests."""
        with self._changes:
            self._set(server, "draining")
            self._tell()

    def drain(self, server: Application) -> None:
        """Let a server that was taken out finish the requests that it has, and end it."""
        deadline = time.monotonic() + self._draining
        while connections(server.port) and time.monotonic() < deadline:
            time.sleep(0.1)
        self._end(server)

    def remove(self, server: Application) -> None:
        """Take it out, let it finish, end it."""
        self.take_out(server)
        self.drain(server)

    def deploy(self, variables: Mapping[str, str] | None = None) -> None:
        """Replace every server by a new one, one by one: the new one serves before the old one drains.

        The new ones read the project's code anew. `variables` are further ones from now on. Raises ServerError where a
        new one does not become healthy; those that it would have replaced go on.
        """
        before = self._variables
        self._variables = {**before, **(variables or {})}
        self.deploying = True
        try:
            for old in self.serving:
                self.add()
                self.remove(old)
        except ServerError:
            self._variables = before
            raise
        finally:
            self.deploying = False

    def stop(self) -> None:
        """End all at once."""
        in_parallel([partial(self._end, member.server) for member in self.members])

    def _tell(self) -> None:
        if self._balancer is not None and self.serving:
            self._balancer.update(self.serving)

    def _set(self, server: Application, state: State) -> None:
        with self._table:
            self._members[server.name] = Member(server, state, time.monotonic())

    def _end(self, server: Application) -> None:
        server.stop()
        with self._table:
            self._members.pop(server.name, None)


def in_parallel(calls: Sequence[Callable[[], object]]) -> None:
    """Make all calls at the same time, and wait for them."""
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


_ESTABLISHED = "01"


def connections(port: int) -> int:
    """Return how many connections to a port of 127.0.0.1 are open (proc(5), /proc/net/tcp)."""
    local = f"0100007F:{port:04X}"
    count = 0
    with contextlib.suppress(OSError):
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            count += fields[1] == local and fields[3] == _ESTABLISHED
    return count
