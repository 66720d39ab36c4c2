"""A replay on Kubernetes: an HPA sets the pods, the nodes follow, the VPA's recommender looks on.

The settings know no cluster yet: the HPA, the pod's size and the node are given here. The pods are alike, and those
that are ready share the load evenly, as servers do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from model import instances
from model.scaling import ScalingPolicy
from model.servers import Servers as ServerSettings
from model.settings import Settings
from scale.simulate.controllers.group import Decision
from scale.simulate.controllers.hpa import Metric, Pod, Sample, Workload
from scale.simulate.controllers.hpa_behavior import SYNC_SECONDS, Hpa, HpaSpec, Rate, Reading, Rules
from scale.simulate.controllers.nodes import FitError, NodePool, NodeType
from scale.simulate.controllers.vpa import Bounds, Recommendation, Recommender
from scale.simulate.plant.flow import Flow, flow
from scale.simulate.plant.servers import Servers
from scale.simulate.plant.service import Floats, Plant
from scale.simulate.run import Run, Scenario, run_of
from scale.simulate.traces import Trace

REQUESTS_PER_SECOND = "django_requests_per_second"

GUIDE_HPA = HpaSpec(
    minimum=3,
    maximum=50,
    metrics=(Metric("Resource", "cpu", utilization=70), Metric("Pods", REQUESTS_PER_SECOND, average=100)),
    up=Rules(60, (Rate("Percent", 50, 60), Rate("Pods", 5, 60))),
    down=Rules(300, (Rate("Percent", 10, 60), Rate("Pods", 2, 60)), "Min"),
)
"""The guide's HPA without its memory and queue metrics, which traffic alone says nothing of."""

GUIDE_VPA = Bounds(least_cpu=0.1, least_memory=128 * 2**20, most_cpu=2.0, most_memory=2 * 2**30)

KUBELET_RESERVED_CORES = 0.1
"""What a node keeps for itself and its daemons (estimate)."""


@dataclass(frozen=True)
class Cluster:
    """An HPA on pods of one size, on nodes of one type. Cores, bytes, seconds."""

    hpa: HpaSpec
    node: NodeType
    plant: Plant
    """One pod as a server: its `processors` are the cores that it requests."""
    pod_memory: float = 1 * 2**30
    most_nodes: int = 100
    seed: int = 0
    name: str = "hpa"


@dataclass(frozen=True)
class ClusterRun:
    """What happened: `run` counts pods; `nodes` are the nodes paid for, a value a step."""

    run: Run
    nodes: Floats = field(repr=False)
    waiting: Floats = field(repr=False)
    """Pods that found no place on a node."""
    recommendation: Recommendation | None

    def notes(self) -> list[str]:
        """Return what there is to say of the nodes and of the pods' requests."""
        found = [f"Nodes: {self.node_hours:,.1f} node hours, {int(self.nodes.max(initial=0))} at most."]
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


def cluster_of(settings: Settings, plant: Plant, *, seed: int = 0) -> Cluster:
    """Return a cluster with the guide's HPA for a stack: pods of one core with the stack's own worker processes.

    Nodes are of the stack's instance type. Raises FitError for a type whose size is not known.
    """
    size = instances.size(settings.servers.instance_type)
    if size is None:
        raise FitError(f"the size of {settings.servers.instance_type} is not known")
    # 29 addresses: what the VPC CNI gives a large instance without prefixes (eni-max-pods); memory less an eighth.
    node = NodeType(size.processors - KUBELET_RESERVED_CORES, size.memory_mib * 2**20 * 7 / 8, 29)
    pod = replace(plant, processors=0.9, boot_seconds=20.0, metric_delay_seconds=30.0)
    return Cluster(GUIDE_HPA, node, pod, seed=seed)


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
            pod_cpu=float(cluster.plant.processors),
            pod_memory=cluster.pod_memory,
            nodes=0,
            most_nodes=cluster.most_nodes,
        )
        self.nodes.ready = -(-self.wanted // self.nodes.each)
        self.pods = Servers(cluster.plant, count=self.wanted, warmup_seconds=0.0, seed=cluster.seed, step=SYNC_SECONDS)
        self.vpa = Recommender(GUIDE_VPA)
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
        cores = self.cluster.plant.cpu_percent(outcome.utilization) / 100 * self.cluster.plant.processors
        return cores, (outcome.served + outcome.dropped) / SYNC_SECONDS / ready

    def _place(self, now: float) -> None:
        """Start the wanted pods as far as the nodes have room, and terminate those that are not wanted."""
        self.nodes.follow(now, self.wanted)
        self.pods.scale_to(min(self.wanted, self.nodes.room()), now, self.cluster.hpa.maximum)

    def _scale(self, now: float) -> None:
        place = len(self.seen) - 1 - self.late
        seen = self.seen[place] if place >= 0 else None
        ready, absent = self.pods.in_service, self.wanted - self.pods.in_service
        workload = Workload(self.wanted, _pods(ready, absent, now, float(self.cluster.plant.processors)))
        readings: dict[str, Reading] = {}
        if seen is not None:
            readings = {
                name: Reading([Sample(value) if pods.ready else None for pods in workload.pods])
                for name, value in (("cpu", seen[0]), (REQUESTS_PER_SECOND, seen[1]))
            }
            if now % 60 == 0:
                self.vpa.observe(now, cpu=seen[0], memory=None, request=float(self.cluster.plant.processors))
        desired = self.hpa.decide(now, workload, readings)
        if desired != self.wanted:
            self.decisions.append(
                Decision(now, self.wanted, desired, self.hpa.reason, f"{self.hpa.reason} asks for the most")
            )
            self.wanted = desired

    def _result(self, rows: list[tuple[float, Flow, int, int, int, int, int]], retrying: float) -> ClusterRun:
        bounds = ServerSettings(min=self.cluster.hpa.minimum, max=self.cluster.hpa.maximum)
        off = ScalingPolicy(cpu_percent=None, requests_per_target=None, database_connections=None, response_time=None)
        scenario = Scenario(self.cluster.name, off, bounds, self.cluster.plant, self.cluster.seed)
        run = run_of(scenario, self.trace, [row[:5] for row in rows], retrying, self.decisions)
        nodes = np.array([row[5] for row in rows], dtype=np.float64)
        waiting = np.array([row[6] for row in rows], dtype=np.float64)
        return ClusterRun(run, nodes, np.maximum(waiting, 0), self.vpa.recommend())


def _pods(ready: int, absent: int, now: float, request: float) -> list[Pod]:
    """Return the workload's pods: those that serve, and those that wait or start."""
    serving = Pod(request=request, count=ready)
    starting = Pod(ready=False, started=now, changed=now, request=request, pending=True, count=absent)
    return [pods for pods in (serving, starting) if pods.count > 0]
