"""A replay on Kubernetes: an HPA sets the pods, the nodes follow, the VPA's recommender looks on.

The pods are alike, and those that are ready share the load evenly, as servers do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from model.autoscaling import REQUESTS_PER_SECOND
from model.scaling import ScalingPolicy
from model.servers import Servers as ServerSettings
from scale.simulate.cluster import Cluster
from scale.simulate.controllers.group import Decision
from scale.simulate.controllers.hpa import Pod, Sample, Workload
from scale.simulate.controllers.hpa_behavior import SYNC_SECONDS, Hpa, Reading
from scale.simulate.controllers.nodes import NodePool
from scale.simulate.controllers.vpa import Recommendation, Recommender
from scale.simulate.plant.flow import Flow, flow
from scale.simulate.plant.servers import Servers
from scale.simulate.plant.service import Floats
from scale.simulate.run import Run, Scenario, run_of
from scale.simulate.traces import Trace


@dataclass(frozen=True)
class ClusterRun:
    """What happened: `run` counts pods; `nodes` are the nodes paid for, a value a step."""

    run: Run
    nodes: Floats = field(repr=False)
    waiting: Floats = field(repr=False)
    """Pods that found no place on a node."""
    recommendation: Recommendation | None
    origin: str = ""

    def notes(self) -> list[str]:
        """Return what there is to say of the nodes and of the pods' requests."""
        found = [self.origin] if self.origin else []
        found += [f"Nodes: {self.node_hours:,.1f} node hours, {int(self.nodes.max(initial=0))} at most."]
        if self.waiting.any():
            minutes = np.count_nonzero(self.waiting) * self.run.trace.step_seconds / 60
            found.append(f"Pods waited for a node in {minutes:,.0f} minutes, {int(self.waiting.max())} at most.")
        if self.recommendation is not None:
            advice = self.recommendation
            found.append(
                f"The VPA would request {advice.target_cpu:.2f} cores a pod ({advice.lower_cpu:.2f} to "
                f"{advice.upper_cpu:.2f}); of memory a trace says nothing. Never let both act on CPU."
            )
        return found

    @property
    def node_hours(self) -> float:
        """Hours of all nodes."""
        return float(self.nodes.sum()) * self.run.trace.step_seconds / 3600


def simulate_cluster(cluster: Cluster, trace: Trace) -> ClusterRun:
    """Replay the trace in steps of the HPA's sync period, 15 s. Raises FitError for a pod that fits no node."""
    return _ClusterLoop(cluster, trace.resampled(SYNC_SECONDS)).run()


