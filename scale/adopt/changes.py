"""What the program would change of what was adopted, the most dangerous first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from scale.adopt.details import Details
from scale.adopt.matching import Match, overlaps
from scale.plan import words
from scale.plan.arns import NAME_PROPERTIES
from scale.plan.recording import Recording, Resource
from scale.plan.refusals.tables import resource_schema
from scale.plan.values import UNKNOWN, plain, reveal

RANKS = ("loses data", "replaces", "refused", "interrupts", "changes", "tags")
"""How dangerous a change is, the worst first."""

_SCHEMA_TYPES = {
    "aws:rds/instance:Instance": "AWS::RDS::DBInstance",
    "aws:elasticache/replicationGroup:ReplicationGroup": "AWS::ElastiCache::ReplicationGroup",
    "aws:s3/bucket:Bucket": "AWS::S3::Bucket",
    "aws:autoscaling/group:Group": "AWS::AutoScaling::AutoScalingGroup",
    "aws:autoscaling/policy:Policy": "AWS::AutoScaling::ScalingPolicy",
    "aws:autoscaling/schedule:Schedule": "AWS::AutoScaling::ScheduledAction",
    "aws:lb/loadBalancer:LoadBalancer": "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "aws:lb/targetGroup:TargetGroup": "AWS::ElasticLoadBalancingV2::TargetGroup",
    "aws:lb/listener:Listener": "AWS::ElasticLoadBalancingV2::Listener",
    "aws:ec2/vpc:Vpc": "AWS::EC2::VPC",
    "aws:ec2/subnet:Subnet": "AWS::EC2::Subnet",
}
_SCHEMA_NAMES = {
    "identifier": "DBInstanceIdentifier",
    "username": "MasterUsername",
    "subnetGroupName": "CacheSubnetGroupName",
    "internal": "Scheme",
    "loadBalancerType": "Type",
    "autoscalingGroupName": "AutoScalingGroupName",
}
_HOLDS_DATA = frozenset(
    {
        "aws:rds/instance:Instance",
        "aws:elasticache/replicationGroup:ReplicationGroup",
        "aws:s3/bucket:Bucket",
    }
)

# What the service restarts, moves, or lets nobody reach for a while; the provider makes these in place.
_INTERRUPTS: dict[str, frozenset[str]] = {
    "aws:rds/instance:Instance": frozenset(
        {
            "instanceClass",
            "engineVersion",
            "parameterGroupName",
            "password",
            "vpcSecurityGroupIds",
            "multiAz",
            "storageType",
        }
        | {"port", "publiclyAccessible", "availabilityZone", "replicateSourceDb"}
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": frozenset(
        {
            "nodeType",
            "engine",
            "engineVersion",
            "numNodeGroups",
            "clusterMode",
            "transitEncryptionEnabled",
            "userGroupIds",
        }
        | {"securityGroupIds", "automaticFailoverEnabled"}
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": frozenset(
        {
            "imageId",
            "instanceType",
            "userData",
            "vpcSecurityGroupIds",
            "iamInstanceProfile",
            "metadataOptions.httpTokens",
        }
        | {"blockDeviceMappings.ebs.encrypted"}
    ),
    "aws:autoscaling/group:Group": frozenset({"vpcZoneIdentifiers", "targetGroupArns"}),
    "aws:lb/loadBalancer:LoadBalancer": frozenset({"subnets", "securityGroups"}),
    "aws:lb/listener:Listener": frozenset({"defaultActions.type", "certificateArn", "protocol"}),
}

_WHY = {
    ("aws:rds/instance:Instance", "password"): "generated anew: servers that have the old one lose the database",
    ("aws:ec2/launchTemplate:LaunchTemplate", "userData"): "the program starts the container in its own way",
    ("aws:autoscaling/group:Group", "launchTemplate.version"): "by its number, so that a refresh sees a change",
}

_ENCRYPT = "copy a snapshot with encryption, restore it, and adopt that one"
_MENDS = {
    ("aws:rds/instance:Instance", "identifier"): (
        "aws rds modify-db-instance --db-instance-identifier {live} --new-db-instance-identifier {planned} "
        "--apply-immediately, then adopt again"
    ),
    ("aws:rds/instance:Instance", "storageEncrypted"): _ENCRYPT,
    ("aws:elasticache/replicationGroup:ReplicationGroup", "atRestEncryptionEnabled"): (
        "a cache fills again; sessions in it are lost"
    ),
}


@dataclass(frozen=True)
class Change:
    """One property that the program has otherwise; `rank` is one of RANKS."""

    rank: str
    resource: str
    property: str
    live: str
    planned: str
    mend: str = ""
    """How to keep it from happening, where there is a way before the import."""


def changes(update: Recording, matches: Sequence[Match], details: Details, region: str) -> list[Change]:
    """Return what the next preview would show of the matched resources, as far as attributes were read."""
    known = _identities(update, matches)
    found = [change for match in matches for change in _of(match, known, region)]
    for planned, subnet in overlaps(update, details):
        label = words.label(planned.type, planned.name)
        block = str(plain(planned.properties["cidrBlock"]))
        found.append(Change("refused", label, "cidrBlock", f"{subnet['SubnetId']} has {subnet['CidrBlock']}", block))
    return sorted(found, key=lambda change: RANKS.index(change.rank))


def created(update: Recording, matches: Sequence[Match]) -> list[Resource]:
    """Return what the program has and was not found: it would be built."""
    matched = {match.resource.urn for match in matches}
    return [each for each in update.all() if each.custom and not each.is_provider and each.urn not in matched]


@dataclass(frozen=True)
class _Identities:
    """What stands for the plan's ids, ARNs and names: the live ones, or that they are new."""

    unique: Mapping[str, str]
    """Ids and ARNs, which nothing else looks like."""
    names: Mapping[str, str]
    """Names, which mean a resource only where one is referred to by name."""
    suffixes: Mapping[str, str]
    """What metrics call a load balancer and a target group, wherever it stands in a text."""

    def resolve(self, key: str, value: Any) -> Any:
        """Return a planned value with live identities in it."""
        if isinstance(value, list):
            return [self.resolve(key, each) for each in cast("list[Any]", value)]
        if isinstance(value, dict):
            return {name: self.resolve(key, each) for name, each in cast("dict[str, Any]", value).items()}
        if not isinstance(value, str):
            return value
        if key in _BY_NAME and value in self.names:
            return self.names[value]
        for planned, live in self.suffixes.items():
            value = value.replace(planned, live)
        return self.unique.get(value, value)


