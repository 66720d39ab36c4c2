"""What keeps an environment up: two of everything, in two zones, and checks that tell the truth."""

from __future__ import annotations

from collections.abc import Iterator

from policies import tokens as t
from policies.rule import Rule
from policies.view import NotKnownYetError, Resource, Stack


def _database_multi_az(database: Resource, _: Stack) -> Iterator[str]:
    if not database.has("replicateSourceDb") and not database.flag("multiAz"):
        yield "has no standby in another zone"


def _zones(resource: Resource, key: str, stack: Stack) -> set[str] | None:
    """Return the zones of the subnets in `key`, None where they are not of this stack."""
    subnets = stack.used(resource, key, t.SUBNET)
    return {subnet.text("availabilityZone") for subnet in subnets} if subnets else None


def _two_zones(resource: Resource, stack: Stack) -> Iterator[str]:
    key = "vpcZoneIdentifiers" if resource.type == t.GROUP else "subnets"
    zones = _zones(resource, key, stack)
    if zones is not None and len(zones) < 2:
        yield f"stands in one zone, {', '.join(zones)}"
    elif zones is None and len(resource.list(key)) < 2:
        yield "stands in one subnet"


def _replica_zones(primary: Resource, stack: Stack) -> Iterator[str]:
    replicas = stack.users(primary, "replicateSourceDb", t.DATABASE)
    zones = {replica.text("availabilityZone") for replica in replicas}
    if not replicas or "" in zones:
        return
    # With a standby RDS chooses the primary's zone: two replicas in one zone may both be in it.
    own = primary.text("availabilityZone")
    if own and zones == {own}:
        yield f"has all replicas in its own zone, {own}"
    elif not own and len(replicas) > 1 and len(zones) == 1:
        yield f"has all replicas in one zone, {', '.join(zones)}, which may be its own"


def _room_to_scale(group: Resource, stack: Stack) -> Iterator[str]:
    if not stack.users(group, "autoscalingGroupName", t.SCALING_POLICY):
        return
    low, high = group.number("minSize"), group.number("maxSize")
    if low is None or high is None:
        raise NotKnownYetError("minSize")
    if high <= low:
        yield f"cannot grow: its maximum is {high:g} and its minimum {low:g}"


def _elb_health_check(group: Resource, _: Stack) -> Iterator[str]:
    if group.has("targetGroupArns") and group.text("healthCheckType") != "ELB":
        yield "keeps servers that the load balancer has found unhealthy"


def _passable_health_check(group: Resource, stack: Stack) -> Iterator[str]:
    grace = group.number("healthCheckGracePeriod")
    for targets in stack.used(group, "targetGroupArns", t.TARGET_GROUP):
        check = next(targets.groups("healthCheck"), None)
        if check is None:
            yield f"is judged by {targets.name}, which has no health check of its own"
            continue
        needed = (check.number("healthyThreshold") or 5) * (check.number("interval") or 30)
        if (grace if grace is not None else 300) <= needed:
            yield f"gives a new server {grace or 0:g} s, and {targets.name} needs {needed:g} s to find it healthy"
        timeout, interval = check.number("timeout"), check.number("interval")
        if timeout is not None and interval is not None and timeout >= interval:
            yield f"is judged by {targets.name}, whose check times out after {timeout:g} s of {interval:g} s"
        if any(code in check.text("matcher") for code in ("404", "400", "500", "502", "503")):
            yield f"is judged by {targets.name}, which takes {check.text('matcher')} for healthy"


def _cache_failover(cache: Resource, _: Stack) -> Iterator[str]:
    if not cache.flag("automaticFailoverEnabled"):
        yield "has no automatic failover"
    elif not cache.flag("multiAzEnabled"):
        yield "has no replica in another zone to fail over to"


RULES = (
    Rule(
        "database-multi-az",
        "Without a standby the loss of a zone, or a patch, takes the database down for minutes to hours.",
        "database.multi_az: true.",
        (t.DATABASE,),
        _database_multi_az,
        control="RDS.5",
    ),
    Rule(
        "two-zones",
        "A zone fails as a whole.",
        "network.zones: 2 or 3.",
        (t.GROUP, t.LOAD_BALANCER),
        _two_zones,
        control="AutoScaling.2",
        across=True,
    ),
    Rule(
        "replica-zones",
        "A replica that fails together with the primary is none.",
        "database.replicas[].zone: another zone than the primary's; by default they take turns.",
        (t.DATABASE,),
        _replica_zones,
        across=True,
    ),
    Rule(
        "room-to-scale",
        "A group whose maximum is its minimum has scaling policies that can do nothing.",
        "servers.max above servers.min; for one server that grows by its type, policies.room-to-scale: disabled.",
        (t.GROUP,),
        _room_to_scale,
        across=True,
    ),
    Rule(
        "elb-health-check",
        "A server whose processes hang still answers EC2's own check.",
        "health_check_type='ELB'.",
        (t.GROUP,),
        _elb_health_check,
        control="AutoScaling.1",
    ),
    Rule(
        "passable-health-check",
        "A check that a new server cannot pass in its grace period replaces servers for ever.",
        "servers.grace_seconds above traffic.health_check.healthy times interval_seconds.",
        (t.GROUP,),
        _passable_health_check,
        across=True,
    ),
    Rule(
        "cache-failover",
        "The loss of one node must not lose its share of keys or sessions.",
        "cache.data.replicas and cache.sessions.replicas: 1 or more.",
        (t.CACHE,),
        _cache_failover,
        control="ElastiCache.3",
    ),
)
