"""The pods, their HPA and the nodes under them, as in a stack's compute.kubernetes, and others to compare with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from model import instances
from model.autoscaling import REQUESTS_PER_SECOND, Direction, PodScaling, PodScalingSettings, Vertical, web_scaling
from model.kubernetes import Kubernetes
from model.node_capacity import allocatable, nodes_at_most, web_pod
from model.scaling import ScalingPolicy
from model.settings import Settings
from model.workload import WebPods
from scale.simulate.controllers.hpa import Metric
from scale.simulate.controllers.hpa_behavior import HpaSpec, Rate, Rules
from scale.simulate.controllers.nodes import FitError, NodeType
from scale.simulate.controllers.vpa import Bounds
from scale.simulate.plant.service import Plant


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

DEFAULT_METRICS = (Metric("Resource", "cpu", utilization=80),)
"""What an HPA follows that names no metric (autoscaling/v2, HorizontalPodAutoscalerSpec, metrics)."""

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
    node_type: str = ""
    """The instance type of the nodes."""
    origin: str = "The settings have no compute.kubernetes: this is the guide's HPA."
    seed: int = 0
    name: str = "hpa"

    @property
    def request(self) -> float:
        """Cores that the container requests."""
        return float(self.plant.processors if self.requested_cores is None else self.requested_cores)

    def following(self, name: str, hpa: HpaSpec) -> Cluster:
        """Return the same pods and nodes with another HPA, whose bounds are this one's."""
        bounded = replace(hpa, minimum=self.hpa.minimum, maximum=self.hpa.maximum)
        return replace(self, name=name, hpa=bounded, vpa=None, origin="")

    def cores(self, utilization: float) -> float:
        """Return the cores that a pod uses while its places are busy for that part of the time.

        A pod that is busy all the time uses what its threads can, or all that it gets: the model rounds its places down
        to whole requests, and the HPA must not see the remainder as idle.
        """
        most = min(self.plant.threads * self.plant.cpu_share, float(self.plant.processors))
        return min(1.0, utilization) * most


def comparisons(cluster: Cluster) -> list[Cluster]:
    """Return the cluster with the guide's HPA, and with all that Kubernetes has by default."""
    default = HpaSpec(cluster.hpa.minimum, cluster.hpa.maximum, DEFAULT_METRICS)
    return [cluster.following("guide", GUIDE_HPA), cluster.following("Kubernetes defaults", default)]


def hpa_of(settings: Settings, scaling: ScalingPolicy) -> HpaSpec:
    """Return the HPA that this policy would be on the stack's pods; on the guide's where it has none."""
    kubernetes = settings.compute.kubernetes
    if kubernetes is None:
        return hpa_spec(web_scaling(scaling, WebPods(), PodScalingSettings(), None))
    return hpa_spec(web_scaling(scaling, kubernetes.web, kubernetes.scaling, kubernetes.tasks))


def cluster_of(settings: Settings, plant: Plant, *, seed: int = 0) -> Cluster:
    """Return the cluster of a stack's settings; for a stack without one the guide's.

    Raises FitError for nodes whose size is not known, and where nothing in the settings follows traffic.
    """
    kubernetes = settings.compute.kubernetes
    # 20 s to start on a ready node, and half a minute until a metric is seen: scrape, adapter, HPA (estimates).
    pod = replace(plant, boot_seconds=20.0, metric_delay_seconds=30.0)
    return _guide(settings, pod, seed) if kubernetes is None else _own(settings, kubernetes, pod, seed)


def _own(settings: Settings, kubernetes: Kubernetes, pod: Plant, seed: int) -> Cluster:
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
        hpa_of(settings, settings.scaling),
        node,
        replace(pod, processors=gets),
        requested_cores=resources.cpu_millicores / 1000,
        pod_cores=cores,
        pod_memory=memory,
        most_nodes=sum(nodes.values()),
        vpa=None if kubernetes.vertical is None else vpa_bounds(kubernetes.vertical),
        node_type=name,
        origin="The HPA, the pods and the nodes are those of compute.kubernetes.",
        seed=seed,
    )


def _guide(settings: Settings, pod: Plant, seed: int) -> Cluster:
    """Return a cluster with the guide's HPA: pods of 0.9 of a core with the stack's own worker processes, on nodes of
    the servers' instance type."""
    name = settings.servers.instance_type
    size = instances.size(name)
    if size is None:
        raise FitError(f"the size of {name} is not known")
    # 29 addresses: what the VPC CNI gives a large instance without prefixes (eni-max-pods); memory less an eighth.
    node = NodeType(size.processors - KUBELET_RESERVED_CORES, size.memory_mib * 2**20 * 7 / 8, 29)
    return Cluster(GUIDE_HPA, node, replace(pod, processors=0.9), node_type=name, seed=seed)
