"""All comparisons of a plan with its live environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from scale.operate.errors import AccountError
from scale.operate.find import Finder
from scale.operate.verify import alarms, data, fleet, scaling, traffic
from scale.operate.verify.difference import Difference, ordered
from scale.operate.verify.look import Look
from scale.plan.recording import Recording

_AREAS: dict[str, Callable[[Look], Iterator[Difference]]] = {
    "load balancer": traffic.differences,
    "firewall": traffic.firewall,
    "servers": fleet.differences,
    "scheduled actions": fleet.extra_schedules,
    "scaling policies": scaling.differences,
    "alarms": alarms.differences,
    "database": data.databases,
    "cache": data.caches,
    "buckets": data.buckets,
}


@dataclass(frozen=True)
class Comparison:
    """What differs, the most dangerous first, and what could not be looked at, by area with the reason."""

    areas: tuple[str, ...]
    differences: tuple[Difference, ...]
    unread: dict[str, str]


def compare(finder: Finder, plan: Recording) -> Comparison:
    """Compare every area. One that cannot be read is named, and does not keep the others from being compared."""
    look, found, unread = Look(finder, plan), list[Difference](), dict[str, str]()
    learn: dict[str, Callable[[], object]] = {
        "servers": lambda: _learn_names(look),
        "load balancer": lambda: traffic.learn(look),
        "alarms": lambda: alarms.learn(look),
    }
    for area, function in learn.items():
        try:
            function()
        except AccountError as error:
            unread[area] = str(error)
    for area, differences in _AREAS.items():
        if area in unread:
            continue
        try:
            found += list(differences(look))
        except AccountError as error:
            unread[area] = str(error)
    return Comparison(tuple(_AREAS), tuple(ordered(found)), unread)


def _learn_names(look: Look) -> None:
    """Let `look` know the live names of what the outputs or tags lead to at once."""
    if look.finder.group is not None:
        for resource in fleet.groups(look):
            look.learn(resource, name=look.finder.group)
    for resource in look.plan.all(data.CACHE):
        identifier = look.finder.caches.get("sessions" if "-sessions-" in resource.name else "cache")
        if identifier is not None:
            look.learn(resource, replicationGroupId=identifier)