class _ClusterLoop:
    """One replay's state."""

    def __init__(self, cluster: Cluster, trace: Trace) -> None:
        self.cluster, self.trace = cluster, trace
        self.hpa = Hpa(cluster.hpa)
        first = next((float(each) for each in trace.counts if each == each), 0.0)
        pods = math.ceil(first / SYNC_SECONDS / (cluster.plant.rate_per_server * 0.7))
        self.wanted = max(cluster.hpa.minimum, min(cluster.hpa.maximum, pods))
        self.nodes = NodePool(
            cluster.node,
            pod_cpu=cluster.request if cluster.pod_cores is None else cluster.pod_cores,
            pod_memory=cluster.pod_memory,
            nodes=0,
            most_nodes=cluster.most_nodes,
        )
        self.nodes.ready = -(-self.wanted // self.nodes.each)
        self.pods = Servers(cluster.plant, count=self.wanted, warmup_seconds=0.0, seed=cluster.seed, step=SYNC_SECONDS)
        self.vpa = None if cluster.vpa is None else Recommender(cluster.vpa)
        self.late = math.ceil(cluster.plant.metric_delay_seconds / SYNC_SECONDS)
        self.seen: list[tuple[float, float] | None] = []
        self.decisions: list[Decision] = []

    def run(self) -> ClusterRun:
        rows: list[tuple[float, Flow, int, int, int, int, int]] = []
        backlog = retrying = 0.0
        now = self.trace.start
        plant = self.cluster.plant
        for count in self.trace.counts.tolist():
            self.pods.advance(now)
            self._place(now)
            ready = self.pods.in_service
            attempts = retrying + (count if count == count else 0.0)
            outcome = flow(plant, ready, attempts, backlog, SYNC_SECONDS)
            retrying = plant.retry_share * (outcome.dropped + outcome.timed_out)
            waiting = self.wanted - ready - len(self.pods.starting)
            rows.append((attempts, outcome, ready, self.wanted, self.pods.billed, self.nodes.nodes, waiting))
            self.seen.append(self._measured(count, outcome, ready))
            backlog = outcome.backlog
            now += SYNC_SECONDS
            self._scale(now)
        return self._result(rows, retrying)

    def _measured(self, count: float, outcome: Flow, ready: int) -> tuple[float, float] | None:
        """Return cores used and requests a second, of one pod; nothing in a gap of the trace."""
        if count != count or ready == 0:
            return None
        return self.cluster.cores(outcome.utilization), (outcome.served + outcome.dropped) / SYNC_SECONDS / ready

    def _place(self, now: float) -> None:
        """Start the wanted pods as far as the nodes have room, and terminate those that are not wanted."""
        self.nodes.follow(now, self.wanted)
        self.pods.scale_to(min(self.wanted, self.nodes.room()), now, self.cluster.hpa.maximum)

    def _scale(self, now: float) -> None:
        place = len(self.seen) - 1 - self.late
        seen = self.seen[place] if place >= 0 else None
        ready, absent = self.pods.in_service, self.wanted - self.pods.in_service
        workload = Workload(self.wanted, _pods(ready, absent, now, self.cluster.request))
        readings: dict[str, Reading] = {}
        if seen is not None:
            readings = {
                name: Reading([Sample(value) if pods.ready else None for pods in workload.pods])
                for name, value in (("cpu", seen[0]), (REQUESTS_PER_SECOND, seen[1]))
            }
            if self.vpa is not None and now % 60 == 0:
                self.vpa.observe(now, cpu=seen[0], memory=None, request=self.cluster.request)
        desired = self.hpa.decide(now, workload, readings)
        if desired != self.wanted:
            self.decisions.append(Decision(now, self.wanted, desired, self.hpa.reason, self._why(seen)))
            self.wanted = desired

    def _why(self, seen: tuple[float, float] | None) -> str:
        """Return what the metric that decided was, and what it is held at."""
        metric = next((each for each in self.cluster.hpa.metrics if each.name == self.hpa.reason), None)
        if metric is None or seen is None:
            return self.hpa.reason
        if metric.utilization is not None:
            return f"{100 * seen[0] / self.cluster.request:.0f} % of the request, held at {metric.utilization} %"
        return f"{seen[1]:.4g} requests a second and pod, held at {metric.average:g}"

    def _result(self, rows: list[tuple[float, Flow, int, int, int, int, int]], retrying: float) -> ClusterRun:
        bounds = ServerSettings(min=self.cluster.hpa.minimum, max=self.cluster.hpa.maximum)
        off = ScalingPolicy(cpu_percent=None, requests_per_target=None, database_connections=None, response_time=None)
        scenario = Scenario(self.cluster.name, off, bounds, self.cluster.plant, self.cluster.seed)
        run = run_of(scenario, self.trace, [row[:5] for row in rows], retrying, self.decisions)
        nodes = np.array([row[5] for row in rows], dtype=np.float64)
        waiting = np.array([row[6] for row in rows], dtype=np.float64)
        advice = None if self.vpa is None else self.vpa.recommend()
        return ClusterRun(run, nodes, np.maximum(waiting, 0), advice, self.cluster.origin)


def _pods(ready: int, absent: int, now: float, request: float) -> list[Pod]:
    """Return the workload's pods: those that serve, and those that wait or start."""
    serving = Pod(request=request, count=ready)
    starting = Pod(ready=False, started=now, changed=now, request=request, pending=True, count=absent)
    return [pods for pods in (serving, starting) if pods.count > 0]
