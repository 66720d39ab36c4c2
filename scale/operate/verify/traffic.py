"""The load balancer, its listeners and target groups, and the firewall in front of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from scale.operate.errors import MissingError
from scale.operate.verify.difference import UP, Danger, Difference, write
from scale.operate.verify.look import Field, Look, attributes, compare, entries, is_named, missing, named, shown
from scale.plan.recording import Resource

BALANCER = "aws:lb/loadBalancer:LoadBalancer"
TARGETS = "aws:lb/targetGroup:TargetGroup"
LISTENER = "aws:lb/listener:Listener"
ACL = "aws:wafv2/webAcl:WebAcl"
ASSOCIATION = "aws:wafv2/webAclAssociation:WebAclAssociation"

_BALANCER_FIELDS = (
    Field(
        "enableDeletionProtection",
        "deletion_protection.enabled",
        "deletion protection",
        Danger.OUTAGE,
        write("traffic.deletion_protection"),
    ),
    Field(
        "dropInvalidHeaderFields",
        "routing.http.drop_invalid_header_fields.enabled",
        "invalid headers dropped",
        Danger.DATA,
    ),
    Field("idleTimeout", "idle_timeout.timeout_seconds", "idle time-out", Danger.DRIFT),
    Field("accessLogs.enabled", "access_logs.s3.enabled", "access logs", Danger.SILENCE),
)
_CHECK = write("traffic.health_check")
_TARGET_FIELDS = (
    Field("healthCheck.path", "HealthCheckPath", "health check's path", Danger.OUTAGE, _CHECK),
    Field("healthCheck.protocol", "HealthCheckProtocol", "health check's protocol", Danger.OUTAGE, _CHECK),
    Field("healthCheck.matcher", "Matcher.HttpCode", "health check's answer", Danger.OUTAGE, _CHECK),
    Field("healthCheck.interval", "HealthCheckIntervalSeconds", "health check's interval", Danger.OUTAGE, _CHECK),
    Field("healthCheck.timeout", "HealthCheckTimeoutSeconds", "health check's time-out", Danger.OUTAGE, _CHECK),
    Field("healthCheck.healthyThreshold", "HealthyThresholdCount", "answers until healthy", Danger.OUTAGE, _CHECK),
    Field("healthCheck.unhealthyThreshold", "UnhealthyThresholdCount", "until unhealthy", Danger.OUTAGE, _CHECK),
    Field("port", "Port", "port", Danger.OUTAGE),
    Field(
        "deregistrationDelay",
        "deregistration_delay.timeout_seconds",
        "draining, seconds",
        Danger.OUTAGE,
        write("traffic.draining_seconds"),
    ),
    Field("slowStart", "slow_start.duration_seconds", "slow start, seconds", Danger.SCALING),
    Field("loadBalancingAlgorithmType", "load_balancing.algorithm.type", "algorithm", Danger.DRIFT),
)
_LISTENER_FIELDS = (
    Field("protocol", "Protocol", "protocol", Danger.DATA),
    Field("sslPolicy", "SslPolicy", "TLS policy", Danger.DATA),
)


def learn(look: Look) -> None:
    """Let `look` know the live balancer and its target groups. Raises AccountError."""
    balancer = look.finder.balancer
    if balancer is None:
        return
    for resource in look.plan.all(BALANCER):
        look.learn(resource, arn=balancer, arnSuffix=balancer.partition(":loadbalancer/")[2])
    groups = look.finder.account.items("elbv2", "describe_target_groups", LoadBalancerArn=balancer)
    for resource in look.plan.all(TARGETS):
        if found := named(resource, groups, "TargetGroupName"):
            arn = found["TargetGroupArn"]
            look.learn(resource, arn=arn, arnSuffix=arn.rpartition(":")[2])


def differences(look: Look) -> Iterator[Difference]:
    """Yield what differs between the listeners and the servers."""
    balancer, elb = look.finder.balancer, look.finder.account
    for resource in look.plan.all(BALANCER):
        if balancer is None:
            yield missing(resource, Danger.OUTAGE, "load balancer")
            return
        found = elb.call("elbv2", "describe_load_balancer_attributes", LoadBalancerArn=balancer)["Attributes"]
        yield from compare(look, resource, attributes(found), _BALANCER_FIELDS)
    if balancer is None:
        return
    for resource in look.plan.all(TARGETS):
        yield from _targets(look, resource)
    listeners = {each["Port"]: each for each in elb.items("elbv2", "describe_listeners", LoadBalancerArn=balancer)}
    for resource in look.plan.all(LISTENER):
        port = int(look.wanted(resource)["port"])
        if port not in listeners:
            yield missing(resource, Danger.OUTAGE, f"listener on port {port}")
            continue
        yield from compare(look, resource, listeners[port], _LISTENER_FIELDS)
        yield from _actions(look, resource, listeners.pop(port))
    for port in sorted(listeners):
        mend = "take it away in the console: nothing of the program's uses it"
        yield Difference(Danger.DATA, balancer.split("/")[2], f"listener on port {port}", "none", "there", mend)


def _targets(look: Look, resource: Resource) -> Iterator[Difference]:
    arn = look.live.get(str(resource.state.get("arn")))
    if arn is None:
        yield missing(resource, Danger.OUTAGE, "target group behind the load balancer")
        return
    elb = look.finder.account
    (found,) = elb.items("elbv2", "describe_target_groups", TargetGroupArns=[arn])
    found |= attributes(elb.call("elbv2", "describe_target_group_attributes", TargetGroupArn=arn)["Attributes"])
    yield from compare(look, resource, found, _TARGET_FIELDS)


def _actions(look: Look, resource: Resource, found: Mapping[str, Any]) -> Iterator[Difference]:
    wanted = look.wanted(resource)["defaultActions"]
    ours = [_action(_low(action)) for action in wanted]
    theirs = [_action(_low(action)) for action in found["DefaultActions"]]
    if ours != theirs:
        told = ["; ".join(each) or "nothing" for each in (ours, theirs)]
        yield Difference(Danger.OUTAGE, resource.name, "what the listener does", *told, mend=UP)


def _low(group: object) -> dict[str, Any]:
    """Return a group with lower-case keys: the program's and AWS's differ in their capitals only."""
    given = cast("dict[str, Any]", group) if isinstance(group, dict) else {}
    return {key.lower(): value for key, value in given.items()}


def _action(action: Mapping[str, Any]) -> str:
    """Return an action in words, with the weight of each target group where there are several."""
    if action["type"] == "redirect":
        target = _low(action.get("redirect") or action.get("redirectconfig"))
        return f"redirect to {target.get('protocol')} {target.get('port')} with {target.get('statuscode')}"
    if action["type"] != "forward":
        return str(action["type"])
    forward = _low(action.get("forward") or action.get("forwardconfig"))
    groups = [_low(each) for each in entries(forward.get("targetgroups"))]
    weights = {str(each.get("arn") or each.get("targetgrouparn")): each.get("weight", 1) for each in groups}
    if len(weights) > 1:
        return "forward to " + ", ".join(f"{arn} with weight {shown(weights[arn])}" for arn in sorted(weights))
    return f"forward to {action.get('targetgrouparn') or next(iter(weights), 'nothing')}"


def firewall(look: Look) -> Iterator[Difference]:
    """Yield what differs on the firewall: that it stands before the balancer, its rules and their limits."""
    balancer = look.finder.balancer
    if balancer is None or look.finder.settings.traffic.balancer != "alb":
        return  # No firewall stands before a Network Load Balancer.
    try:
        answer = look.finder.account.call("wafv2", "get_web_acl_for_resource", ResourceArn=balancer)
    except MissingError:
        answer = {}
    found = cast("dict[str, Any] | None", answer.get("WebACL"))
    acls = look.plan.all(ACL)
    if not acls and found is not None:
        mend = "take it away in the console, or set traffic.firewall in the stack's file"
        yield Difference(Danger.DRIFT, balancer.split("/")[2], "firewall", "none", str(found["Name"]), mend)
    for resource in acls:
        if found is None or not is_named(resource, str(found["Name"])):
            name = "none" if found is None else str(found["Name"])
            yield Difference(Danger.DATA, resource.name, "firewall before the load balancer", resource.name, name, UP)
            continue
        yield from _rules(look, resource, found)


def _rules(look: Look, resource: Resource, found: Mapping[str, Any]) -> Iterator[Difference]:
    ours = {rule["name"]: _rule(rule, "statement") for rule in look.wanted(resource)["rules"]}
    theirs = {rule["Name"]: _rule(rule, "Statement") for rule in found["Rules"]}
    for name in sorted(set(ours) | set(theirs)):
        wanted, there = ours.get(name, "none"), theirs.get(name, "none")
        if wanted != there:
            yield Difference(Danger.DATA, resource.name, f"rule {name}", wanted, there, UP)


def _rule(rule: Mapping[str, Any], key: str) -> str:
    """Return a rule in words: its limit, or the managed group."""
    statement = _low(rule[key])
    action = next(iter(_low(rule.get("action", rule.get("Action")))), "")
    if rate := _low(statement.get("ratebasedstatement")):
        return f"{action} above {shown(rate['limit'])} in {shown(rate.get('evaluationwindowsec', 300))} s"
    if group := _low(statement.get("managedrulegroupstatement")):
        counts = "count" in _low(rule.get("overrideAction", rule.get("OverrideAction")))
        return f"{group['name']}{' counted only' if counts else ''}"
    return action or "there"
