"""What Auto Scaling and EC2 refuse, or take and do not honour."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from model import instances
from policies import tokens as t
from policies.view import Properties, Resource
from scale.plan.refusals.keys import instance_type, setting
from scale.plan.refusals.refusal import Planned, Refusal, answers

# EC2 guide, "Instance user data": 16 KB before it is encoded.
_MOST_USER_DATA = 16 * 1024
# EC2 guide, "Hibernation prerequisites", instance memory of Linux.
_MOST_HIBERNATED_MIB = 150 * 1024
# PutScalingPolicy, StepAdjustments; Auto Scaling quotas.
_MOST_STEPS = 20

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_CRON = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("weekday", 0, 7, _WEEKDAYS),
)
_CRON_PART = re.compile(r"(\*|[a-z0-9]+)(?:-([a-z0-9]+))?(?:/(\d+))?")


def servers(planned: Planned) -> Iterator[Refusal]:
    """Yield what is refused of templates, groups and schedules."""
    for template in planned.stack.of(t.LAUNCH_TEMPLATE):
        yield from _template(template, planned)
    for group in planned.stack.of(t.GROUP):
        yield from _group(group, planned)
    for action in planned.stack.of(t.SCHEDULE):
        yield from _schedule(action, planned)
    for policy in planned.stack.of(t.SCALING_POLICY):
        for text in _steps(policy):
            yield Refusal("step-bounds", policy, answers("PutScalingPolicy", "ValidationError", text), "scaling")


def _template(template: Resource, planned: Planned) -> Iterator[Refusal]:
    try:
        size = len(base64.b64decode(template.text("userData"), validate=True))
    except binascii.Error:
        text = answers("CreateLaunchTemplate", "InvalidUserData.Malformed", "Invalid BASE64 encoding of user data")
        yield Refusal("user-data", template, text, "")
        return
    if size > _MOST_USER_DATA:
        text = f"User data is limited to {_MOST_USER_DATA} bytes, and is {size}"
        answer = answers("CreateLaunchTemplate", "InvalidUserData.Malformed", text)
        yield Refusal("user-data", template, answer, setting(template, "userData", planned.settings))
    name = template.text("instanceType")
    memory = instances.size(name) if name else None
    if template.flag("hibernationOptions.configured") and memory and memory.memory_mib > _MOST_HIBERNATED_MIB:
        text = f"{name} has {memory.memory_mib // 1024} GiB of memory; hibernation takes less than 150"
        answer = answers("RunInstances", "UnsupportedHibernationConfiguration", text)
        yield Refusal("hibernation", template, answer, setting(template, "hibernationOptions", planned.settings))


def _group(group: Resource, planned: Planned) -> Iterator[Refusal]:
    low, high = group.number("minSize"), group.number("maxSize")
    if low is not None and high is not None and low > high:
        text = answers("CreateAutoScalingGroup", "ValidationError", f"Min size {low:g} is above max size {high:g}")
        yield Refusal("group-size", group, text, setting(group, "maxSize", planned.settings))
    if group.has("warmPool") and (group.has("mixedInstancesPolicy") or group.flag("capacityRebalance")):
        text = "You can't add a warm pool to an Auto Scaling group that has a mixed instances policy or Spot Instances"
        answer = answers("PutWarmPool", "ValidationError", text)
        yield Refusal("warm-pool", group, answer, setting(group, "warmPool", planned.settings))
    yield from _architectures(group, planned)
    for policy in group.groups("instanceMaintenancePolicy"):
        least, most = policy.number("minHealthyPercentage"), policy.number("maxHealthyPercentage")
        if least is not None and most is not None and most - least > 100:
            text = answers("CreateAutoScalingGroup", "ValidationError", "The healthy percentages are over 100 apart")
            yield Refusal("refresh-range", group, text, setting(group, "instanceRefresh", planned.settings))


def _architectures(group: Resource, planned: Planned) -> Iterator[Refusal]:
    """Yield instance types that cannot run the template's image: it is the first type's, or the application's."""
    types = [override.text("instanceType") for override in _overrides(group)]
    templates = planned.stack.used(group, "launchTemplate", t.LAUNCH_TEMPLATE)
    types += [template.text("instanceType") for template in templates]
    known = [name for name in types if name]
    wanted = planned.settings.application.architecture if planned.settings else None
    for name in known:
        wanted = wanted or instances.architecture(name)
        found = instances.architecture(name)
        if found != wanted:
            text = f"The architecture '{found}' of {name} does not match the architecture '{wanted}' of the image"
            key = instance_type(name, planned.settings)
            yield Refusal("architecture", group, answers("RunInstances", "InvalidParameterValue", text), key)


