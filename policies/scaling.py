"""What makes scaling work at all: policies that alarms can invoke, metrics in time, and nobody who undoes it."""

from __future__ import annotations

from collections.abc import Iterator

from policies import tokens as t
from policies.rule import Rule
from policies.view import Properties, Resource, Stack

_ACTIONS = ("alarmActions", "okActions", "insufficientDataActions")
_INVOCABLE = ("StepScaling", "SimpleScaling", "")


def _alarm_action(alarm: Resource, stack: Stack) -> Iterator[str]:
    for key in _ACTIONS:
        for policy in stack.used(alarm, key, t.SCALING_POLICY):
            kind = policy.text("policyType")
            if kind not in _INVOCABLE:
                yield f"invokes {policy.name}, a {kind} policy, which makes its own alarms and takes no other's"
            elif alarm.type == t.COMPOSITE_ALARM:
                yield f"invokes {policy.name}: a composite alarm cannot invoke a scaling policy"


def _attached_target(policy: Resource, stack: Stack) -> Iterator[str]:
    key = "targetTrackingConfiguration"
    if policy.text(f"{key}.predefinedMetricSpecification.predefinedMetricType") != "ALBRequestCountPerTarget":
        return
    if not stack.used(policy, key, t.LISTENER):
        yield "measures a target group before a listener uses it, which Auto Scaling refuses"
    for group in stack.used(policy, key, t.TARGET_GROUP):
        if not stack.users(group, "targetGroupArns", t.GROUP):
            yield f"measures {group.name}, which no group of servers is attached to"


def _desired_capacity(group: Resource, _: Stack) -> Iterator[str]:
    if group.has("desiredCapacity") and "desiredCapacity" not in group.ignore_changes:
        yield "is set back to its first size by every deployment"


def _warm_up(group: Resource, _: Stack) -> Iterator[str]:
    if not group.has("defaultInstanceWarmup"):
        yield "counts servers that are still starting in its metrics"


def _detailed_monitoring(template: Resource, _: Stack) -> Iterator[str]:
    if not template.flag("monitoring.enabled"):
        yield "reports its servers' metrics every five minutes"


def _versions(group: Resource) -> Iterator[Properties]:
    yield from group.groups("launchTemplate")
    for policy in group.groups("mixedInstancesPolicy"):
        for template in policy.groups("launchTemplate"):
            yield from template.groups("launchTemplateSpecification")


def _template_version(group: Resource, _: Stack) -> Iterator[str]:
    if not group.has("instanceRefresh"):
        return
    for reference in _versions(group):
        if reference.text("version") in ("", "$Latest", "$Default"):
            yield f"names its template's version {reference.text('version') or 'not at all'}: a refresh sees no change"


def _refresh_rollback(group: Resource, _: Stack) -> Iterator[str]:
    for refresh in group.groups("instanceRefresh"):
        for preferences in refresh.groups("preferences"):
            if preferences.flag("autoRollback"):
                yield "would roll back to its own settings, which are the new ones by then"


RULES = (
    Rule(
        "alarm-action",
        "An alarm invokes step and simple scaling policies only, so any other is never scaled by it.",
        "Give the alarm the ARN of a step scaling policy.",
        (t.ALARM, t.COMPOSITE_ALARM),
        _alarm_action,
        across=True,
    ),
    Rule(
        "attached-target",
        "Requests per target can be measured only once the target group is attached to a listener and to servers.",
        "Make the resource label of the listener's output too, so that the policy waits for it.",
        (t.SCALING_POLICY,),
        _attached_target,
        across=True,
    ),
    Rule(
        "desired-capacity",
        "After its creation the number of servers belongs to the scaler.",
        "ignore_changes=['desiredCapacity'].",
        (t.GROUP,),
        _desired_capacity,
    ),
    Rule(
        "warm-up",
        "A starting server's metrics are no one's load, and counting them starts too many more.",
        "scaling.warmup_seconds; in code default_instance_warmup.",
        (t.GROUP,),
        _warm_up,
    ),
    Rule(
        "detailed-monitoring",
        "Scaling that sees five minutes late is five minutes late.",
        "monitoring: enabled in the launch template.",
        (t.LAUNCH_TEMPLATE,),
        _detailed_monitoring,
    ),
    Rule(
        "template-version",
        "A version's alias does not change when the template does, so no server is ever replaced.",
        "version: the template's latest_version, by number.",
        (t.GROUP,),
        _template_version,
    ),
    Rule(
        "refresh-rollback",
        "The provider has updated the group before a refresh begins, so its automatic rollback returns to the same.",
        "auto_rollback=False, and servers.launch_template_version as the way back.",
        (t.GROUP,),
        _refresh_rollback,
    ),
)
