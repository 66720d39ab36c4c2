"""A replay on Kubernetes: an HPA sets the pods, the nodes follow, the VPA's recommender looks on.

They are those of the stack's compute.kubernetes. The pods are alike, and those that are ready share the load evenly, as
servers do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from model import instances
from model.autoscaling import REQUESTS_PER_SECOND, Direction, PodScaling, PodScalingSettings, Vertical, web_scaling
from model.kubernetes import Kubernetes
from model.node_capacity import allocatable, nodes_at_most, web_pod
from model.scaling import ScalingPolicy
from model.servers import Servers as ServerSettings
from model.settings import Settings
from model.workload import WebPods
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


def hpa_spec(scaling: PodScaling) -> HpaSpec:
    """Return the HPA that is deployed, without its metrics of memory and queues, of which traffic says nothing.

    Raises FitError where none is left.
    """
    metrics = tuple(
        Metric(target.kind, target.name, utilization=target.utilization, average=target.average)
        for target in scaling.targets
        if target.name in ("cpu", REQUESTS_PER_SECOND)
    )
    if not metrics:
        raise FitError("pods follow neither processors nor requests: a replay of traffic would not move them")
    return HpaSpec(scaling.minimum, scaling.maximum, metrics, _rules(scaling.up), _rules(scaling.down))


def _rules(direction: Direction) -> Rules:
    rates = tuple(Rate(rate.kind, rate.value, rate.period_seconds) for rate in direction.rates)
    return Rules(direction.stabilization_seconds, rates, direction.select)


def vpa_bounds(vertical: Vertical) -> Bounds:
    """Return the bounds of what a VPA may recommend, in cores and bytes."""
    return Bounds(
        least_cpu=vertical.least_cpu_millicores / 1000,
        least_memory=vertical.least_memory_mib * 2**20,
        most_cpu=vertical.most_cpu_millicores / 1000,
        most_memory=vertical.most_memory_mib * 2**20,
    )


GUIDE_HPA = hpa_spec(web_scaling(ScalingPolicy(), WebPods(), PodScalingSettings(), None))
"""The guide's HPA, which is that of the settings' defaults."""

GUIDE_VPA = vpa_bounds(Vertical())

KUBELET_RESERVED_CORES = 0.1
"""What a node keeps for itself and its daemons (estimate)."""


@dataclass(frozen=True)
class Cluster:
    """An HPA on pods of one size, on nodes of one type. Cores, bytes, seconds."""

    hpa: HpaSpec
    node: NodeType
    plant: Plant
    """One pod as a server: its `processors` are the cores that it gets where its node is full."""
    requested_cores: float | None = None
    """What its container requests, of which the HPA's percentages are; by default all that it gets."""
    pod_cores: float | None = None
    """What the pod takes of a node, its sidecars' requests among it; by default its container's alone."""
    pod_memory: float = 1 * 2**30
    most_nodes: int = 100
    vpa: Bounds | None = GUIDE_VPA
    """The bounds of what the VPA may recommend; None without one."""
    origin: str = "The settings have no compute.kubernetes: this is the guide's HPA."
    seed: int = 0
    name: str = "hpa"

    @property
    def request(self) -> float:
        """Cores that the container requests."""
        return float(self.plant.processors if self.requested_cores is None else self.requested_cores)

    def cores(self, utilization: float) -> float:
        """Return the cores that a pod uses while its places are busy for that part of the time.

        A pod that is busy all the time uses what its threads can, or all that it gets: the model rounds its places down
        to whole requests, and the HPA must not see the remainder as idle.
        """
        most = min(self.plant.threads * self.plant.cpu_share, float(self.plant.processors))
        return min(1.0, utilization) * most


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


def cluster_of(settings: Settings, plant: Plant, *, seed: int = 0) -> Cluster:
    """Return the cluster of a stack's settings; for a stack without one the guide's.

    Raises FitError for nodes whose size is not known, and where nothing in the settings follows traffic.
    """
    kubernetes = settings.compute.kubernetes
    # 20 s to start on a ready node, and half a minute until a metric is seen: scrape, adapter, HPA (estimates).
    pod = replace(plant, boot_seconds=20.0, metric_delay_seconds=30.0)
    return _guide(settings, pod, seed) if kubernetes is None else _own(settings, kubernetes, pod, seed)


def _own(settings: Settings, kubernetes: Kubernetes, pod: Plant, seed: int) -> Cluster:
    scaling = web_scaling(settings.scaling, kubernetes.web, kubernetes.scaling, kubernetes.tasks)
    # Of the kinds of nodes the one of which there may be most.
    nodes = nodes_at_most(kubernetes)
    name = max(nodes, key=lambda each: nodes[each])
    room = allocatable(name)
    if room is None:
        raise FitError(f"the size of {name} is not known")
    node = NodeType(room.millicores / 1000, room.memory_mib * 2**20, room.pods)
    resources, taken = kubernetes.web.resources, web_pod(settings, kubernetes)
    cores, memory = taken.millicores / 1000, taken.memory_mib * 2**20
    # Above its request a pod gets its share of what is left of a full node, up to its limit.
    spare = node.cores / node.holds(cores, memory) - cores
    gets = min(resources.cpu_limit_millicores, resources.cpu_millicores + 1000 * spare) / 1000
    return Cluster(
        hpa_spec(scaling),
        node,
        replace(pod, processors=gets),
        requested_cores=resources.cpu_millicores / 1000,
        pod_cores=cores,
        pod_memory=memory,
        most_nodes=sum(nodes.values()),
        vpa=None if kubernetes.vertical is None else vpa_bounds(kubernetes.vertical),
        origin="The HPA, the pods and the nodes are those of compute.kubernetes.",
        seed=seed,
    )


def _guide(settings: Settings, pod: Plant, seed: int) -> Cluster:
    """Return a cluster with the guide's HPA: pods of 0.9 of a core with the stack's own worker processes, on nodes of
    the servers' instance type."""
    size = instances.size(settings.servers.instance_type)
    if size is None:
        raise FitError(f"the size of {settings.servers.instance_type} is not known")
    # 29 addresses: what the VPC CNI gives a large instance without prefixes (eni-max-pods); memory less an eighth.
    node = NodeType(size.processors - KUBELET_RESERVED_CORES, size.memory_mib * 2**20 * 7 / 8, 29)
    return Cluster(GUIDE_HPA, node, replace(pod, processors=0.9), seed=seed)


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
        advice = None if self.vpa is None else self.vpa.recommend()
        return ClusterRun(run, nodes, np.maximum(waiting, 0), advice, self.cluster.origin)


def _pods(ready: int, absent: int, now: float, request: float) -> list[Pod]:
    """Return the workload's pods: those that serve, and those that wait or start."""
    serving = Pod(request=request, count=ready)
    starting = Pod(ready=False, started=now, changed=now, request=request, pending=True, count=absent)
    return [pods for pods in (serving, starting) if pods.count > 0]
