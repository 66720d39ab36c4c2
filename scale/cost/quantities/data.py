"""Where data is: databases, caches, buckets."""

from __future__ import annotations

from collections.abc import Iterator

from scale.cost.items import Item, Known, always, said
from scale.cost.prices import HOURS, Rate
from scale.cost.quantities.resources import component, is_true, kind, number
from scale.plan.properties import count, text
from scale.plan.recording import Recording, Resource


def items(update: Recording, known: Known) -> Iterator[Item]:
    """Yield databases with their storage, cache nodes, and the buckets together."""
    yield from _databases(update)
    yield from _caches(update)
    buckets = update.all("aws:s3/bucket:Bucket")
    if buckets:
        stored = said(known.given.storage_gb, idle=True)
        owner = component(update, buckets[0])
        yield Item(owner, "objects", Rate("object-storage"), "GB-months", stored, "--storage-gb")


def _databases(update: Recording) -> Iterator[Item]:
    instances = update.all("aws:rds/instance:Instance")
    sizes = {text(each, "identifier"): number(each.properties.get("allocatedStorage")) for each in instances}
    for instance in instances:
        owner, class_name = component(update, instance), text(instance, "instanceClass")
        twice = " Multi-AZ" if is_true(instance, "multiAz") else ""
        role = "replica" if text(instance, "replicateSourceDb") else "primary"
        rate = Rate("database", f"{class_name}{twice}")
        yield Item(owner, f"{role} {class_name}{twice}", rate, "hours", always(HOURS))
        type_ = kind(instance, "storageType", "gp2")
        # A replica takes no size: it has its source's.
        size = number(instance.properties.get("allocatedStorage")) or sizes.get(text(instance, "replicateSourceDb"), 0)
        most = max(size, number(instance.properties.get("maxAllocatedStorage")))
        storage = Rate("database-storage", f"{type_}{twice}")
        yield Item(owner, f"{role} {type_} storage{twice}", storage, "GB-months", (size, size, most))
        if iops := number(instance.properties.get("iops")):
            yield Item(owner, f"{role} IOPS", Rate("database-iops", f"{type_}{twice}"), "IOPS-months", always(iops))
        if text(instance, "databaseInsightsMode") == "advanced":
            insights = Rate("database-insights", class_name)
            yield Item(owner, f"{role} Database Insights", insights, "hours", always(HOURS))


def _caches(update: Recording) -> Iterator[Item]:
    for group in update.all("aws:elasticache/replicationGroup:ReplicationGroup"):
        type_, engine = text(group, "nodeType"), kind(group, "engine", "redis")
        nodes = _nodes(group)
        label = f"{nodes:.0f} x {type_} {engine}"
        yield Item(
            component(update, group), label, Rate("cache-node", f"{engine} {type_}"), "hours", always(nodes * HOURS)
        )


def _nodes(group: Resource) -> float:
    shards = count(group, "numNodeGroups")
    if not shards:
        return float(count(group, "numCacheClusters") or 1)
    return float(shards * (1 + count(group, "replicasPerNodeGroup")))
