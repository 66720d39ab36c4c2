"""Servers: Auto Scaling groups, their volumes, addresses and metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from scale.cost.items import Item, Known, Levels
from scale.cost.prices import HOURS, Rate
from scale.cost.quantities.resources import component, groups, is_public, number
from scale.plan.properties import count, text
from scale.plan.recording import Recording, Resource
from scale.plan.servers import template_id
from scale.plan.values import Value, reveal

# EC2 sends seven metrics of an instance each minute, charged as custom metrics (CloudWatch pricing, "EC2 Detailed
# Monitoring", worked example).
DETAILED_METRICS = 7

_FLEET = "django-scale:compute:Fleet"


@dataclass(frozen=True)
class _Split:
    """How a group's servers divide: so many on demand first, then a share of the rest."""

    base: float = 0
    share: float = 1.0

    def on_demand(self, servers: float) -> float:
        first = min(servers, self.base)
        return first + (servers - first) * self.share


def items(update: Recording, known: Known) -> Iterator[Item]:
    """Yield the servers of each Auto Scaling group."""
    templates = {template.id: template for template in update.all("aws:ec2/launchTemplate:LaunchTemplate")}
    every = update.all("aws:autoscaling/group:Group")
    serving = _serving(update, every)
    for group in every:
        template = templates.get(template_id(group))
        if template is None:
            continue
        low, high = float(count(group, "minSize")), float(count(group, "maxSize"))
        typical = low if low == high else None
        if group is serving and known.traffic is not None:
            typical = known.traffic.server_hours / HOURS
        yield from _group(update, group, template, (low, typical, high))


def _serving(update: Recording, every: Sequence[Resource]) -> Resource | None:
    """Return the group that a trace is replayed on: the fleet's, or the only one."""
    fleets = [
        each for each in every if each.parent in update.resources and update.resources[each.parent].type == _FLEET
    ]
    found = fleets or every
    return found[0] if len(found) == 1 else None


def _group(update: Recording, group: Resource, template: Resource, servers: Levels) -> Iterator[Item]:
    owner = component(update, group)
    name = _types(group)[0] if _types(group) else text(template, "instanceType")
    split = _split(group)
    hours = _each(servers, lambda number: split.on_demand(number) * HOURS)
    yield Item(owner, name, Rate("server", name), "hours", hours)
    if split.share < 1:
        spot = _each(servers, lambda number: (number - split.on_demand(number)) * HOURS)
        yield Item(owner, f"{name} spot", Rate("spot-server", name), "hours", spot, note="the market's price varies")
    for mapping in groups(template.properties.get("blockDeviceMappings")):
        yield from _volume(owner, reveal(mapping.get("ebs")), servers, group)
    if _nested_true(template.properties.get("monitoring"), "enabled"):
        metrics = _each(servers, lambda number: number * DETAILED_METRICS)
        yield Item(owner, "detailed monitoring", Rate("metric"), "metrics", metrics)
    if is_public(update, group.properties.get("vpcZoneIdentifiers")):
        addresses = _each(servers, lambda number: number * HOURS)
        yield Item(owner, "public addresses", Rate("public-address"), "hours", addresses)


def _volume(owner: str, ebs: Value, servers: Levels, group: Resource) -> Iterator[Item]:
    if not isinstance(ebs, dict):
        return
    size, type_ = number(ebs.get("volumeSize")), reveal(ebs.get("volumeType"))
    name = type_ if isinstance(type_, str) else "gp2"
    volumes = _each(servers, lambda number: number * size)
    yield Item(owner, f"{name} volumes", Rate("volume", name), "GB-months", volumes)
    pool = reveal(group.properties.get("warmPool"))
    if isinstance(pool, dict):
        most = number(pool.get("maxGroupPreparedCapacity"))
        least = number(pool.get("minSize"))
        # A pool without a number of its own is filled up to the group's maximum.
        ready = most if most > 0 else float(count(group, "maxSize"))
        levels: Levels = (least * size, None, max(least, ready - (servers[0] or 0)) * size)
        yield Item(owner, f"{name} volumes of the warm pool", Rate("volume", name), "GB-months", levels)


def _types(group: Resource) -> list[str]:
    policy = reveal(group.properties.get("mixedInstancesPolicy"))
    template = reveal(policy.get("launchTemplate")) if isinstance(policy, dict) else None
    overrides = groups(template.get("overrides")) if isinstance(template, dict) else iter(())
    return [str(reveal(each.get("instanceType"))) for each in overrides]


def _split(group: Resource) -> _Split:
    policy = reveal(group.properties.get("mixedInstancesPolicy"))
    spread = reveal(policy.get("instancesDistribution")) if isinstance(policy, dict) else None
    if not isinstance(spread, dict):
        return _Split()
    above = spread.get("onDemandPercentageAboveBaseCapacity")
    return _Split(number(spread.get("onDemandBaseCapacity")), 1.0 if above is None else number(above) / 100)


def _each(levels: Levels, change: Callable[[float], float]) -> Levels:
    low, middle, high = (None if level is None else change(level) for level in levels)
    return (low, middle, high)


def _nested_true(value: Value, key: str) -> bool:
    """Return whether a group's entry is true."""
    found = reveal(value)
    return isinstance(found, dict) and reveal(found.get(key)) is True
