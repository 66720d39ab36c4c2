"""What the settings of a cluster come to at its largest, as findings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from model.eks import END_OF_STANDARD_SUPPORT, SUPPORT_STATED_ON
from model.kubernetes import Kubernetes
from model.node_capacity import PodBudget, Room
from scale.plan.findings import Finding

NOTICE = timedelta(days=90)
"""How long before the end of standard support a plan warns: an upgrade is tried in each environment in turn."""


def check_kubernetes(kubernetes: Kubernetes, budget: PodBudget, today: date) -> Iterator[Finding]:
    """Yield what is wrong with a cluster, or worth knowing of it."""
    yield from _room(kubernetes, budget)
    yield from _addresses(kubernetes, budget)
    yield from _support(kubernetes, today)
    if not kubernetes.endpoint.public_cidrs:
        text = (
            "the cluster's API is reached from inside the network alone: deploy from there, or list your addresses in "
            "compute.kubernetes.endpoint.public_cidrs"
        )
        yield Finding("info", "private-endpoint", "", text)


def _room(kubernetes: Kubernetes, budget: PodBudget) -> Iterator[Finding]:
    if budget.room is None or budget.largest_node is None:
        text = "what the nodes hold is not known for all of their instance types: the pods' room is not checked"
        yield Finding("info", "node-capacity", "", text)
    elif not budget.schedulable:
        text = (
            f"no node is large enough for the largest pod, which asks for {_words(budget.largest_pod)}: the largest "
            f"node has {_words(budget.largest_node)}: larger instance types in compute.kubernetes.pool or .groups, or "
            "smaller resources"
        )
        yield Finding("error", "node-capacity", "", text)
    elif not budget.fits:
        text = (
            f"{budget.left_out} of {budget.asked.pods} pods, a rollout's among them, find no room: they ask for "
            f"{_words(budget.asked)}, and {budget.nodes} nodes have {_words(budget.room)}, of which no pod uses a part "
            f"smaller than itself: {_more_nodes(kubernetes)}, or lower {_bounds(kubernetes)}"
        )
        yield Finding("error", "node-capacity", "", text)


def _words(room: Room) -> str:
    return f"{room.millicores / 1000:g} processors and {room.memory_mib} MiB"


def _more_nodes(kubernetes: Kubernetes) -> str:
    if kubernetes.pool is None:
        return "add a compute.kubernetes.pool, raise compute.kubernetes.groups[].desired"
    return "raise compute.kubernetes.pool.max_processors"


def _bounds(kubernetes: Kubernetes) -> str:
    """Return which settings say how many pods there are at the most."""
    tasks = " or compute.kubernetes.tasks.workers[].max" if kubernetes.tasks is not None else ""
    return f"compute.kubernetes.web.max{tasks}"


def _addresses(kubernetes: Kubernetes, budget: PodBudget) -> Iterator[Finding]:
    if not budget.addressable:
        text = (
            f"the private subnets have {budget.addresses_there} addresses; pods, nodes and servers at their most take "
            f"{budget.addresses}: a larger network.cidr has more, and a lower {_bounds(kubernetes)} or "
            "compute.kubernetes.pool.max_processors takes fewer"
        )
        yield Finding("error", "subnet-addresses", "", text)


def _support(kubernetes: Kubernetes, today: date) -> Iterator[Finding]:
    end = END_OF_STANDARD_SUPPORT[kubernetes.version]
    if end is not None and today + NOTICE >= end:
        then = (
            "costs a surcharge an hour" if kubernetes.extended_support else "is raised by AWS at a time of its choice"
        )
        text = (
            f"standard support of Kubernetes {kubernetes.version} ends on {end} (AWS's calendar of "
            f"{SUPPORT_STATED_ON}); from then on the cluster {then}: raise compute.kubernetes.version by one"
        )
        yield Finding("warning", "kubernetes-support", "", text)