_BY_NAME = frozenset(
    {"autoscalingGroupName", "dbSubnetGroupName", "parameterGroupName", "replicateSourceDb", "subnetGroupName"}
    | {"userGroupIds", "bucket"}
)
_UNIQUE = re.compile(r"arn:.*|[a-z]+-[0-9a-f]{8,17}")
_MEASURED = ("aws:lb/loadBalancer:LoadBalancer", "aws:lb/targetGroup:TargetGroup")


def _identities(update: Recording, matches: Sequence[Match]) -> _Identities:
    live = {match.resource.urn: match for match in matches}
    unique: dict[str, str] = {}
    names: dict[str, str] = {}
    suffixes: dict[str, str] = {}
    for resource in (each for each in update.all() if each.custom):
        match = live.get(resource.urn)
        found = f"new {resource.name}" if match is None else match.import_id
        arns = [alias for alias in match.aliases if alias] if match else []
        planned_arn = str(plain(resource.state.get("arn")) or "")
        unique |= {resource.id: found} if _UNIQUE.fullmatch(resource.id) else {}
        unique |= {planned_arn: arns[0] if arns else found} if planned_arn else {}
        names |= {resource.id: found, physical_name(resource): found}
        if match is not None and resource.type in _MEASURED:
            suffix = match.import_id.rpartition(":")[2].removeprefix("loadbalancer/")
            suffixes[str(plain(resource.state.get("arnSuffix")))] = suffix
    return _Identities(unique, names, suffixes)


