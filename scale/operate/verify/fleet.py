"""The Auto Scaling group, its launch template and the servers that run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from scale.operate.status.fleet import decoded, template, template_version
from scale.operate.verify.difference import UNDO, UP, Danger, Difference, write
from scale.operate.verify.look import Field, Look, compare, members, missing
from scale.plan.recording import Resource

GROUP = "aws:autoscaling/group:Group"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
SCHEDULE = "aws:autoscaling/schedule:Schedule"
_MAINTENANCE = "instanceMaintenancePolicy.{}HealthyPercentage", "InstanceMaintenancePolicy.{}HealthyPercentage"

_GROUP_FIELDS = (
    Field("healthCheckType", "HealthCheckType", "health check of servers", Danger.OUTAGE),
    Field("healthCheckGracePeriod", "HealthCheckGracePeriod", "grace period", Danger.OUTAGE),
    Field("targetGroupArns", "TargetGroupARNs", "target groups", Danger.OUTAGE, equal=members),
    Field("defaultInstanceWarmup", "DefaultInstanceWarmup", "warm-up", Danger.SCALING, write("scaling.warmup_seconds")),
    Field("capacityRebalance", "CapacityRebalance", "capacity rebalancing", Danger.SCALING),
    *(
        Field(_MAINTENANCE[0].format(side), _MAINTENANCE[1].format(side.capitalize()), what, Danger.OUTAGE)
        for side, what in (("min", "healthy at least, percent"), ("max", "healthy at most, percent"))
    ),
)
_TEMPLATE_FIELDS = (
    Field("instanceType", "InstanceType", "instance type", Danger.DRIFT, write("servers.instance_type")),
    Field("metadataOptions.httpTokens", "MetadataOptions.HttpTokens", "instance metadata tokens", Danger.DATA),
    Field("monitoring.enabled", "Monitoring.Enabled", "detailed monitoring", Danger.SCALING),
)
_STOPPING = {
    "Launch": Danger.OUTAGE,
    "Terminate": Danger.OUTAGE,
    "HealthCheck": Danger.OUTAGE,
    "ReplaceUnhealthy": Danger.OUTAGE,
    "AddToLoadBalancer": Danger.OUTAGE,
}


def differences(look: Look) -> Iterator[Difference]:
    """Yield what differs on the fleet. A stack whose compute is elsewhere has none."""
    for group in groups(look):
        found = look.group
        if found is None:
            yield missing(group, Danger.OUTAGE, "Auto Scaling group")
            continue
        yield from compare(look, group, found, _GROUP_FIELDS)
        yield from _sizes(look, group, found)
        yield from _suspended(group, found)
        yield from _template(look, group, found)


def groups(look: Look) -> list[Resource]:
    """Return the application's Auto Scaling group, if servers run; that of HAProxy servers is not compared."""
    return _of_application(look, GROUP)


def _of_application(look: Look, kind: str) -> list[Resource]:
    begins = f"{look.finder.settings.prefix}-web-"
    return [each for each in look.plan.all(kind) if each.name.startswith(begins)]


def _sizes(look: Look, group: Resource, found: dict[str, Any]) -> Iterator[Difference]:
    """Yield sizes that neither the settings nor any schedule would have made."""
    wanted = look.wanted(group)
    for key, theirs, setting in (("minSize", "MinSize", "servers.min"), ("maxSize", "MaxSize", "servers.max")):
        scheduled = [int(look.wanted(each).get(key, -1)) for each in look.plan.all(SCHEDULE)]
        allowed = sorted({int(wanted[key]), *(size for size in scheduled if size >= 0)})
        if found[theirs] not in allowed:
            danger = Danger.OUTAGE if key == "maxSize" and found[theirs] < min(allowed) else Danger.SCALING
            told = " or ".join(map(str, allowed))
            yield Difference(danger, group.name, f"{key[:3]}imum size", told, str(found[theirs]), write(setting))


def _suspended(group: Resource, found: dict[str, Any]) -> Iterator[Difference]:
    for process in sorted(each["ProcessName"] for each in found.get("SuspendedProcesses", [])):
        yield Difference(
            _STOPPING.get(process, Danger.SCALING),
            group.name,
            f"process {process}",
            "running",
            "suspended",
            f"`aws autoscaling resume-processes --auto-scaling-group-name {found['AutoScalingGroupName']} "
            f"--scaling-processes {process}`",
        )


