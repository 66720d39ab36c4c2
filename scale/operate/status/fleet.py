"""Servers, what the group did last, and a replacement that is under way."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from scale.operate.find import Finder
from scale.operate.status.section import Level, Row, Section
from scale.user_data import script

SHOWN_ACTIVITIES = 6
_NO_GROUP = "no Auto Scaling group has this environment's tags: deploy it, or name its outputs (--outputs)"
_GONE = ("Terminating", "Terminated", "Detaching", "Detached")


def servers(finder: Finder) -> Section:
    """Return the servers by zone, state and launch template version."""
    title, columns = "servers", ("zone", "state", "health", "template version", "servers")
    if finder.group is None:
        return _no_group(finder, title)
    found = describe_group(finder)
    if found is None:
        return Section(title, unread=f"there is no Auto Scaling group {finder.group}")
    current = template_version(found)
    counted = Counter(
        (each["AvailabilityZone"], each["LifecycleState"], each["HealthStatus"], template_version(each) or "?")
        for each in found["Instances"]
    )
    rows = tuple(
        Row((zone, state, health, version, count), _server_level(state, health, version, current))
        for (zone, state, health, version), count in sorted(counted.items())
    )
    notes = [
        f"{len(found['Instances'])} of {found['DesiredCapacity']} wanted, {found['MinSize']} to {found['MaxSize']}; "
        f"the group launches version {current or '?'}"
    ]
    if suspended := [each["ProcessName"] for each in found.get("SuspendedProcesses", [])]:
        notes.append(f"suspended: {', '.join(sorted(suspended))}")
        rows += (Row(("", "suspended", "", "", 0), "bad"),) if _stops_scaling(suspended) else ()
    return Section(title, columns, rows, tuple(notes))


def _no_group(finder: Finder, title: str) -> Section:
    if not finder.settings.compute.servers:
        return Section(title, notes=("this environment runs on its cluster alone",))
    return Section(title, unread=_NO_GROUP)


def describe_group(finder: Finder) -> dict[str, Any] | None:
    """Return the description of the group, None where there is none. Raises AccountError."""
    found = finder.account.items(
        "autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=[finder.group or ""]
    )
    return found[0] if found else None


def template_version(described: dict[str, Any]) -> str | None:
    """Return the launch template version of a group or of one of its instances."""
    return template(described).get("Version")


def template(described: dict[str, Any]) -> dict[str, str]:
    """Return the launch template of a group or of one of its instances: LaunchTemplateId and Version; none is empty."""
    mixed = described.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {}).get("LaunchTemplateSpecification")
    return described.get("LaunchTemplate") or mixed or {}


def user_data(finder: Finder, launched: dict[str, str]) -> str:
    """Return the script that servers of a launch template's version start with. Raises AccountError."""
    (found,) = finder.account.items(
        "ec2",
        "describe_launch_template_versions",
        LaunchTemplateId=launched["LaunchTemplateId"],
        Versions=[launched["Version"]],
    )
    return decoded(found["LaunchTemplateData"].get("UserData", ""))


def decoded(text: str) -> str:
    """Return user data as the script that it is, empty where it is none."""
    return script(text) or ""


def _stops_scaling(suspended: list[str]) -> bool:
    return bool({"Launch", "Terminate", "AlarmNotification", "HealthCheck", "ReplaceUnhealthy"} & set(suspended))


def _server_level(state: str, health: str, version: str, current: str | None) -> Level:
    if health != "Healthy" and not state.startswith(_GONE):
        return "bad"
    return "ok" if state.startswith(("InService", "Warmed")) and version == current else "warn"


def activities(finder: Finder) -> Section:
    """Return what the group did last, and why."""
    title, columns = "scaling activities", ("when", "what", "status", "why")
    if finder.group is None:
        return _no_group(finder, title)
    # Six weeks of them are kept (Auto Scaling API, DescribeScalingActivities): the first page is the newest.
    found = finder.account.first_page(
        "autoscaling",
        "describe_scaling_activities",
        "Activities",
        AutoScalingGroupName=finder.group,
        MaxRecords=SHOWN_ACTIVITIES,
    )
    now = datetime.now(UTC)
    rows = [
        Row(
            (
                age(now, each["StartTime"]),
                each.get("Description", ""),
                each["StatusCode"],
                _reason(each),
            ),
            _activity_level(each["StatusCode"]),
        )
        for each in found
    ]
    return Section(title, columns, tuple(rows), () if rows else ("none in six weeks",))


def _activity_level(status: str) -> Level:
    return "bad" if status in ("Failed", "Cancelled") else "ok" if status == "Successful" else "warn"


def _reason(activity: dict[str, Any]) -> str:
    """Return why: AWS's message where it failed, else the cause without the time stamps it begins with."""
    if activity.get("StatusMessage") and activity["StatusCode"] != "Successful":
        return str(activity["StatusMessage"])
    cause = " ".join(str(activity.get("Cause", "")).split())
    if cause.startswith("At ") and "Z " in cause:
        cause = cause.split("Z ", 1)[1]
    return cause


def age(now: datetime, then: datetime) -> str:
    """Return how long ago something was: `4 min`, `3 h`, `2 days`."""
    seconds = max(0, int((now - then).total_seconds()))
    for unit, size in (("day", 86_400), ("h", 3600), ("min", 60)):
        count = seconds // size
        if count:
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''} ago"
    return f"{seconds} s ago"
