"""What nobody here counts: it is listed, so that nothing is taken for free because it was forgotten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from scale.cost.items import Item, Known, always
from scale.cost.prices import Rate
from scale.cost.quantities.resources import component
from scale.plan import words
from scale.plan.recording import Recording

COUNTED = frozenset(
    {
        "aws:autoscaling/group:Group",
        "aws:autoscaling/policy:Policy",
        "aws:cloudfront/distribution:Distribution",
        "aws:cloudwatch/compositeAlarm:CompositeAlarm",
        "aws:cloudwatch/dashboard:Dashboard",
        "aws:cloudwatch/logGroup:LogGroup",
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "aws:ec2/eip:Eip",
        "aws:ec2/flowLog:FlowLog",
        "aws:ec2/launchTemplate:LaunchTemplate",
        "aws:ec2/natGateway:NatGateway",
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "aws:eks/cluster:Cluster",
        "aws:eks/nodeGroup:NodeGroup",
        "aws:elasticache/replicationGroup:ReplicationGroup",
        "aws:kms/key:Key",
        "aws:lb/loadBalancer:LoadBalancer",
        "aws:rds/instance:Instance",
        "aws:s3/bucket:Bucket",
        "aws:secretsmanager/secret:Secret",
        "aws:wafv2/webAcl:WebAcl",
    }
)
"""The types that the other files count."""

_FREE_MODULES = frozenset({"acm", "iam", "vpc"})
"""Modules of the provider whose types cost nothing: public certificates, roles, rules of security groups."""

_FREE_PREFIXES = (
    "aws:autoscaling/",
    "aws:cloudfront/",
    "aws:cloudwatch/logResourcePolicy",
    "aws:cloudwatch/queryDefinition",
    "aws:ec2/defaultSecurityGroup",
    "aws:ec2/internetGateway",
    "aws:ec2/route",
    "aws:ec2/securityGroup",
    "aws:ec2/subnet",
    "aws:ec2/vpc:",
    "aws:eks/access",
    "aws:eks/addon",
    "aws:eks/podIdentity",
    "aws:elasticache/",
    "aws:kms/alias",
    "aws:lb/",
    "aws:rds/eventSubscription",
    "aws:rds/parameterGroup",
    "aws:rds/subnetGroup",
    "aws:s3/bucket",
    "aws:secretsmanager/",
    "aws:wafv2/",
    # Charged by use that no plan shows, and by little: queries, deliveries (docs/cost.md, "What is not in it").
    "aws:route53/record",
    "aws:sns/",
)
"""Beginnings of types that cost nothing beside what is counted of their service."""


def items(update: Recording, known: Known) -> Iterator[Item]:
    """Yield each type of AWS's that is neither counted nor free, with how many there are and no price."""
    found: Counter[tuple[str, str]] = Counter(
        (component(update, resource), resource.type)
        for resource in update.all()
        if resource.custom and not resource.read and resource.type.startswith("aws:") and not _is_known(resource.type)
    )
    for (owner, type_), number in found.items():
        yield Item(owner, words.noun(type_, number), Rate("other", type_), "resources", always(number))


def _is_known(type_: str) -> bool:
    if type_ in COUNTED or type_.split(":")[1].partition("/")[0] in _FREE_MODULES:
        return True
    # Serverless caches and endpoints of a resolver are of free modules' services, and have prices.
    return type_.startswith(_FREE_PREFIXES) and "erverless" not in type_
