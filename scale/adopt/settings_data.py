"""Traffic, database and cache, from a load balancer, RDS and ElastiCache."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from model.cache import Cache
from model.naming import squeeze
from scale.adopt.details import Details
from scale.adopt.inventory import Entry
from scale.adopt.selection import Selection

Config = dict[str, Any]


def traffic(selection: Selection, details: Details, notes: list[str]) -> Config | None:
    """Return `traffic`."""
    if selection.balancer is None and selection.target is None:
        return None
    found: Config = {}
    if details.firewall is False:
        found["firewall"] = None
        notes.append("traffic.firewall: none stands before the load balancer, and none is asked for")
    elif details.firewall:
        notes.append("traffic.firewall: the web ACL that there is stays apart; the program makes one of its own")
    _take(found, details.balancer, "idle_timeout.timeout_seconds", "idle_timeout_seconds")
    if "deletion_protection.enabled" in details.balancer:
        found["deletion_protection"] = details.balancer["deletion_protection.enabled"] == "true"
    if selection.target:
        found["health_check"] = _health_check(selection.target)
    _take(found, details.target, "deregistration_delay.timeout_seconds", "draining_seconds")
    _take(found, details.target, "slow_start.duration_seconds", "slow_start_seconds")
    if "load_balancing.algorithm.type" in details.target:
        found["algorithm"] = details.target["load_balancing.algorithm.type"]
    return found


def _take(found: Config, attributes: Mapping[str, str], theirs: str, ours: str) -> None:
    if theirs in attributes:
        found[ours] = int(attributes[theirs])


def _health_check(target: Entry) -> Config:
    keys = {
        "path": "HealthCheckPath",
        "interval_seconds": "HealthCheckIntervalSeconds",
        "timeout_seconds": "HealthCheckTimeoutSeconds",
        "healthy": "HealthyThresholdCount",
        "unhealthy": "UnhealthyThresholdCount",
    }
    return {ours: target[theirs] for ours, theirs in keys.items() if target.get(theirs) is not None}


def database(selection: Selection, notes: list[str]) -> Config | None:
    """Return `database`."""
    if not selection.databases:
        notes.append("database: none was found, and the program makes one")
        return None
    primary, *replicas = selection.databases
    found = _instance(primary)
    if primary.get("Engine") != "postgres":
        notes.append(
            f"database: {primary['DBInstanceIdentifier']} is {primary.get('Engine')}, the program has PostgreSQL"
        )
        del found["engine_version"]
    if replicas:
        found["replicas"] = [replica(each, primary) for each in replicas]
    return found


def _instance(primary: Entry) -> Config:
    storage = int(primary["AllocatedStorage"])
    found: Config = {
        "engine_version": _version(str(primary.get("EngineVersion", ""))),
        "instance_class": str(primary["DBInstanceClass"]),
        "port": int(primary.get("Endpoint", {}).get("Port") or primary.get("DbInstancePort") or 5432),
        "storage_gib": storage,
        "max_storage_gib": int(primary.get("MaxAllocatedStorage") or storage),
        "multi_az": bool(primary.get("MultiAZ")),
        "backup_days": int(primary.get("BackupRetentionPeriod", 0)),
        "deletion_protection": bool(primary.get("DeletionProtection")),
    }
    texts = {
        "name": "DBName",
        "user": "MasterUsername",
        "backup_window": "PreferredBackupWindow",
        "maintenance_window": "PreferredMaintenanceWindow",
    }
    found |= {ours: str(primary[theirs]) for ours, theirs in texts.items() if primary.get(theirs)}
    if not found["multi_az"] and (zone := _zone(primary)):
        found["zone"] = zone
    if "MonitoringInterval" in primary:
        found["monitoring_seconds"] = int(primary["MonitoringInterval"])
    return found


def _version(version: str) -> str:
    """Return the major and minor version: a major alone could be another minor, and an upgrade."""
    return ".".join(version.split(".")[:2])


def replica_name(entry: Entry, primary: Entry) -> str:
    """Return a replica's name: its identifier without what it shares with the primary's."""
    whole, common = str(entry["DBInstanceIdentifier"]), str(primary["DBInstanceIdentifier"])
    stem = re.sub(r"-?(primary|master|main)$", "", common)
    rest = squeeze(whole.removeprefix(stem) if stem else whole)
    rest = rest if rest and rest[0].isalpha() else f"replica-{rest}".rstrip("-")
    return rest[:20].rstrip("-")


def replica(entry: Entry, primary: Entry) -> Config:
    """Return one replica's settings."""
    found: Config = {"name": replica_name(entry, primary)}
    if entry["DBInstanceClass"] != primary["DBInstanceClass"]:
        found["instance_class"] = str(entry["DBInstanceClass"])
    if zone := _zone(entry):
        found["zone"] = zone
    return found


def _zone(entry: Entry) -> int | None:
    """Return the place of an instance's zone among the region's, by its letter: eu-west-1b is the second."""
    letter = str(entry.get("AvailabilityZone") or " ")[-1]
    return ord(letter) - ord("a") + 1 if letter.isalpha() else None


def cache_roles(selection: Selection) -> dict[str, Entry]:
    """Return the replication groups by role, `data` and `sessions`: the one that is named for sessions is theirs."""
    sessions = [each for each in selection.caches if "session" in str(each["ReplicationGroupId"])]
    data = [each for each in selection.caches if each not in sessions]
    found = {"data": data[0]} if data else {}
    return found | ({"sessions": sessions[0]} if sessions else {})


def cache(selection: Selection, notes: list[str]) -> Config:
    """Return `cache`; a group that is not there is `null`."""
    roles = cache_roles(selection)
    found: Config = {"data": None, "sessions": None}
    for role, group in roles.items():
        shards = group.get("NodeGroups", ())
        members = [len(each.get("NodeGroupMembers", ())) for each in shards] or [
            len(group.get("MemberClusters", ())) or 1
        ]
        found[role] = {
            "node_type": str(group.get("CacheNodeType", "")),
            "shards": len(shards) or 1,
            "replicas": max(0, max(members) - 1),
            "snapshot_days": int(group.get("SnapshotRetentionLimit") or 0),
        }
    for group in selection.caches:
        if group not in roles.values():
            notes.append(
                f"cache: {group['ReplicationGroupId']} is left out, the program has one for data and one for sessions"
            )
    if roles:
        found |= _engine(next(iter(roles.values())), selection, notes)
    return found


_NEAREST = {"redis": "7.1", "valkey": "8.0"}
"""The version of an engine that stands in for one that the program does not have."""


def _engine(group: Entry, selection: Selection, notes: list[str]) -> Config:
    of_group = [node for node in selection.nodes if node["CacheClusterId"] in group.get("MemberClusters", ())]
    engine = str(group.get("Engine") or (of_group[0].get("Engine") if of_group else "redis"))
    versions = [str(node["EngineVersion"]) for node in of_group if node.get("EngineVersion")]
    version = _version(versions[0]) if versions else ""
    if engine not in _NEAREST or any(Cache.model_construct(engine=engine, engine_version=version).problems()):
        engine = engine if engine in _NEAREST else "valkey"
        told = f"{version} is not one of the program's" if version else "was not read"
        notes.append(f"cache.engine_version {told}: {engine} {_NEAREST[engine]} stands in its place")
        version = _NEAREST[engine]
    return {"engine": engine, "engine_version": version}