def _template(look: Look, group: Resource, found: dict[str, Any]) -> Iterator[Difference]:
    (planned,) = _of_application(look, TEMPLATE)[:1] or [None]
    version = template_version(found)
    identifier = template(found).get("LaunchTemplateId")
    if planned is None or version is None or identifier is None:
        yield Difference(Danger.OUTAGE, group.name, "launch template", "one", "none", UP)
        return
    account = look.finder.account
    (described,) = account.items("ec2", "describe_launch_templates", LaunchTemplateIds=[identifier])
    pinned = look.finder.settings.servers.launch_template_version
    if version.startswith("$"):
        number = str(described["LatestVersionNumber" if version == "$Latest" else "DefaultVersionNumber"])
        # A replacement compares versions, and `$Latest` is always equal to itself.
        yield Difference(Danger.DRIFT, group.name, "launch template version", "a number", version, UP)
    else:
        number = version
    wanted = str(pinned if pinned is not None else described["LatestVersionNumber"])
    if number != wanted:
        yield Difference(Danger.DRIFT, group.name, "launch template version", wanted, number, "`pulumi up` launches it")
    yield from _servers(group, found, number)
    (launched,) = account.items(
        "ec2", "describe_launch_template_versions", LaunchTemplateId=identifier, Versions=[number]
    )
    if pinned is None:
        yield from _launches(look, planned, launched["LaunchTemplateData"])


def _servers(group: Resource, found: dict[str, Any], number: str) -> Iterator[Difference]:
    versions = Counter(template_version(each) or "none" for each in found["Instances"])
    others = {version: count for version, count in versions.items() if version != number}
    if others:
        told = ", ".join(f"{count} of version {version}" for version, count in sorted(others.items()))
        yield Difference(
            Danger.DRIFT,
            group.name,
            "servers in use",
            f"all of version {number}",
            told,
            "wait for the replacement (`scale release --status`), or begin one: `aws autoscaling "
            f"start-instance-refresh --auto-scaling-group-name {found['AutoScalingGroupName']}`",
        )


def _launches(look: Look, resource: Resource, data: dict[str, Any]) -> Iterator[Difference]:
    """Yield what differs on the version that is launched."""
    fields = _TEMPLATE_FIELDS
    if look.finder.settings.servers.mixed:
        fields = tuple(each for each in fields if each.key != "instanceType")
    yield from compare(look, resource, data, fields)
    for device in data.get("BlockDeviceMappings", []):
        if not device.get("Ebs", {}).get("Encrypted"):
            yield Difference(Danger.DATA, resource.name, f"encryption of {device['DeviceName']}", "on", "off", UP)
    script = decoded(data.get("UserData", ""))
    image = look.finder.settings.application.image
    if image not in script:
        yield Difference(Danger.DRIFT, resource.name, "image", image, "another", "`pulumi up` brings it out")
    planned = _variables(decoded(str(look.wanted(resource).get("userData", ""))))
    given = _variables(script)
    for name in sorted(set(planned) & set(given)):
        if planned[name] != given[name] and not _of_aws(planned[name]):
            danger = Danger.OUTAGE if name.endswith("_WEIGHT") else Danger.DRIFT
            yield Difference(danger, resource.name, f"variable {name}", planned[name], given[name], "`pulumi up`")
    for name in sorted(set(planned) ^ set(given)):
        wanted, there = ("set", "not set") if name in planned else ("not set", "set")
        yield Difference(Danger.DRIFT, resource.name, f"variable {name}", wanted, there, "`pulumi up`")


def _variables(script: str) -> dict[str, str]:
    """Return the container's variables, which user data writes into a file."""
    _, _, rest = script.partition("cat > /etc/django-scale/environment <<'END_OF_FILE'\n")
    lines = rest.partition("\nEND_OF_FILE")[0].splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def _of_aws(value: str) -> bool:
    """Return whether a value names what AWS makes up: a host, a distribution or a bucket with a generated suffix."""
    return ".amazonaws.com" in value or ".cloudfront.net" in value or "-bucket-" in value


def extra_schedules(look: Look) -> Iterator[Difference]:
    """Yield scheduled actions that differ, are gone, or are not the program's."""
    if look.group is None or not groups(look):
        return  # A group that is gone takes its schedules with it, and is told by itself.
    group = str(look.group["AutoScalingGroupName"])
    found = {
        each["ScheduledActionName"]: each
        for each in look.finder.account.items("autoscaling", "describe_scheduled_actions", AutoScalingGroupName=group)
    }
    for resource in look.plan.all(SCHEDULE):
        wanted = look.wanted(resource)
        described = found.pop(wanted["scheduledActionName"], None)
        if described is None:
            yield missing(resource, Danger.SCALING, "scheduled action")
            continue
        yield from compare(look, resource, described, _SCHEDULE_FIELDS)
        for key, theirs in (("minSize", "MinSize"), ("maxSize", "MaxSize"), ("desiredCapacity", "DesiredCapacity")):
            size = None if wanted.get(key) == -1 else wanted.get(key)
            if size != described.get(theirs):
                told = [str(value) if value is not None else "unchanged" for value in (size, described.get(theirs))]
                yield Difference(Danger.SCALING, resource.name, theirs, *told, mend=write("scaling.scheduled"))
    for name in sorted(found):
        yield Difference(Danger.SCALING, group, f"scheduled action {name}", "none", "there", UNDO)


_SCHEDULE_FIELDS = (
    Field("recurrence", "Recurrence", "recurrence", Danger.SCALING, write("scaling.scheduled")),
    Field("timeZone", "TimeZone", "time zone", Danger.SCALING, write("scaling.scheduled")),
)
