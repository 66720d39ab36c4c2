"""Planned resources as AWS is asked for them: property names of CloudFormation and of the services' requests.

Both write names in capitals where the provider writes `dbName`; what differs otherwise is in the tables below. A
property that AWS takes by another call, or not at all, has the name None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from policies import tokens as t
from policies.view import Resource

Names = Mapping[str, str | None]


@dataclass(frozen=True)
class Shape:
    """What a type is to AWS."""

    cloudformation: str
    service: str
    operation: str
    names: Names = field(default_factory=dict[str, str | None])
    """AWS's name of a property, where it is not the provider's with a capital."""
    inside: str = ""
    """The property of CloudFormation's type in which all others are."""


_DATABASE: Names = {
    "identifier": "DBInstanceIdentifier",
    "instanceClass": "DBInstanceClass",
    "dbName": "DBName",
    "username": "MasterUsername",
    "password": "MasterUserPassword",
    "manageMasterUserPassword": "ManageMasterUserPassword",
    "multiAz": "MultiAZ",
    "backupWindow": "PreferredBackupWindow",
    "maintenanceWindow": "PreferredMaintenanceWindow",
    "parameterGroupName": "DBParameterGroupName",
    "dbSubnetGroupName": "DBSubnetGroupName",
    "replicateSourceDb": "SourceDBInstanceIdentifier",
    "performanceInsightsEnabled": "EnablePerformanceInsights",
    "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
    "caCertIdentifier": "CACertificateIdentifier",
    "skipFinalSnapshot": None,
    "finalSnapshotIdentifier": None,
}
_CACHE: Names = {
    "description": "ReplicationGroupDescription",
    "nodeType": "CacheNodeType",
    "parameterGroupName": "CacheParameterGroupName",
    "subnetGroupName": "CacheSubnetGroupName",
    "multiAzEnabled": "MultiAZEnabled",
    "maintenanceWindow": "PreferredMaintenanceWindow",
}
_TARGETS: Names = {
    "healthyThreshold": "HealthyThresholdCount",
    "unhealthyThreshold": "UnhealthyThresholdCount",
    "interval": "HealthCheckIntervalSeconds",
    "timeout": "HealthCheckTimeoutSeconds",
    "path": "HealthCheckPath",
    "matcher": None,
    "port": "HealthCheckPort",
    "protocol": "HealthCheckProtocol",
}

# Set by ModifyLoadBalancerAttributes and ModifyTargetGroupAttributes, as texts by name.
_ATTRIBUTES: Names = dict.fromkeys(
    (
        "deregistrationDelay",
        "desyncMitigationMode",
        "dropInvalidHeaderFields",
        "enableDeletionProtection",
        "idleTimeout",
        "loadBalancingAlgorithmType",
        "loadBalancingAnomalyMitigation",
        "slowStart",
    )
)

