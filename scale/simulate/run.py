"""The loop: traffic through the plant, late metrics to the controllers, decisions to the servers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from model.scaling import ScalingPolicy
from model.servers import Servers as ServerSettings
from scale.simulate.controllers import refresh
from scale.simulate.controllers.group import CPU, REQUESTS, Decision, Group, GroupState
from scale.simulate.controllers.predictive import Forecaster
from scale.simulate.controllers.scheduled import Bounds, calendar
from scale.simulate.plant.flow import Flow, Flows, flow
from scale.simulate.plant.queue import MOST_UTILIZED, table_of
from scale.simulate.plant.servers import Servers
from scale.simulate.plant.service import Floats, Plant
from scale.simulate.traces import Trace

STEP_SECONDS = 60.0
"""A step of the loop: CloudWatch evaluates an alarm each minute, and the metrics used have a value a minute."""

_LOOK_BACK = 32 * 86400.0
_MEAN_STEPS = 1000


@dataclass(frozen=True)
class Scenario:
    """What is simulated: a policy on a group of servers. `refresh_at` begins an instance refresh (seconds)."""

    name: str
    policy: ScalingPolicy
    servers: ServerSettings
    plant: Plant
    seed: int = 0
    initial: int | None = None
    """Servers at the beginning; by default what the first recorded step needs, within the bounds."""
    refresh_at: float | None = None


@dataclass(frozen=True)
class Run:
    """What happened, a value a step; requests are counts, `arrivals` are NaN where the trace has a gap."""

    scenario: Scenario
    trace: Trace
    attempts: Floats
    served: Floats
    dropped: Floats
    timed_out: Floats
    backlog: Floats
    """Requests that wait at the end of the step."""
    utilization: Floats
    in_service: Floats
    desired: Floats
    billed: Floats
    retrying: float
    """Requests whose client would have tried again after the last step."""
    decisions: tuple[Decision, ...] = field(repr=False)

    @property
    def flows(self) -> Flows:
        """The steps as the judging functions take them."""
        plant = self.scenario.plant
        before = np.concatenate([[0.0], self.backlog[:-1]])
        rate = rates(plant, self.in_service)
        return Flows(self.attempts, before, rate, self.dropped + self.timed_out, self.backlog, self.utilization)


def rates(plant: Plant, servers: Floats) -> Floats:
    """Return the plant's rate for each count of servers."""
    known = np.array([plant.rate(count) for count in range(int(servers.max(initial=0)) + 1)])
    return known[servers.astype(int)]


def simulate(scenario: Scenario, trace: Trace) -> Run:
    """Replay the trace. It is brought to steps of a minute; the same seed gives the same run."""
    loop = _Loop(scenario, trace.resampled(STEP_SECONDS))
    return loop.run()


