"""Will AWS take the names?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scale.plan import arns
from scale.plan.findings import Finding
from scale.plan.recording import Recording, Resource
from scale.plan.values import Value, reveal

_PULUMI_SUFFIX = 8
"""A generated name is the logical one, a hyphen and seven digits (Pulumi, "Auto-naming")."""
_PREFIX_SUFFIX = 26
"""A name from `namePrefix` ends in 26 digits (Terraform's plugin SDK, UniqueIDSuffixLength)."""

LIMITS: dict[str, int] = {
    "aws:autoscaling/group:Group": 255,
    "aws:cloudfront/cachePolicy:CachePolicy": 128,
    "aws:cloudfront/function:Function": 64,
    "aws:cloudfront/originAccessControl:OriginAccessControl": 64,
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": 128,
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": 255,
    "aws:cloudwatch/dashboard:Dashboard": 255,
    "aws:cloudwatch/logGroup:LogGroup": 512,
    "aws:cloudwatch/metricAlarm:MetricAlarm": 255,
    "aws:ec2/launchTemplate:LaunchTemplate": 128,
    "aws:ec2/securityGroup:SecurityGroup": 255,
    "aws:eks/cluster:Cluster": 100,
    "aws:eks/nodeGroup:NodeGroup": 63,
    "aws:elasticache/parameterGroup:ParameterGroup": 255,
    "aws:elasticache/replicationGroup:ReplicationGroup": 40,
    "aws:elasticache/subnetGroup:SubnetGroup": 255,
    "aws:elasticache/user:User": 40,
    "aws:elasticache/userGroup:UserGroup": 40,
    "aws:iam/instanceProfile:InstanceProfile": 128,
    "aws:iam/policy:Policy": 128,
    "aws:iam/role:Role": 64,
    "aws:iam/rolePolicy:RolePolicy": 128,
    "aws:iam/user:User": 64,
    "aws:kms/alias:Alias": 256,
    "aws:lb/loadBalancer:LoadBalancer": 32,
    "aws:lb/targetGroup:TargetGroup": 32,
    "aws:rds/cluster:Cluster": 63,
    "aws:rds/instance:Instance": 63,
    "aws:rds/parameterGroup:ParameterGroup": 255,
    "aws:rds/subnetGroup:SubnetGroup": 255,
    "aws:s3/bucket:Bucket": 63,
    "aws:s3/bucketV2:BucketV2": 63,
    "aws:secretsmanager/secret:Secret": 512,
    "aws:sns/topic:Topic": 256,
    "aws:sqs/queue:Queue": 80,
    "aws:wafv2/ipSet:IpSet": 128,
    "aws:wafv2/webAcl:WebAcl": 128,
}
"""Most characters of a name, from each service's API reference (the create action's name parameter)."""

_NOT_GENERATED = frozenset(
    {
        "aws:cloudwatch/dashboard:Dashboard",
        "aws:elasticache/user:User",
        "aws:elasticache/userGroup:UserGroup",
    }
)
"""Types whose name the program must give."""

_WITHIN: dict[str, tuple[str, ...]] = {
    "aws:autoscaling/lifecycleHook:LifecycleHook": ("autoscalingGroupName",),
    "aws:autoscaling/policy:Policy": ("autoscalingGroupName",),
    "aws:autoscaling/schedule:Schedule": ("autoscalingGroupName",),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": ("logGroupName",),
    "aws:cloudwatch/logStream:LogStream": ("logGroupName",),
    "aws:ec2/securityGroup:SecurityGroup": ("vpcId",),
    "aws:eks/nodeGroup:NodeGroup": ("clusterName",),
    "aws:iam/rolePolicy:RolePolicy": ("role",),
    "aws:route53/record:Record": ("zoneId", "type", "setIdentifier"),
    "aws:route53/zone:Zone": ("comment",),
}
"""Types whose names need be unique only among those with the same values here."""

_WORLDWIDE = ("aws:cloudfront/", "aws:iam/", "aws:route53/", "aws:s3/")


@dataclass(frozen=True)
class _Name:
    text: str
    given: bool


def check_names(update: Recording) -> Iterator[Finding]:
    """Yield names that are longer than their service allows, and names given twice."""
    seen: dict[tuple[object, ...], Resource] = {}
    for resource in update.all():
        name = _name(resource)
        if name is None or resource.read:
            continue
        yield from _too_long(resource, name)
        if not name.given:
            continue
        key = _place(resource, name.text, update)
        first = seen.setdefault(key, resource)
        if first is not resource:
            yield Finding(
                "error", "name-collision", resource.urn, f"has the name {name.text!r} that {first.name} has too"
            )


def _name(resource: Resource) -> _Name | None:
    """Return the name in the cloud, None for a resource without one or whose name a provider computes."""
    key = arns.NAME_PROPERTIES.get(resource.type, "name")
    given = _text(resource.properties, key)
    if given is not None:
        return _Name(given, given=True)
    if key in resource.properties or resource.type in _NOT_GENERATED or resource.type not in LIMITS:
        return None
    prefix = _text(resource.properties, f"{key}Prefix")
    if prefix is not None:
        return _Name(prefix + "0" * _PREFIX_SUFFIX, given=False)
    return _Name(resource.name + "-" + "0" * (_PULUMI_SUFFIX - 1), given=False)


def _too_long(resource: Resource, name: _Name) -> Iterator[Finding]:
    limit = LIMITS.get(resource.type)
    if limit is not None and len(name.text) > limit:
        what = f"has the name {name.text!r}" if name.given else "gets a generated name"
        yield Finding(
            "error", "name-length", resource.urn, f"{what} of {len(name.text)} characters; AWS takes at most {limit}"
        )


def _place(resource: Resource, name: str, update: Recording) -> tuple[object, ...]:
    """Return what no two resources may share."""
    within = tuple(str(reveal(resource.properties.get(key))) for key in _WITHIN.get(resource.type, ()))
    if resource.type.startswith(_WORLDWIDE):
        return resource.type, name, within
    provider = update.resources.get(resource.provider.rpartition("::")[0])
    region = resource.properties.get("region") or (provider.properties.get("region") if provider else None)
    return resource.type, name, within, str(region)


def _text(properties: Mapping[str, Value], key: str) -> str | None:
    value = reveal(properties.get(key))
    return value if isinstance(value, str) else None
