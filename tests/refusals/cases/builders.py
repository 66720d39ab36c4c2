"""The resources that cases are made of."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from policies import tokens as t
from policies.view import Resource
from tests.policies.stacks import resource


@dataclass(frozen=True)
class Case:
    """A stack that AWS refuses in these words, and the nearest one that it takes."""

    rule: str
    bad: tuple[Resource, ...]
    good: tuple[Resource, ...]
    says: str


LOGGING = "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"
ADDRESS = "aws:ec2/eip:Eip"
WINDOWS = {"backupWindow": "03:00-04:00", "maintenanceWindow": "sun:04:00-sun:05:00"}
vpc = resource(t.VPC, {"cidrBlock": "10.0.0.0/16"})
acl = resource(t.WEB_ACL, {"scope": "REGIONAL"})
role = resource(t.ROLE)


def database(**values: object) -> Resource:
    return resource(t.DATABASE, values)


def replica(primary: dict[str, object], **values: object) -> tuple[Resource, ...]:
    source = resource(t.DATABASE, {"backupRetentionPeriod": 7, **primary}, name="primary")
    given = {"replicateSourceDb": "primary", **values}
    return source, resource(t.DATABASE, given, name="replica", uses={"replicateSourceDb": [source]})


def cache(**values: object) -> Resource:
    return resource(t.CACHE, {"automaticFailoverEnabled": True, **values})


def of_family(family: str) -> tuple[Resource, ...]:
    parameters = resource(t.CACHE_PARAMETERS, {"family": family})
    values = {"engine": "valkey", "engineVersion": "8.1", "automaticFailoverEnabled": True}
    return parameters, resource(t.CACHE, values, uses={"parameterGroupName": [parameters]})


def users(*names: str, engine: str = "redis", user_engine: str = "redis") -> tuple[Resource, ...]:
    members = [
        resource(t.CACHE_USER, {"userName": name, "engine": user_engine}, name=f"user-{place}")
        for place, name in enumerate(names)
    ]
    return *members, resource(t.CACHE_USER_GROUP, {"engine": engine}, uses={"userIds": members})


def template(size: int) -> Resource:
    return resource(t.LAUNCH_TEMPLATE, {"userData": base64.b64encode(b"x" * size).decode()})


def hibernating(kind: str) -> Resource:
    return resource(t.LAUNCH_TEMPLATE, {"instanceType": kind, "hibernationOptions": {"configured": True}})


def group(**values: object) -> Resource:
    return resource(t.GROUP, values)


def mixed(*kinds: str) -> Resource:
    overrides = [{"instanceType": kind} for kind in kinds]
    return group(mixedInstancesPolicy={"launchTemplate": {"overrides": overrides}})


def scheduled(cron: str, zone: str = "Etc/UTC") -> Resource:
    return resource(t.SCHEDULE, {"recurrence": cron, "timeZone": zone})


def steps(*bounds: tuple[str | None, str | None]) -> Resource:
    adjustments = [
        {"metricIntervalLowerBound": low, "metricIntervalUpperBound": high, "scalingAdjustment": 1}
        for low, high in bounds
    ]
    return resource(t.SCALING_POLICY, {"policyType": "StepScaling", "stepAdjustments": adjustments})


def targets(**values: object) -> Resource:
    return resource(t.TARGET_GROUP, values)


def certified(region: str) -> Resource:
    arn = f"arn:aws:acm:{region}:123456789012:certificate/1"
    return resource(t.DISTRIBUTION, {"viewerCertificate": {"acmCertificateArn": arn}})


def firewall(*rules: dict[str, object], scope: str = "REGIONAL") -> Resource:
    named = [{"name": f"rule-{place}", "priority": place, **rule} for place, rule in enumerate(rules)]
    return resource(t.WEB_ACL, {"scope": scope, "rules": named})


def rate(limit: int, window: int = 300) -> dict[str, object]:
    return {"statement": {"rateBasedStatement": {"limit": limit, "evaluationWindowSec": window}}}


def managed(count: int, name: str = "AWSManagedRulesCommonRuleSet") -> list[dict[str, object]]:
    return [{"statement": {"managedRuleGroupStatement": {"name": name, "vendorName": "AWS"}}}] * count


def logged(name: str) -> tuple[Resource, ...]:
    logs = resource(t.LOG_GROUP, {"name": name})
    return acl, logs, resource(LOGGING, uses={"resourceArn": [acl], "logDestinationConfigs": [logs]})


def subnets(*blocks: str) -> tuple[Resource, ...]:
    parts = [
        resource(t.SUBNET, {"cidrBlock": block}, name=f"subnet-{place}", uses={"vpcId": [vpc]})
        for place, block in enumerate(blocks)
    ]
    return vpc, *parts


def zones(count: int) -> tuple[Resource, ...]:
    return tuple(
        resource(t.SUBNET, {"availabilityZone": f"eu-west-1{'abcd'[place]}"}, name=f"{place}") for place in range(count)
    )


def tagged(**tags: str) -> Resource:
    return resource(t.PROVIDER, {"defaultTags": {"tags": tags}})


def alarm(**values: object) -> Resource:
    return resource(t.ALARM, {"period": 60, "evaluationPeriods": 3, **values})


def inline(size: int) -> tuple[Resource, ...]:
    return role, resource(t.ROLE_POLICY, {"policy": "x" * size}, uses={"role": [role]})
