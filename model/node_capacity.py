"""What the cluster's nodes hold at their most, and what its pods ask of them and of the subnets' addresses.

The overheads are those of EKS's images: amazon-eks-ami, nodeadm's kubelet defaults, which Bottlerocket shares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model import instances
from model.workload import Resources, Sidecars

if TYPE_CHECKING:
    from model.kubernetes import Kubernetes
    from model.settings import Settings

# EC2 guide, "Maximum IP addresses per network interface": (interfaces, addresses each), for the general purpose,
# compute and memory families, whose sizes agree, and for t3, t3a and t4g.
_UNIFORM: Mapping[str, tuple[int, int]] = {
    "medium": (2, 4),
    "large": (3, 10),
    "xlarge": (4, 15),
    "2xlarge": (4, 15),
    "4xlarge": (8, 30),
    "8xlarge": (8, 30),
    "12xlarge": (8, 30),
    "16xlarge": (15, 50),
    "24xlarge": (15, 50),
}
_BURSTABLE: Mapping[str, tuple[int, int]] = {
    "nano": (2, 2),
    "micro": (2, 2),
    "small": (3, 4),
    "medium": (3, 6),
    "large": (3, 12),
    "xlarge": (4, 15),
    "2xlarge": (4, 15),
}

# EKS keeps to 110 pods on a node of fewer than 30 virtual processors, and to 250 on a larger one (EKS guide, "Choose an
# optimal Amazon EC2 node instance type", maximum pods).
_MANY_PROCESSORS, _FEW_PODS, _MANY_PODS = 30, 110, 250

# The hypervisor and the kernel keep this of what the type's name says (Karpenter's vmMemoryOverheadPercent, 7.5 %).
_MEMORY_SHARE = 0.925
_EVICTION_MIB, _KUBELET_MIB, _KUBELET_MIB_A_POD = 100, 255, 11

# What runs on every node: the network, kube-proxy, the identity agent (their add-ons' defaults, rounded up; estimate).
_NODE_PODS, _NODE_MILLICORES, _NODE_MIB = 3, 200, 256
# And once in the cluster: names, metrics, controllers, what serves the metrics that pods are scaled by (estimate).
_SYSTEM_PODS, _SYSTEM_MILLICORES, _SYSTEM_MIB = 14, 2500, 5120

WARM_ADDRESSES = 2
"""Addresses that a node holds beside its pods': `components.kubernetes.add_ons` tells the VPC CNI so."""
_LEAST_ADDRESSES = 10
_CONTROL_PLANE_ADDRESSES = 16  # EKS guide, "Amazon EKS networking requirements", recommended free addresses.
_RESERVED_IN_A_SUBNET = 5  # VPC guide, "Subnet sizing".


