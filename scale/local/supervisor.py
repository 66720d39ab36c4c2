"""Starts again what has ended, and what is alive but answers nothing: systemd's part here, and Auto Scaling's."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime

from scale.local.servers import Redis, Server
from scale.local.servers.process import ServerError
from scale.local.system import System

CHECK_SECONDS = 2.0
"""Between two checks of a server. The cloud's checks are slower: nobody waits for them there."""

FAILOVER_SECONDS = 8.0
"""A cache server that has ended is started again after this time: its replica must have taken its slots, or it
would come back empty and make its replica so. The clusters' node time-out is 2 s."""


@dataclass(frozen=True)
class Event:
    """Something that happened, at a time of day."""

    at: datetime
    text: str


@dataclass
class _Watched:
    server: Server
    depends: bool = False
    """Whether it waits for others: an application server."""
    failures: int = 0
    check: Future[bool] | None = None
    checked: float = 0.0
    since: float = 0.0
    ended: float | None = None
    restart: Future[Server] | None = None


@dataclass
class Supervisor:
    """Watches a system's servers from a thread of its own, until it is stopped.

    A server is ended and started again when its process is gone, or when it has not answered `unhealthy` checks in a
    row, each of `timeout_seconds`. What a server depends on is no part of its check, but an application server whose
    threads all wait for such a part answers no check either, nor does one that has another's requests too: its failures
    do not count while a part is ill or another application server is started again.
    """

    system: System
    unhealthy: int = 3
    timeout_seconds: float = 5.0
    check_seconds: float = CHECK_SECONDS
    events: deque[Event] = field(default_factory=lambda: deque[Event](maxlen=200))
    restarts: int = 0
    _watched: dict[int, _Watched] = field(default_factory=lambda: dict[int, _Watched]())
    _stopped: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to watch."""
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer. A restart that is under way goes on: the system ends what it has started."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def say(self, text: str) -> None:
        """Note an event."""
        self.events.append(Event(datetime.now().astimezone(), text))

    def _run(self) -> None:
        while not self._stopped.wait(0.2):
            current = {id(server): (server, depends) for server, depends in self._servers()}
            self._watched = {
                key: self._watched.get(key) or _Watched(server, depends, checked=time.monotonic())
                for key, (server, depends) in current.items()
            }
            for watched in self._watched.values():
                self._look(watched)

    def _servers(self) -> Iterator[tuple[Server, bool]]:
        for server in self.system.fixed():
            yield server, False
        for member in self.system.fleet.members:
            if member.state == "in service":
                yield member.server, True

    def _is_excused(self, watched: _Watched) -> bool:
        others = (other for other in self._watched.values() if other is not watched)
        return watched.depends and any(
            other.restart is not None or other.ended is not None or (other.failures > 0 and not other.depends)
            for other in others
        )

    def _look(self, watched: _Watched) -> None:
        server, now = watched.server, time.monotonic()
        if watched.restart is not None:
            self._take_restart(watched)
        elif not server.running:
            watched.ended = watched.ended or now
            if now - watched.ended >= (FAILOVER_SECONDS if isinstance(server, Redis) else 0):
                self._restart(watched, "has ended")
        elif watched.check is not None:
            self._take_check(watched, now)
        elif now - watched.checked >= self.check_seconds:
            watched.check, watched.checked = self.system.threads.submit(server.alive), now

    def _take_check(self, watched: _Watched, now: float) -> None:
        check = watched.check
        if check is None or (not check.done() and now - watched.checked < self.timeout_seconds):
            return
        healthy = check.done() and check.exception() is None and check.result()
        if healthy:
            watched.failures = 0
        elif not self._is_excused(watched):
            watched.failures += 1
        watched.check, watched.checked = None, now
        if watched.failures >= self.unhealthy:
            self._restart(watched, f"has not answered {watched.failures} checks")

    def _restart(self, watched: _Watched, why: str) -> None:
        self.say(f"{watched.server.folder.name} {why}; it is started again")
        self.restarts += 1
        watched.failures, watched.check, watched.ended = 0, None, None

        def again() -> Server:
            watched.server.kill()
            return watched.server.start(60.0)

        watched.restart = self.system.threads.submit(again)

    def _take_restart(self, watched: _Watched) -> None:
        restart = watched.restart
        if restart is None or not restart.done():
            return
        error = restart.exception()
        watched.restart, watched.checked = None, time.monotonic()
        if isinstance(error, ServerError):
            self.say(f"{watched.server.folder.name} does not start: {str(error).splitlines()[0]}")
            # Tried again in a moment, as whatever is not running is.
            watched.ended = time.monotonic()
        elif error is not None:
            raise error
        else:
            self.say(f"{watched.server.folder.name} serves again")
