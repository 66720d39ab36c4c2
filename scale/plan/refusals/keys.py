"""Which setting decides a property of a planned resource."""

from __future__ import annotations

import re
from collections.abc import Mapping

from model.settings import Settings
from policies import tokens as t
from policies.view import Resource

_DATABASE: Mapping[str, str] = {
    "instanceClass": "database.instance_class",
    "engineVersion": "database.engine_version",
    "dbName": "database.name",
    "username": "database.user",
    "port": "database.port",
    "allocatedStorage": "database.storage_gib",
    "maxAllocatedStorage": "database.max_storage_gib",
    "multiAz": "database.multi_az",
    "availabilityZone": "database.zone",
    "backupRetentionPeriod": "database.backup_days",
    "backupWindow": "database.backup_window",
    "maintenanceWindow": "database.maintenance_window",
    "monitoringInterval": "database.monitoring_seconds",
    "databaseInsightsMode": "database.insights",
    "deletionProtection": "database.deletion_protection",
    "identifier": "application.name",
}
_CACHE: Mapping[str, str] = {
    "nodeType": "node_type",
    "numNodeGroups": "shards",
    "replicasPerNodeGroup": "replicas",
    "multiAzEnabled": "replicas",
    "snapshotRetentionLimit": "snapshot_days",
}
_KEYS: Mapping[str, Mapping[str, str]] = {
    t.DATABASE_PARAMETERS: {"family": "database.engine_version", "parameters": "database.max_connections"},
    t.CACHE_PARAMETERS: {"family": "cache.engine_version"},
    t.LAUNCH_TEMPLATE: {
        "instanceType": "servers.instance_type",
        "imageId": "servers.ami",
        "userData": "application.environment",
        "blockDeviceMappings": "servers.root_volume_gib",
        "hibernationOptions": "servers.warm_pool.state",
    },
    t.GROUP: {
        "minSize": "servers.min",
        "maxSize": "servers.max",
        "mixedInstancesPolicy": "servers.other_instance_types",
        "healthCheckGracePeriod": "servers.grace_seconds",
        "defaultInstanceWarmup": "scaling.warmup_seconds",
        "warmPool": "servers.warm_pool",
        "instanceRefresh": "servers.refresh",
        "instanceMaintenancePolicy": "servers.refresh",
    },
    t.SCHEDULE: {"recurrence": "scaling.scheduled[].cron", "timeZone": "scaling.scheduled[].time_zone"},
    t.TARGET_GROUP: {
        "port": "application.port",
        "slowStart": "traffic.slow_start_seconds",
        "loadBalancingAlgorithmType": "traffic.algorithm",
        "deregistrationDelay": "traffic.draining_seconds",
        "healthCheck": "traffic.health_check",
    },
    t.LOAD_BALANCER: {"idleTimeout": "traffic.idle_timeout_seconds", "subnets": "network.zones"},
    t.CERTIFICATE: {"domainName": "application.domain"},
    t.WEB_ACL: {"rules": "traffic.firewall.managed_groups"},
    t.SUBNET: {"cidrBlock": "network.cidr", "availabilityZone": "network.zones"},
    t.VPC: {"cidrBlock": "network.cidr"},
    t.DISTRIBUTION: {"priceClass": "storage.price_class"},
    t.TOPIC_SUBSCRIPTION: {"endpoint": "alarms"},
    t.PROVIDER: {"defaultTags": "tags"},
}
_LOG_GROUPS = {
    "firewall": "traffic.firewall.log_retention_days",
    "flow": "network.flow_log_retention_days",
    "logs": "servers.log_retention_days",
}


def setting(resource: Resource, key: str, settings: Settings | None) -> str:
    """Return the setting that decides a property (by the provider's name), empty where none does."""
    if settings is None:
        return ""
    key = re.split(r"[.\[]", key)[0]
    if resource.type == t.DATABASE:
        return _database(resource, key, settings)
    if resource.type == t.CACHE:
        return _cache(resource, key)
    if resource.type == t.LOG_GROUP and key == "retentionInDays":
        return _LOG_GROUPS.get(resource.name.rpartition("-")[2], "")
    if resource.type == t.LAUNCH_TEMPLATE and resource.name == f"{settings.prefix}-edge-template":
        return "traffic.haproxy.instance_type" if key == "instanceType" else ""
    found = _KEYS.get(resource.type, {}).get(key, "")
    if resource.type == t.SCHEDULE:
        return found.replace("[]", f"[{_scheduled(resource, settings)}]")
    return found


def instance_type(name: str, settings: Settings | None) -> str:
    """Return the setting in which an instance type of a fleet with several stands."""
    others = settings.servers.other_instance_types if settings else ()
    return f"servers.other_instance_types[{others.index(name)}]" if name in others else "servers.instance_type"


def _database(resource: Resource, key: str, settings: Settings) -> str:
    database = settings.database
    role = resource.name.removeprefix(f"{settings.prefix}-db-")
    if role in database.replica_names:
        index = database.replica_names.index(role)
        if key == "instanceClass" and database.replicas[index].instance_class is not None:
            return f"database.replicas[{index}].instance_class"
        if key == "availabilityZone":
            return f"database.replicas[{index}].zone"
    return _DATABASE.get(key, "")


def _cache(resource: Resource, key: str) -> str:
    if key in ("engine", "engineVersion"):
        return f"cache.{'engine' if key == 'engine' else 'engine_version'}"
    group = "sessions" if resource.name.endswith("-sessions-group") else "data"
    return f"cache.{group}.{_CACHE[key]}" if key in _CACHE else ""


def _scheduled(resource: Resource, settings: Settings) -> int:
    names = [action.name for action in settings.scaling.scheduled]
    name = resource.text("scheduledActionName")
    return names.index(name) if name in names else 0
