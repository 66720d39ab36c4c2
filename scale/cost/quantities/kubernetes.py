"""Kubernetes: control planes and node groups of EKS."""

from __future__ import annotations

from collections.abc import Iterator

from scale.cost.items import Item, Known, Levels, always
from scale.cost.prices import HOURS, Rate
from scale.cost.quantities.resources import component, number
from scale.plan.properties import text, texts
from scale.plan.recording import Recording, Resource
from scale.plan.values import reveal


def items(update: Recording, known: Known) -> Iterator[Item]:
    """Yield clusters and the nodes of managed groups; what a trace needs of nodes is not replayed here."""
    for cluster in update.all("aws:eks/cluster:Cluster"):
        yield Item(component(update, cluster), "control plane", Rate("cluster"), "hours", always(HOURS))
    for group in update.all("aws:eks/nodeGroup:NodeGroup"):
        yield from _nodes(update, group)


def _nodes(update: Recording, group: Resource) -> Iterator[Item]:
    owner = component(update, group)
    scaling = reveal(group.properties.get("scalingConfig"))
    sizes = scaling if isinstance(scaling, dict) else {}
    low, high = number(sizes.get("minSize")), number(sizes.get("maxSize"))
    # EKS's own default where a group names no type (CreateNodegroup, instanceTypes).
    name = next(texts(group.properties.get("instanceTypes")), "t3.medium")
    spot = text(group, "capacityType") == "SPOT"
    rate = Rate("spot-server" if spot else "server", name)
    typical = low if low == high else None
    hours: Levels = (low * HOURS, None if typical is None else typical * HOURS, high * HOURS)
    yield Item(owner, f"nodes {name}{' spot' if spot else ''}", rate, "hours", hours)
    # 20 GiB is EKS's default for Linux (CreateNodegroup, diskSize).
    disk = number(group.properties.get("diskSize")) or 20.0
    if not reveal(group.properties.get("launchTemplate")):
        volumes: Levels = (low * disk, None if typical is None else typical * disk, high * disk)
        yield Item(owner, "gp3 volumes", Rate("volume", "gp3"), "GB-months", volumes)
