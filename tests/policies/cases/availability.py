"""For each rule a stack that breaks it, and one that nearly does."""

from __future__ import annotations

from policies import tokens as t
from policies.view import Resource
from tests.policies.cases.builders import Case, cache, database, group, replicas, subnet_a, subnet_a2, subnet_b, targets
from tests.policies.stacks import resource

FIXED = group(minSize=3, maxSize=3)


def scaled(of: Resource) -> tuple[Resource, ...]:
    """Return a group and a scaling policy of it."""
    return of, resource(t.SCALING_POLICY, uses={"autoscalingGroupName": [of]})


AVAILABILITY = (
    Case("database-multi-az", (database(),), (database(replicateSourceDb="primary"),), "no standby"),
    Case("database-multi-az", (database(multiAz=False),), (database(multiAz=True),), "no standby"),
    Case(
        "two-zones",
        (subnet_a, subnet_a2, resource(t.GROUP, uses={"vpcZoneIdentifiers": [subnet_a, subnet_a2]})),
        (subnet_a, subnet_b, resource(t.GROUP, uses={"vpcZoneIdentifiers": [subnet_a, subnet_b]})),
        "one zone, eu-west-1a",
    ),
    Case(
        "two-zones",
        (resource(t.LOAD_BALANCER, {"subnets": ["subnet-1"]}),),
        (resource(t.LOAD_BALANCER, {"subnets": ["subnet-1", "subnet-2"]}),),
        "one subnet",
    ),
    Case("replica-zones", replicas("z1", "z1", "z1"), replicas("z1", "z1", "z2"), "in its own zone, z1"),
    Case("replica-zones", replicas("", "z1", "z1"), replicas("", "z1"), "may be its own"),
    Case("room-to-scale", scaled(FIXED), scaled(group(minSize=3, maxSize=4)), "cannot grow"),
    Case("room-to-scale", scaled(FIXED), (FIXED,), "cannot grow"),
    Case(
        "elb-health-check",
        (group(targetGroupArns=["arn"], healthCheckType="EC2"),),
        (group(targetGroupArns=["arn"], healthCheckType="ELB"),),
        "unhealthy",
    ),
    Case(
        "passable-health-check",
        (targets, group(healthCheckGracePeriod=30)),
        (targets, group(healthCheckGracePeriod=31)),
        "needs 30 s",
    ),
    Case("cache-failover", (cache(),), (cache(automaticFailoverEnabled=True, multiAzEnabled=True),), "failover"),
    Case(
        "cache-failover",
        (cache(automaticFailoverEnabled=True, multiAzEnabled=False),),
        (cache(automaticFailoverEnabled=True, multiAzEnabled=True),),
        "no replica in another zone",
    ),
)
