"""The stack's own scaling policy, on what the system measures: the controllers of `scale simulate`, driven live."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from scale.local.application import Application
from scale.local.fleet import Member
from scale.local.observer import Observer
from scale.local.servers.process import ServerError
from scale.local.supervisor import Supervisor
from scale.local.system import System
from scale.simulate.controllers.group import CPU, REQUESTS, Decision, Group, GroupState
from scale.simulate.controllers.scheduled import Bounds

LATE_MINUTES = 1
"""A minute's values are seen a minute after it has ended, as in `scale simulate` (plant.metric_delay_seconds)."""


@dataclass(frozen=True)
class Clock:
    """A simulated minute takes `minute_seconds` here. Rates stay real: a minute's requests are of 60 real seconds."""

    minute_seconds: float = 60.0

    def simulated(self, seconds: float) -> float:
        """Return real seconds in simulated ones."""
        return seconds * 60 / self.minute_seconds


@dataclass(frozen=True)
class Move:
    """A decision, at a time of day."""

    at: datetime
    decision: Decision


class Scaler:
    """Decides once a simulated minute and sees to it that the fleet has the desired number of servers.

    `processors` is what counts as a server's whole processor, in cores: servers here share one machine.
    """

    def __init__(
        self, system: System, observer: Observer, supervisor: Supervisor, *, clock: Clock, bounds: Bounds, cores: float
    ) -> None:
        policy = system.shape.settings.scaling
        self.system, self._observer, self._supervisor = system, observer, supervisor
        self._clock, self.bounds, self._cores = clock, bounds, cores
        self._warmup = float(policy.warmup_seconds)
        self.group = Group(policy)
        self._measured: deque[dict[str, float | None]] = deque(maxlen=LATE_MINUTES + 1)
        self._before = _Sums(time.monotonic(), 0, 0, 0.0, {})
        self._last_scale_in = float("-inf")
        self.moves: deque[Move] = deque(maxlen=200)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scaler", daemon=True)
        self._began = time.monotonic()
        observer.desired = lambda: self.bounds.desired

    def start(self) -> None:
        """Begin."""
        self._before = self._sums()
        self._thread.start()

    def stop(self) -> None:
        """Decide no more."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._clock.minute_seconds):
            self.step()

    def step(self) -> None:
        """Take a minute's values, decide, and begin what was decided."""
        now = self._clock.simulated(time.monotonic() - self._began)
        self._measured.append(self._measure())
        metrics = self._measured[0] if len(self._measured) > LATE_MINUTES else {}
        state = self._state()
        measured_at = now - (LATE_MINUTES + 1) * 60
        decision = self.group.decide(now, metrics, state, measured_at=measured_at)
        if decision is not None:
            self.moves.append(Move(datetime.now().astimezone(), decision))
            self._supervisor.say(f"{decision.before} -> {decision.after} servers, {decision.policy}: {decision.reason}")
            if decision.after < decision.before:
                self._last_scale_in = now
            self.bounds = replace(self.bounds, desired=decision.after)
        if not self.system.fleet.deploying:
            self._reconcile()

    def _state(self) -> GroupState:
        members = self.system.fleet.members
        serving = [member for member in members if member.state == "in service"]
        warming = sum(not self._warmed(member) for member in serving)
        return GroupState(
            self.bounds,
            len(serving) - warming,
            warming,
            sum(member.state == "starting" for member in members),
            sum(member.state == "draining" for member in members),
            self._last_scale_in,
        )

    def _warmed_names(self) -> list[str]:
        """Return the servers whose processors count: one that starts is busy with itself."""
        members = self.system.fleet.members
        return [each.server.name for each in members if each.state == "in service" and self._warmed(each)]

    def _warmed(self, member: Member) -> bool:
        # Those of the beginning have warmed up long ago.
        if member.since <= self._began:
            return True
        return self._clock.simulated(time.monotonic() - member.since) >= self._warmup

    def _measure(self) -> dict[str, float | None]:
        """Return what CloudWatch would have of the last minute, by the metrics' names."""
        before, now = self._before, self._sums()
        self._before = now
        seconds = now.at - before.at
        servers = len(self.system.fleet.serving)
        latest = self._observer.latest
        answered = now.answered - before.answered
        warmed = self._warmed_names()
        used = sum(now.processor.get(name, 0.0) - before.processor.get(name, 0.0) for name in warmed)
        found: dict[str, float | None] = {
            "DatabaseConnections": latest.connections if latest else None,
            "TargetResponseTime": (now.upstream_seconds - before.upstream_seconds) / answered if answered else None,
        }
        if warmed:
            found[CPU] = 100 * used / (seconds * len(warmed) * self._cores)
        if servers:
            found[REQUESTS] = (now.requests - before.requests) * 60 / seconds / servers
        return found

    def _sums(self) -> _Sums:
        totals = self._observer.totals
        return _Sums(
            time.monotonic(),
            totals.requests,
            totals.upstream_requests,
            totals.upstream_seconds,
            dict(totals.processor_seconds),
        )

    def _reconcile(self) -> None:
        """Start or end servers until there are as many as desired, counting those that are starting."""
        fleet = self.system.fleet
        present = [member for member in fleet.members if member.state != "draining"]
        for _ in range(self.bounds.desired - len(present)):
            self.system.threads.submit(self._bring_in, fleet.new())
        surplus = len(present) - self.bounds.desired
        # The newest leave: those of the beginning have the fullest caches.
        for server in fleet.serving[-surplus:] if surplus > 0 else []:
            fleet.take_out(server)
            self.system.threads.submit(fleet.drain, server)

    def _bring_in(self, server: Application) -> None:
        try:
            self.system.fleet.bring_in(server)
        except ServerError as error:
            self._supervisor.say(f"{server.name} does not start: {str(error).splitlines()[0]}")


@dataclass(frozen=True)
class _Sums:
    at: float
    requests: int
    answered: int
    upstream_seconds: float
    processor: Mapping[str, float]
    """Processor seconds of each application server."""
