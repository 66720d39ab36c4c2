"""What a stack is charged for: quantities by component, at the least, on the trace, and at the most."""

from __future__ import annotations

from dataclasses import dataclass, field

from scale.cost.prices import Rate

Levels = tuple[float | None, float | None, float | None]
"""A month's quantity at the minimum, on the trace, and at the maximum; None where it is not known."""


@dataclass(frozen=True)
class Item:
    """One line of the bill. `option` is the command's option that gives a quantity which the plan cannot."""

    component: str
    label: str
    rate: Rate
    unit: str
    levels: Levels
    option: str = ""
    note: str = ""


@dataclass(frozen=True)
class Given:
    """What the user says of a month's data volumes, in GB (10^9 bytes) and counts; None where nothing is said."""

    egress_gb: float | None = None
    response_kib: float | None = None
    """The mean size of an answer of the load balancer: gives its capacity units, and egress where that is not given."""
    nat_gb: float | None = None
    logs_gb: float | None = None
    vended_logs_gb: float | None = None
    storage_gb: float | None = None
    delivery_gb: float | None = None
    delivery_requests: float | None = None


@dataclass(frozen=True)
class Traffic:
    """A month of a trace replayed on the stack: what is charged by time or by request. A month has `prices.HOURS`."""

    name: str
    server_hours: float
    requests: float
    peak_requests: float
    """Requests in a month at the trace's highest rate."""
    balancer_units: float | None = None
    """Load balancer capacity unit hours; None where the size of an answer is not given."""
    peak_balancer_units: float | None = None


@dataclass(frozen=True)
class Known:
    """What is known besides the plan."""

    region: str
    given: Given = field(default_factory=Given)
    traffic: Traffic | None = None


def always(quantity: float) -> Levels:
    """Return a quantity that is the same at each level."""
    return (quantity, quantity, quantity)


def said(quantity: float | None, *, idle: bool = False) -> Levels:
    """Return a month's volume that the user may have given; at the minimum it is none, unless it is there `idle` too.

    What nobody gave is not known at any level.
    """
    return (None, None, None) if quantity is None else (quantity if idle else 0.0, quantity, quantity)