def physical_name(resource: Resource) -> str:
    """Return what the plan would call a resource in the cloud."""
    key = NAME_PROPERTIES.get(resource.type, "name")
    return str(plain(resource.properties.get(key)) or plain(resource.state.get(key)) or "")


def _of(match: Match, known: _Identities, region: str) -> Iterator[Change]:
    resource = match.resource
    label = words.label(resource.type, resource.name)
    fixed = _fixed(resource.type, region)
    for key, live in match.state.items():
        head = key.partition(".")[0]
        planned = _at(resource.properties, key)
        if planned is None or head in resource.ignore_changes:
            continue
        value = known.resolve(head, planned)
        if _same(key, live, value):
            continue
        rank = _rank(resource.type, head, key, replaces=_schema_name(head) in fixed)
        why, mend = _WHY.get((resource.type, key)), _MENDS.get((resource.type, key), "")
        shown = _shown(value)
        yield Change(
            rank, label, key, _shown(live) if why is None else "", why or shown, mend.format(live=live, planned=shown)
        )


def _rank(type_: str, head: str, key: str, *, replaces: bool) -> str:
    if head in ("tags", "tagSpecifications"):
        return "tags"
    if replaces:
        return "loses data" if type_ in _HOLDS_DATA else "replaces"
    return "interrupts" if key in _INTERRUPTS.get(type_, frozenset()) else "changes"


def _fixed(type_: str, region: str) -> frozenset[str]:
    """Return the properties that AWS can change only by building anew (CloudFormation's createOnlyProperties)."""
    schema = resource_schema(region, _SCHEMA_TYPES.get(type_, ""))
    found = cast("Sequence[str]", schema.get("createOnlyProperties", ())) if schema else ()
    return frozenset(path.removeprefix("/properties/") for path in found) | _ALSO_FIXED.get(type_, frozenset())


# The schema calls it conditional: it is fixed, unless the instance has a standby, and then the program names none.
_ALSO_FIXED = {"aws:rds/instance:Instance": frozenset({"AvailabilityZone"})}


def _schema_name(key: str) -> str:
    if key in _SCHEMA_NAMES:
        return _SCHEMA_NAMES[key]
    # dbName and vpcId are DBName and VpcId.
    return f"DB{key[2:]}" if key.startswith("db") else key[:1].upper() + key[1:]


def _at(properties: Mapping[str, Any], key: str) -> Any:
    """Return the value at a dotted key; of a list of groups the first one's."""
    value: Any = properties
    for part in key.split("."):
        value = reveal(value)
        if isinstance(value, list):
            entries = cast("list[Any]", value)
            value = reveal(entries[0]) if entries else None
        value = cast("Mapping[str, Any]", value).get(part) if isinstance(value, Mapping) else None
    return None if reveal(value) is UNKNOWN else plain(reveal(value))


def _same(key: str, live: Any, planned: Any) -> bool:
    if key == "engineVersion":
        return live is not None and f"{live}.".startswith(f"{planned}.")
    return _plain(live) == _plain(planned)


def _plain(value: Any) -> Any:
    """Return a value in one form: numbers as such, lists without an order, nothing and none the same."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        if value in ("true", "false"):
            return value == "true"
        try:
            return float(value)
        except ValueError:
            return value or None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, list):
        return sorted(repr(_plain(each)) for each in cast("list[Any]", value)) or None
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in cast("Mapping[str, Any]", value).items()} or None
    return value


def _shown(value: Any) -> str:
    if isinstance(value, list):
        entries = cast("list[Any]", value)
        if entries and all(isinstance(each, dict) for each in entries):
            pairs = [cast("dict[str, Any]", each) for each in entries]
            return ", ".join(f"{each.get('key')}={each.get('value')}" for each in pairs)
        return ", ".join(map(str, entries)) or "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={each}" for key, each in cast("Mapping[str, Any]", value).items()) or "none"
    return "none" if value is None else str(value)
