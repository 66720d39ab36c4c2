"""The database with its replicas, and the shards of the caches."""

from __future__ import annotations

from typing import Any

from model import capacity
from scale.operate.errors import MissingError
from scale.operate.find import Finder
from scale.operate.status.metrics import Metric, newest
from scale.operate.status.section import Level, Row, Section, worst

_RDS, _CACHE = "AWS/RDS", "AWS/ElastiCache"
_HOUR = 3600


def databases(finder: Finder) -> Section:
    """Return each instance with its lag, and its connections against the limit of its class."""
    columns = ("instance", "status", "class", "zone", "lag s", "connections", "limit", "cpu %", "free GiB")
    metrics = {
        (name, metric): Metric(_RDS, metric, (("DBInstanceIdentifier", identifier),), statistic)
        for name, identifier in finder.databases.items()
        for metric, statistic in (
            ("ReplicaLag", "Average"),
            ("DatabaseConnections", "Maximum"),
            ("CPUUtilization", "Average"),
            ("FreeStorageSpace", "Minimum"),
        )
    }
    values = newest(finder.account, list(metrics.values()))
    rows = [
        _database(
            finder, name, {metric: values.get(found) for (role, metric), found in metrics.items() if role == name}
        )
        for name in finder.databases
    ]
    return Section("database", columns, tuple(rows))


def _database(finder: Finder, name: str, values: dict[str, float | None]) -> Row:
    try:
        (found,) = finder.account.items("rds", "describe_db_instances", DBInstanceIdentifier=finder.databases[name])
    except MissingError:
        return Row((name, "missing", *[None] * 7), "bad")
    model, class_name = finder.settings.database, str(found["DBInstanceClass"])
    lag, held = values["ReplicaLag"], values["DatabaseConnections"]
    try:
        limit = capacity.usable_connections(model, class_name)
    except ValueError:
        limit = None
    free = values["FreeStorageSpace"]
    replica = bool(found.get("ReadReplicaSourceDBInstanceIdentifier"))
    levels: list[Level] = ["ok" if found["DBInstanceStatus"] == "available" else "warn"]
    if replica and lag is not None and lag > model.replica_max_lag_seconds:
        levels.append("bad")
    if limit is not None and held is not None and held > limit * model.connections_alarm_percent / 100:
        levels.append("bad")
    busy = values["CPUUtilization"]
    if busy is not None and busy > model.cpu_alarm_percent:
        levels.append("warn")
    cells = (
        name,
        str(found["DBInstanceStatus"]),
        class_name,
        str(found.get("AvailabilityZone", "")),
        _rounded(lag) if replica else None,
        _rounded(held),
        limit,
        _rounded(busy),
        None if free is None else round(free / 1024**3, 1),
    )
    return Row(cells, worst(levels))


def caches(finder: Finder) -> Section:
    """Return each shard with its nodes, memory, and the keys it dropped in the last hour."""
    columns = ("cache", "shard", "status", "nodes", "memory %", "cpu %", "evictions 1 h")
    rows: list[Row] = []
    for role, identifier in finder.caches.items():
        try:
            (found,) = finder.account.items("elasticache", "describe_replication_groups", ReplicationGroupId=identifier)
        except MissingError:
            rows.append(Row((role, None, "missing", *[None] * 4), "bad"))
            continue
        rows += _shards(finder, role, found)
    notes = () if rows else ("no cache has this environment's tags",)
    return Section("cache", columns, tuple(rows), notes)


def _shards(finder: Finder, role: str, found: dict[str, Any]) -> list[Row]:
    group = finder.settings.cache.sessions if role == "sessions" else finder.settings.cache.data
    metrics = {
        (node, name): Metric(_CACHE, name, (("CacheClusterId", node),), statistic, seconds, over)
        for shard in found["NodeGroups"]
        for node in _nodes(shard)
        for name, statistic, seconds, over in (
            ("DatabaseMemoryUsagePercentage", "Maximum", 60, 600),
            ("EngineCPUUtilization", "Average", 60, 600),
            ("Evictions", "Sum", _HOUR, _HOUR),
        )
    }
    values = newest(finder.account, list(metrics.values()))
    rows: list[Row] = []
    for shard in found["NodeGroups"]:
        nodes = _nodes(shard)

        def most(name: str, nodes: list[str] = nodes) -> float | None:
            each = [values[metrics[node, name]] for node in nodes if metrics[node, name] in values]
            return max(each) if each else None

        memory, dropped = most("DatabaseMemoryUsagePercentage"), most("Evictions")
        levels: list[Level] = ["ok" if shard["Status"] == "available" else "warn"]
        if group is not None and len(nodes) != group.replicas + 1:
            levels.append("bad")
        # A cache that is full and drops nothing refuses writes: both are told by the memory.
        if memory is not None and group is not None and memory > group.memory_alarm_percent:
            levels.append("warn")
        if dropped:
            levels.append("warn")
        cells = (
            role,
            str(shard["NodeGroupId"]),
            str(shard["Status"]),
            len(nodes),
            _rounded(memory),
            _rounded(most("EngineCPUUtilization")),
            _rounded(dropped),
        )
        rows.append(Row(cells, worst(levels)))
    return rows


def _nodes(shard: dict[str, Any]) -> list[str]:
    return [str(member["CacheClusterId"]) for member in shard.get("NodeGroupMembers", [])]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
