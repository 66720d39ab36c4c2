"""Quantities from a plan's resources, a file for each kind of them."""

from __future__ import annotations

from scale.cost.items import Item, Known
from scale.cost.quantities import compute, data, kubernetes, network, observation, others, traffic
from scale.plan.recording import Recording

PARTS = (
    compute.items,
    kubernetes.items,
    network.items,
    traffic.items,
    data.items,
    observation.items,
    others.items,
)


def items(update: Recording, known: Known) -> list[Item]:
    """Return what a stack is charged for, from the pass in which every output has a value."""
    return [item for part in PARTS for item in part(update, known)]