def _overrides(group: Resource) -> Iterator[Properties]:
    for policy in group.groups("mixedInstancesPolicy"):
        for template in policy.groups("launchTemplate"):
            yield from template.groups("overrides")


def _schedule(action: Resource, planned: Planned) -> Iterator[Refusal]:
    problem = _cron_problem(action.text("recurrence"))
    if problem:
        text = f"Given recurrence string: {action.text('recurrence')} is invalid: {problem}"
        answer = answers("PutScheduledUpdateGroupAction", "ValidationError", text)
        yield Refusal("cron", action, answer, setting(action, "recurrence", planned.settings))
    zone = action.text("timeZone")
    if zone and not _is_time_zone(zone):
        text = answers("PutScheduledUpdateGroupAction", "ValidationError", f"{zone} is not a time zone of the IANA")
        yield Refusal("time-zone", action, text, setting(action, "timeZone", planned.settings))


def _is_time_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return True


def _cron_problem(recurrence: str) -> str:
    """Return what is wrong with five fields of cron, empty where nothing is."""
    fields = recurrence.split()
    if not recurrence:
        return ""
    if len(fields) != len(_CRON):
        return f"it has {len(fields)} fields, not {len(_CRON)}"
    for text, (name, low, high, words) in zip(fields, _CRON, strict=True):
        for part in text.lower().split(","):
            match = _CRON_PART.fullmatch(part)
            if match is None:
                return f"{part} is no {name}"
            numbers = [_number(each, low, words) for each in match.groups()[:2] if each not in (None, "*")]
            if any(number is None or not low <= number <= high for number in numbers):
                return f"{part} is no {name} ({low} to {high})"
            if match[3] == "0":
                return f"{part} has a step of 0"
    return ""


def _number(text: str, low: int, words: tuple[str, ...]) -> int | None:
    if text in words:
        return words.index(text) + low
    return int(text) if text.isdigit() else None


def _steps(policy: Resource) -> Iterator[str]:
    """Yield what PutScalingPolicy refuses of step adjustments (Auto Scaling guide, "Step adjustments")."""
    steps = [
        (step.number("metricIntervalLowerBound"), step.number("metricIntervalUpperBound"))
        for step in policy.groups("stepAdjustments")
    ]
    if policy.text("policyType") != "StepScaling":
        return
    if not steps:
        yield "Step policies must have at least one step adjustment"
        return
    if len(steps) > _MOST_STEPS:
        yield f"There are more than {_MOST_STEPS} step adjustments"
    if any(low is None and high is None for low, high in steps) and len(steps) > 1:
        yield "A step without bounds leaves no room for another"
    if any(low is not None and high is not None and low >= high for low, high in steps):
        yield "The lower bound of a step must be below its upper bound"
    ordered = sorted(steps, key=lambda step: (step[0] is not None, step[0] or 0))
    for (_, upper), (lower, _) in pairwise(ordered):
        if upper is None or lower is None or upper > lower:
            yield "Step adjustment intervals can't overlap"
        elif upper < lower:
            yield f"There is a gap between step adjustments, from {upper:g} to {lower:g}"