SHAPES: Mapping[str, Shape] = {
    t.DATABASE: Shape("AWS::RDS::DBInstance", "rds", "CreateDBInstance", _DATABASE),
    t.DATABASE_PARAMETERS: Shape(
        "AWS::RDS::DBParameterGroup",
        "rds",
        "CreateDBParameterGroup",
        {"name": "DBParameterGroupName", "family": "DBParameterGroupFamily", "parameters": None},
    ),
    t.CACHE: Shape("AWS::ElastiCache::ReplicationGroup", "elasticache", "CreateReplicationGroup", _CACHE),
    t.CACHE_PARAMETERS: Shape(
        "AWS::ElastiCache::ParameterGroup",
        "elasticache",
        "CreateCacheParameterGroup",
        {"family": "CacheParameterGroupFamily", "name": "CacheParameterGroupName", "parameters": None},
    ),
    t.CACHE_USER: Shape("AWS::ElastiCache::User", "elasticache", "CreateUser"),
    t.CACHE_USER_GROUP: Shape("AWS::ElastiCache::UserGroup", "elasticache", "CreateUserGroup"),
    t.LAUNCH_TEMPLATE: Shape(
        "AWS::EC2::LaunchTemplate",
        "",
        "CreateLaunchTemplate",
        {"vpcSecurityGroupIds": "SecurityGroupIds", "updateDefaultVersion": None, "tags": None},
        inside="LaunchTemplateData",
    ),
    t.GROUP: Shape(
        "AWS::AutoScaling::AutoScalingGroup",
        "autoscaling",
        "CreateAutoScalingGroup",
        {
            "name": "AutoScalingGroupName",
            "targetGroupArns": "TargetGroupARNs",
            "vpcZoneIdentifiers": None,
            "tags": None,
            "enabledMetrics": None,
            "instanceRefresh": None,
            "warmPool": None,
            "minElbCapacity": None,
            "waitForCapacityTimeout": None,
        },
    ),
    t.SCALING_POLICY: Shape(
        "AWS::AutoScaling::ScalingPolicy",
        "autoscaling",
        "PutScalingPolicy",
        {"autoscalingGroupName": "AutoScalingGroupName", "name": "PolicyName"},
    ),
    t.SCHEDULE: Shape(
        "AWS::AutoScaling::ScheduledAction",
        "autoscaling",
        "PutScheduledUpdateGroupAction",
        # The provider's -1 is "unchanged", which AWS is told by leaving it out.
        {"autoscalingGroupName": "AutoScalingGroupName", "minSize": None, "maxSize": None, "desiredCapacity": None},
    ),
    t.LOAD_BALANCER: Shape(
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "elbv2",
        "CreateLoadBalancer",
        {"loadBalancerType": "Type", "internal": None, "accessLogs": None, "enableHttp2": None, **_ATTRIBUTES},
    ),
    t.TARGET_GROUP: Shape("AWS::ElasticLoadBalancingV2::TargetGroup", "elbv2", "CreateTargetGroup", _ATTRIBUTES),
    t.LISTENER: Shape(
        "AWS::ElasticLoadBalancingV2::Listener", "elbv2", "CreateListener", {"certificateArn": None, "tags": None}
    ),
    t.WEB_ACL: Shape(
        "AWS::WAFv2::WebACL",
        "wafv2",
        "CreateWebACL",
        # A mapping by key where the provider has a list; and rules are nested in a form of the provider's own.
        {"name": "Name", "customResponseBodies": None, "rules": None},
    ),
    t.ALARM: Shape(
        "AWS::CloudWatch::Alarm",
        "cloudwatch",
        "PutMetricAlarm",
        {"name": "AlarmName", "okActions": "OKActions", "metricQueries": None, "dimensions": None, "tags": None},
    ),
    t.LOG_GROUP: Shape("AWS::Logs::LogGroup", "logs", "CreateLogGroup", {"name": "LogGroupName"}),
    t.TOPIC_SUBSCRIPTION: Shape("AWS::SNS::Subscription", "sns", "Subscribe", {"topic": "TopicArn"}),
    t.CERTIFICATE: Shape("AWS::CertificateManager::Certificate", "acm", "RequestCertificate", {"tags": None}),
    t.SECRET: Shape("AWS::SecretsManager::Secret", "secretsmanager", "CreateSecret", {"recoveryWindowInDays": None}),
}
"""By the provider's type."""


@dataclass(frozen=True)
class Translation:
    """A resource in AWS's names, and the provider's name of each of its properties."""

    properties: Mapping[str, object]
    origins: Mapping[str, str]


def translate(resource: Resource, shape: Shape) -> Translation:
    """Return a resource in AWS's names."""
    values = dict(resource.values)
    properties: dict[str, object] = {}
    origins: dict[str, str] = {}
    if resource.type == t.TARGET_GROUP:
        check = values.pop("healthCheck", None)
        if isinstance(check, Mapping):
            for key, value in cast("Mapping[str, object]", check).items():
                name = _TARGETS.get(key, capital(key))
                if name is not None:
                    properties[name] = _texts(value)
                    origins[name] = f"healthCheck.{key}"
    for key, value in values.items():
        name = shape.names.get(key, capital(key))
        if name is not None and value is not None:
            properties[name] = _deep(value)
            origins[name] = key
    return Translation(properties, origins)


def capital(key: str) -> str:
    """Return a property's name as AWS writes it."""
    return key[:1].upper() + key[1:]


def _deep(value: object) -> object:
    if isinstance(value, Mapping):
        group = cast("Mapping[str, object]", value)
        return {capital(key): _deep(inner) for key, inner in group.items() if inner is not None}
    if isinstance(value, list):
        return [_deep(item) for item in cast("list[object]", value)]
    return _texts(value)


def _texts(value: object) -> object:
    """Return a flag that the provider keeps as text as a flag."""
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