@dataclass(frozen=True)
class Room:
    """What pods may ask of a node, or of several: thousandths of a processor, MiB, and their number."""

    millicores: int
    memory_mib: int
    pods: int

    def times(self, count: int) -> Room:
        """Return the room of `count` of them."""
        return Room(self.millicores * count, self.memory_mib * count, self.pods * count)

    def holds(self, other: Room) -> bool:
        """Return whether there is room for `other`."""
        return all(getattr(self, key) >= getattr(other, key) for key in ("millicores", "memory_mib", "pods"))

    def plus(self, other: Room) -> Room:
        """Return both together."""
        return Room(self.millicores + other.millicores, self.memory_mib + other.memory_mib, self.pods + other.pods)

    def less(self, other: Room) -> Room:
        """Return what is left without `other`."""
        return self.plus(other.times(-1))

    def whole(self, pod: Room) -> int:
        """Return how many pods of this size find room."""
        pairs = ((self.millicores, pod.millicores), (self.memory_mib, pod.memory_mib), (self.pods, pod.pods))
        return min(have // each for have, each in pairs if each)


@dataclass(frozen=True)
class PodBudget:
    """Pods at their most against the nodes at their most. `room` is None where an instance type is not known."""

    web_pods: int
    nodes: int
    asked: Room
    room: Room | None
    left_out: int
    """Pods that find no room, none where an instance type is not known: what is left of a node holds no part of one."""
    largest_pod: Room
    largest_node: Room | None
    addresses: int
    """Addresses of the private subnets that nodes, pods and the control plane take, and servers beside them."""
    addresses_there: int

    @property
    def fits(self) -> bool:
        """Whether all pods find room; nodes that are not known are not judged."""
        return self.left_out == 0

    @property
    def schedulable(self) -> bool:
        """Whether the largest pod fits the largest node at all."""
        return self.largest_node is None or self.largest_node.holds(self.largest_pod)

    @property
    def addressable(self) -> bool:
        """Whether the subnets have an address for each."""
        return self.addresses <= self.addresses_there


def pods_per_node(instance_type: str) -> int | None:
    """Return how many pods a node of this type runs, the cluster's own among them; None for a type not known here."""
    size = instances.size(instance_type)
    family, _, name = instance_type.rpartition(".")
    found = (_BURSTABLE if family.startswith("t") else _UNIFORM).get(name)
    if size is None or found is None:
        return None
    interfaces, addresses = found
    most = _MANY_PODS if size.processors >= _MANY_PROCESSORS else _FEW_PODS
    # An interface's first address is its own; the network and kube-proxy use the node's (eni-max-pods.txt).
    return min(most, interfaces * (addresses - 1) + 2)


def allocatable(instance_type: str) -> Room | None:
    """Return what a node of this type has for pods besides those that run on every node; None where it is not known."""
    size, pods = instances.size(instance_type), pods_per_node(instance_type)
    if size is None or pods is None:
        return None
    memory = int(size.memory_mib * _MEMORY_SHARE) - _EVICTION_MIB - _KUBELET_MIB - _KUBELET_MIB_A_POD * pods
    millicores = size.processors * 1000 - _kubelet_millicores(size.processors)
    return Room(max(0, millicores - _NODE_MILLICORES), max(0, memory - _NODE_MIB), max(0, pods - _NODE_PODS))


def _kubelet_millicores(processors: int) -> int:
    """Return what is kept for the kubelet: 6 % of the first processor, 1 % of the second, 0.5 % of two more, 0.25 %."""
    shares = [60, 10, 5, 5]
    return sum(shares[:processors]) + round(2.5 * max(0, processors - len(shares)))


def pod_budget(settings: Settings) -> PodBudget | None:
    """Return what pods and nodes at their most need and have; None for a stack without a cluster."""
    kubernetes = settings.compute.kubernetes
    if kubernetes is None:
        return None
    beside = kubernetes.sidecars
    web = web_pod(settings, kubernetes)
    surge = -(-kubernetes.web.max * kubernetes.web.surge_percent // 100)
    kinds = [(web, kubernetes.web.max + surge)]
    if kubernetes.tasks is not None:
        kinds += [(_pod(settings, beside, each.resources), each.max) for each in kubernetes.tasks.workers]
        kinds += [(_pod(settings, beside, kubernetes.tasks.beat_resources), 1)] if kubernetes.tasks.beat else []
    if kubernetes.migration is not None:
        kinds.append((_pod(settings, beside, kubernetes.migration.resources), 1))
    system = Room(-(-_SYSTEM_MILLICORES // _SYSTEM_PODS), -(-_SYSTEM_MIB // _SYSTEM_PODS), 1)
    placed = [*kinds, (system, _SYSTEM_PODS)]
    asked = Room(0, 0, 0)
    for pod, count in placed:
        asked = asked.plus(pod.times(count))
    nodes = nodes_at_most(kubernetes)
    known = [(room, count) for name, count in nodes.items() if (room := allocatable(name)) is not None]
    complete = len(known) == len(nodes)
    room = Room(0, 0, 0)
    for each, count in known:
        room = room.plus(each.times(count))
    count = sum(nodes.values())
    largest = max((each for each, _ in known), key=lambda each: (each.millicores, each.memory_mib), default=None)
    return PodBudget(
        web_pods=kubernetes.web.max,
        nodes=count,
        asked=asked,
        room=room if complete else None,
        left_out=left_out(placed, known) if complete else 0,
        largest_pod=max((pod for pod, _ in kinds), key=lambda pod: (pod.millicores, pod.memory_mib)),
        largest_node=largest if complete else None,
        addresses=_addresses(settings, asked.pods, count),
        addresses_there=sum(
            2 ** (32 - net.prefixlen) - _RESERVED_IN_A_SUBNET for net in settings.network.subnets.private
        ),
    )


def left_out(pods: Sequence[tuple[Room, int]], nodes: Sequence[tuple[Room, int]]) -> int:
    """Return how many pods find no room on nodes that are filled one by one, the largest pods first.

    A scheduler that spreads pods may do worse, and none does much better (first fit, decreasing).
    """
    rooms, without = list(nodes), 0
    for pod, pending in sorted(pods, key=lambda each: (each[0].millicores, each[0].memory_mib), reverse=True):
        wanted = pending
        after: list[tuple[Room, int]] = []
        for room, count in rooms:
            each = max(0, room.whole(pod))
            full = min(count, wanted // each) if each else 0
            rest = min(wanted - full * each, each) if full < count else 0
            wanted -= full * each + rest
            parts = ((room.less(pod.times(each)), full), (room.less(pod.times(rest)), int(rest > 0)))
            after += [part for part in (*parts, (room, count - full - int(rest > 0))) if part[1]]
        rooms, without = after, without + wanted
    return without


def web_pod(settings: Settings, kubernetes: Kubernetes) -> Room:
    """Return what a pod that serves requests asks for, nginx and PgBouncer among it."""
    return _pod(settings, kubernetes.sidecars, kubernetes.web.resources, web=True)


def _pod(settings: Settings, sidecars: Sidecars, own: Resources, *, web: bool = False) -> Room:
    """Return what a pod asks for, its sidecars among it."""
    parts = [own]
    if web:
        parts.append(sidecars.nginx)
    if settings.database.pooling == "pgbouncer":
        parts.append(sidecars.pgbouncer)
    return Room(sum(part.cpu_millicores for part in parts), sum(part.memory_mib for part in parts), 1)


def nodes_at_most(kubernetes: Kubernetes) -> dict[str, int]:
    """Return the most nodes by instance type: the groups as they stand, and the pool up to its limit.

    Of several types in a group the first is counted, of those in the pool the one of which fewest processors are lost:
    the largest that the limit still lets in. Groups do not grow by themselves: what they have at first is what counts.
    """
    nodes: dict[str, int] = {}
    for group in kubernetes.managed_groups:
        first = group.instance_types[0]
        nodes[first] = nodes.get(first, 0) + sum(part.desired for part in group.parts)
    if kubernetes.pool is not None:
        sizes = {name: instances.size(name) for name in kubernetes.pool.instance_types}
        fitting = {
            name: size.processors
            for name, size in sizes.items()
            if size is not None and size.processors <= kubernetes.pool.max_processors
        }
        chosen = max(fitting, key=lambda name: fitting[name], default=kubernetes.pool.instance_types[0])
        count = kubernetes.pool.max_processors // fitting[chosen] if chosen in fitting else 1
        nodes[chosen] = nodes.get(chosen, 0) + count
    return nodes


def _addresses(settings: Settings, pods: int, nodes: int) -> int:
    """Return the addresses in use at the most: pods', nodes' own and spare ones, the control plane's, servers'."""
    servers = settings.servers.max * settings.servers.refresh.max_healthy_percent // 100
    for_pods = max(pods + (WARM_ADDRESSES + _NODE_PODS) * nodes, (_LEAST_ADDRESSES + 1) * nodes)
    return for_pods + _CONTROL_PLANE_ADDRESSES + (servers if settings.compute.servers else 0)