class _Loop:
    """One replay's state."""

    def __init__(self, scenario: Scenario, trace: Trace) -> None:
        self.scenario, self.trace = scenario, trace
        self.plant, policy = scenario.plant, scenario.policy
        plant = self.plant
        self.group = Group(policy, cpu_low_share=plant.cpu_low_share, requests_low_share=plant.requests_low_share)
        self.forecaster = (
            Forecaster(policy.predictive, target=float(policy.cpu_percent))
            if policy.predictive is not None and policy.cpu_percent is not None
            else None
        )
        self.counts: list[float] = trace.counts.tolist()
        self.bounds = self._first_bounds()
        self.actions = calendar(policy.scheduled, trace.start, trace.start + trace.seconds)
        self.actions.reverse()
        self.servers = Servers(
            self.plant,
            count=self.bounds.desired,
            warmup_seconds=float(policy.warmup_seconds),
            seed=scenario.seed,
            pool=scenario.servers.warm_pool,
            step=STEP_SECONDS,
        )
        self.decisions: list[Decision] = []
        self.late = math.ceil(self.plant.metric_delay_seconds / STEP_SECONDS)
        self.metrics: list[dict[str, float | None]] = []
        table = table_of(self.plant)
        self.mean_response: list[float] = table.means(np.linspace(0, MOST_UTILIZED, _MEAN_STEPS + 1)).tolist()
        self.old = 0
        self.refreshing = False

    def _first_bounds(self) -> Bounds:
        """Return the bounds at the beginning: the group's own, as earlier scheduled actions left them."""
        settings, trace = self.scenario.servers, self.trace
        first = next((count for count in self.counts if count == count), 0.0)
        desired = self.scenario.initial
        if desired is None:
            desired = math.ceil(first / STEP_SECONDS / (self.plant.rate_per_server * 0.7))
        bounds = Bounds(settings.min, settings.max, settings.min)
        for _, action in calendar(self.scenario.policy.scheduled, trace.start - _LOOK_BACK, trace.start):
            bounds = bounds.after(action)
        return replace(bounds, desired=max(bounds.minimum, min(bounds.maximum, desired)))

    def run(self) -> Run:
        rows: list[tuple[float, Flow, int, int, int]] = []
        backlog = retrying = 0.0
        now = self.trace.start
        if self.servers.pool is not None:
            self.servers.tend_pool(self.bounds.desired, now, self.bounds.maximum)
        for count in self.counts:
            self.servers.advance(now)
            in_service, billed = self.servers.in_service, self.servers.billed
            attempts = retrying + (count if count == count else 0.0)
            outcome = flow(self.plant, in_service, attempts, backlog, STEP_SECONDS)
            retrying = self.plant.retry_share * (outcome.dropped + outcome.timed_out)
            rows.append((attempts, outcome, in_service, self.bounds.desired, billed))
            self.metrics.append(self._measured(count, attempts, outcome, backlog, in_service))
            backlog = outcome.backlog
            now += STEP_SECONDS
            self._control(now)
        return run_of(self.scenario, self.trace, rows, retrying, self.decisions)

    def _measured(
        self, count: float, attempts: float, outcome: Flow, backlog: float, servers: int
    ) -> dict[str, float | None]:
        """Return the step's metrics; in a gap of the trace nothing is known of it.

        RequestCountPerTarget counts what a target receives, answered or not (Elastic Load Balancing guide, metrics).
        """
        if count != count or servers == 0:
            return {}
        rate = self.plant.rate(servers)
        wait = (backlog + outcome.backlog) / 2 / rate
        at = int(min(1.0, outcome.utilization / MOST_UTILIZED) * _MEAN_STEPS)
        limit = self.plant.connections_limit
        held = self.plant.connections_per_server
        return {
            CPU: self.plant.cpu_percent(outcome.utilization),
            REQUESTS: attempts * 60 / STEP_SECONDS / servers,
            "TargetResponseTime": self.mean_response[at] + wait,
            "DatabaseConnections": held * servers if limit is None else min(held * servers, limit),
        }

    def _control(self, now: float) -> None:
        """Let the controllers see what CloudWatch shows at `now`, and act."""
        while self.actions and self.actions[-1][0] < now:
            at, action = self.actions.pop()
            self._apply(self.bounds.after(action), at, f"scheduled {action.name}", action.cron)
        place = len(self.metrics) - 1 - self.late
        metrics = self.metrics[place] if place >= 0 else {}
        floor = self._forecast(now, metrics)
        servers, bounds = self.servers, self.bounds
        if floor is not None and floor > bounds.minimum:
            bounds = replace(bounds, minimum=floor)
        if bounds.desired < bounds.minimum:
            self._move(bounds.minimum, now, "predictive", f"forecast needs {bounds.minimum}")
            bounds = replace(bounds, desired=bounds.minimum)
        state = GroupState(
            bounds,
            servers.warmed,
            len(servers.warming),
            len(servers.starting),
            len(servers.draining),
            servers.last_scale_in,
        )
        measured_at = now - (self.late + 1) * STEP_SECONDS
        decision = self.group.decide(now, metrics, state, measured_at=measured_at)
        if decision is not None:
            self._move(decision.after, now, decision.policy, decision.reason)
        if self.scenario.refresh_at is not None:
            self._refresh(now)
        elif servers.pool is not None:
            servers.tend_pool(self.bounds.desired, now, self.bounds.maximum)

    def _forecast(self, now: float, metrics: dict[str, float | None]) -> int | None:
        if self.forecaster is None:
            return None
        cpu = metrics.get(CPU)
        self.forecaster.observe(now, None if cpu is None else cpu * self.servers.in_service)
        lifted = self.forecaster.maximum(now, maximum=self.bounds.maximum)
        if lifted != self.bounds.maximum:
            self.bounds = replace(self.bounds, maximum=lifted)
        return self.forecaster.floor(now, maximum=self.bounds.maximum)

    def _apply(self, bounds: Bounds, now: float, policy: str, reason: str) -> None:
        desired = bounds.desired
        self.bounds = replace(bounds, desired=self.bounds.desired)
        self._move(desired, now, policy, reason)

    def _move(self, desired: int, now: float, policy: str, reason: str) -> None:
        if desired == self.bounds.desired:
            return
        self.decisions.append(Decision(now, self.bounds.desired, desired, policy, reason))
        self.bounds = replace(self.bounds, desired=desired)
        self.servers.scale_to(desired, now, self.bounds.maximum)

    def _refresh(self, now: float) -> None:
        """Go one step further in the instance refresh, once its time has come."""
        if not self.refreshing and self.scenario.refresh_at is not None and now >= self.scenario.refresh_at:
            self.refreshing, self.old = True, self.servers.in_service
        if not self.old:
            return
        servers = self.servers
        self.old = min(self.old, servers.warmed)
        fresh = servers.warmed - self.old
        todo = refresh.step(
            self.scenario.servers.refresh,
            desired=self.bounds.desired,
            old=self.old,
            new_ready=fresh,
            new_starting=len(servers.warming) + len(servers.starting),
        )
        servers.recycle(todo.terminate, now)
        self.old -= todo.terminate
        servers.start(todo.start, now)


def run_of(
    scenario: Scenario,
    trace: Trace,
    rows: Sequence[tuple[float, Flow, int, int, int]],
    retrying: float,
    decisions: Sequence[Decision],
) -> Run:
    """Return a run from a row a step: attempts, what became of them, servers in service, desired and billed."""
    flows = [row[1] for row in rows]
    return Run(
        scenario=scenario,
        trace=trace,
        attempts=np.array([row[0] for row in rows]),
        served=np.array([each.served for each in flows]),
        dropped=np.array([each.dropped for each in flows]),
        timed_out=np.array([each.timed_out for each in flows]),
        backlog=np.array([each.backlog for each in flows]),
        utilization=np.array([each.utilization for each in flows]),
        in_service=np.array([row[2] for row in rows], dtype=np.float64),
        desired=np.array([row[3] for row in rows], dtype=np.float64),
        billed=np.array([row[4] for row in rows], dtype=np.float64),
        retrying=retrying,
        decisions=tuple(decisions),
    )
