"""How AWS's Price List names what is priced here: service, attributes, usage type, unit.

Source: "Finding prices using the AWS Price List Query API" (Billing guide) and the lists' own attributes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from scale.cost.prices import Rate

# A usage type begins with its region's short form, but for us-east-1: EU-, USE2-, and of keys eu-west-1-.
_PREFIX = r"(?:(?!TS-)[A-Z]{2,4}\d{0,2}-|[a-z]{2}-[a-z]+-\d-)?"

ENGINES = {"valkey": "Valkey", "redis": "Redis", "memcached": "Memcached"}
_VOLUMES = {
    "gp2": "General Purpose",
    "gp3": "General Purpose-GP3",
    "io1": "Provisioned IOPS",
    "io2": "Provisioned IOPS",
}


@dataclass(frozen=True)
class Query:
    """What to ask for: equal attributes (TERM_MATCH), then a usage type without its region, and the units it has."""

    service: str
    usage: str
    units: tuple[str, ...]
    attributes: Mapping[str, str] = field(default_factory=dict[str, str])
    regional: bool = True

    def is_meant(self, usage_type: str) -> bool:
        """Return whether a product's usage type is the one meant, not a cousin such as an Outpost's."""
        return re.fullmatch(_PREFIX + self.usage, usage_type) is not None


_HOURS, _STORED, _GB = ("Hrs", "hours", "Hours"), ("GB-Mo", "GB-month"), ("GB", "Gigabytes")


def _server(type_: str) -> Query:
    attributes = {
        "instanceType": type_,
        "operatingSystem": "Linux",
        "tenancy": "Shared",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
    }
    return Query("AmazonEC2", rf"BoxUsage:{re.escape(type_)}", _HOURS, attributes)


def _volume(type_: str) -> Query:
    return Query("AmazonEC2", rf"EBS:VolumeUsage(?:\.{re.escape(type_)})?", _STORED, {"volumeApiName": type_})


def _database(subject: str) -> Query:
    class_name, _, deployment = subject.partition(" ")
    attributes = {
        "instanceType": class_name,
        "databaseEngine": "PostgreSQL",
        "deploymentOption": deployment or "Single-AZ",
    }
    return Query("AmazonRDS", r"(?:InstanceUsage|Multi-AZUsage):.*", _HOURS, attributes)


def _database_storage(subject: str) -> Query:
    type_, _, deployment = subject.partition(" ")
    attributes = {
        "databaseEngine": "PostgreSQL",
        "deploymentOption": deployment or "Single-AZ",
        "volumeType": _VOLUMES.get(type_, type_),
        "productFamily": "Database Storage",
    }
    return Query("AmazonRDS", r"RDS:(?:Multi-AZ-)?[A-Z0-9]+-Storage", _STORED, attributes)


def _cache_node(subject: str) -> Query:
    engine, _, type_ = subject.partition(" ")
    attributes = {"instanceType": type_, "cacheEngine": ENGINES.get(engine, engine)}
    return Query("AmazonElastiCache", rf"NodeUsage:{re.escape(type_)}", _HOURS, attributes)


_BALANCER = {"operation": "LoadBalancing:Application"}
_BY_SUBJECT: dict[str, Callable[[str], Query]] = {
    "server": _server,
    "volume": _volume,
    "database": _database,
    "database-storage": _database_storage,
    "cache-node": _cache_node,
}
_FIXED: dict[str, Query] = {
    "nat-gateway": Query("AmazonEC2", "NatGateway-Hours", _HOURS, {"productFamily": "NAT Gateway"}),
    "nat-data": Query("AmazonEC2", "NatGateway-Bytes", _GB, {"productFamily": "NAT Gateway"}),
    "public-address": Query("AmazonVPC", "PublicIPv4:InUseAddress", _HOURS),
    "endpoint": Query("AmazonVPC", "VpcEndpoint-Hours", _HOURS),
    "load-balancer": Query("AWSELB", "LoadBalancerUsage", _HOURS, _BALANCER),
    "load-balancer-unit": Query("AWSELB", "LCUUsage", ("LCU-Hrs",), _BALANCER),
    "network-load-balancer": Query("AWSELB", "LoadBalancerUsage", _HOURS, {"operation": "LoadBalancing:Network"}),
    "network-load-balancer-unit": Query("AWSELB", "LCUUsage", ("LCU-Hrs",), {"operation": "LoadBalancing:Network"}),
    "egress": Query("AWSDataTransfer", "DataTransfer-Out-Bytes", _GB, {"transferType": "AWS Outbound"}),
    "web-acl": Query("awswaf", "WebACLV2", ("Month", "Web ACL", "ACL")),
    "web-acl-rule": Query("awswaf", "RuleV2", ("Month", "Rule", "rule")),
    "web-acl-request": Query("awswaf", "RequestV2-Tier1", ("Request", "Requests")),
    "object-storage": Query("AmazonS3", "TimedStorage-ByteHrs", _STORED),
    "alarm": Query("AmazonCloudWatch", "CW:AlarmMonitorUsage", ("Alarms",)),
    "composite-alarm": Query("AmazonCloudWatch", "CW:CompositeAlarmMonitorUsage", ("Alarms",)),
    "metric": Query("AmazonCloudWatch", "CW:MetricMonitorUsage", ("Metrics",)),
    "dashboard": Query("AmazonCloudWatch", "DashboardsUsageHour-Basic", ("Dashboards",), regional=False),
    "log-data": Query("AmazonCloudWatch", "DataProcessing-Bytes", _GB),
    "vended-log-data": Query("AmazonCloudWatch", "VendedLog-Bytes", _GB),
    "log-storage": Query("AmazonCloudWatch", "TimedStorage-ByteHrs", _STORED),
    "secret": Query("AWSSecretsManager", "AWSSecretsManager-Secrets", ("Secrets", "Secret")),
    "key": Query("awskms", "KMS-Keys", ("Keys", "Key", "months")),
    "cluster": Query("AmazonEKS", "AmazonEKS-Hours:perCluster", _HOURS),
}

# CloudFront has the prices of edges, by continent; a stack's visitors are taken to be on its region's.
_EDGES = {"eu": "EU", "us": "US", "ca": "CA", "sa": "SA", "af": "ZA", "me": "ME"}


def query(rate: Rate, region: str) -> Query | None:
    """Return how to ask for a rate; None for what has no list price, such as a spot server's."""
    if rate.kind in _BY_SUBJECT:
        return _BY_SUBJECT[rate.kind](rate.subject)
    if rate.kind in ("delivery", "delivery-request"):
        edge = _EDGES.get(region.partition("-")[0])
        if edge is None:
            return None
        usage = "DataTransfer-Out-Bytes" if rate.kind == "delivery" else "Requests-Tier2-HTTPS"
        units = _GB if rate.kind == "delivery" else ("Requests",)
        return Query("AmazonCloudFront", usage, units, {"usagetype": f"{edge}-{usage}"}, regional=False)
    return _FIXED.get(rate.kind)
