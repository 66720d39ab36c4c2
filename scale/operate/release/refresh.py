"""The replacement of the fleet's servers by an instance refresh, as far as it has come."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from scale.operate.errors import AccountError
from scale.operate.find import Finder
from scale.operate.status.fleet import age, describe_group, template, template_version, user_data

State = Literal["waiting", "running", "done", "failed"]

_STATES: dict[str, State] = {
    "Pending": "running",
    "InProgress": "running",
    "Baking": "running",
    "Cancelling": "running",
    "RollbackInProgress": "running",
    "Successful": "done",
    "Failed": "failed",
    "Cancelled": "failed",
    "RollbackFailed": "failed",
    "RollbackSuccessful": "failed",
}
"""The states of an instance refresh (Auto Scaling API, InstanceRefresh, Status)."""


@dataclass(frozen=True)
class Progress:
    """How far a replacement has come; `percent` of the servers that had to be replaced."""

    what: str
    state: State
    percent: int
    status: str
    reason: str = ""
    identifier: str = ""
    causes: tuple[str, ...] = ()
    """The alarms that were raised while it ran, each with its reason."""
    way_back: str = ""
    began: str = ""
    """How long ago, as `4 min ago`."""

    def document(self) -> dict[str, object]:
        """Return it as JSON can hold it."""
        return {
            "what": self.what,
            "state": self.state,
            "percent": self.percent,
            "status": self.status,
            "began": self.began,
            "reason": self.reason,
            "alarms": list(self.causes),
            "way_back": self.way_back,
        }


def newest(finder: Finder) -> dict[str, Any] | None:
    """Return the group's newest refresh, None where there was none in six weeks. Raises AccountError."""
    if finder.group is None:
        raise AccountError(
            "no Auto Scaling group has this environment's tags: deploy it, or name its outputs (--outputs)"
        )
    # The newest is first (Auto Scaling API, DescribeInstanceRefreshes), and the only one of interest.
    found = finder.account.first_page(
        "autoscaling",
        "describe_instance_refreshes",
        "InstanceRefreshes",
        AutoScalingGroupName=finder.group,
        MaxRecords=1,
    )
    return found[0] if found else None


def progress(finder: Finder, refresh: dict[str, Any]) -> Progress:
    """Return how far a refresh has come, and where it failed the alarms that stopped it. Raises AccountError."""
    status = str(refresh["Status"])
    state = _STATES.get(status, "running")
    failed = state == "failed"
    left = refresh.get("InstancesToUpdate")
    what = "servers" if left is None or state == "done" else f"servers, {left} to go"
    return Progress(
        what,
        state,
        int(refresh.get("PercentageComplete", 100 if state == "done" else 0)),
        status,
        " ".join(str(refresh.get("StatusReason", "")).split()),
        str(refresh["InstanceRefreshId"]),
        _alarms(finder, refresh) if failed else (),
        _way_back(finder) if failed else "",
        age(datetime.now(UTC), refresh["StartTime"]) if refresh.get("StartTime") else "",
    )


def launches(finder: Finder, image: str) -> bool:
    """Return whether new servers of the group start with this image. Raises AccountError."""
    group = describe_group(finder)
    launched = template(group) if group is not None else {}
    return bool(launched) and image in user_data(finder, launched)


def _alarms(finder: Finder, refresh: dict[str, Any]) -> tuple[str, ...]:
    """Return the alarms named for the refresh that were raised while it ran; where none was, those raised now."""
    named: list[str] = refresh.get("Preferences", {}).get("AlarmSpecification", {}).get("Alarms", [])
    start, end = refresh.get("StartTime"), refresh.get("EndTime")
    found: list[str] = []
    for name in named:
        raised = _raised_between(finder, name, start, end)
        if raised is not None:
            found.append(f"{name}: {raised}" if raised else name)
    return tuple(found)


def _raised_between(finder: Finder, name: str, start: datetime | None, end: datetime | None) -> str | None:
    """Return why an alarm was raised in that time, None where it was not."""
    times: dict[str, Any] = {key: at for key, at in (("StartDate", start), ("EndDate", end)) if at is not None}
    history = finder.account.items(
        "cloudwatch",
        "describe_alarm_history",
        AlarmName=name,
        AlarmTypes=["MetricAlarm", "CompositeAlarm"],
        HistoryItemType="StateUpdate",
        **times,
    )
    for item in history:
        state: dict[str, Any] = json.loads(item.get("HistoryData") or "{}").get("newState", {})
        if state.get("stateValue") == "ALARM":
            return str(state.get("stateReason", ""))
    # One that stood before the refresh began keeps it from going on, and has no change in that time.
    for alarm in finder.account.items("cloudwatch", "describe_alarms", "MetricAlarms", AlarmNames=[name]):
        if alarm["StateValue"] == "ALARM":
            return str(alarm.get("StateReason", ""))
    return None


def versions(finder: Finder) -> tuple[str | None, dict[str, int]]:
    """Return the version that the group launches, and how many servers run each. Raises AccountError."""
    group = describe_group(finder) if finder.group else None
    if group is None:
        return None, {}
    return template_version(group), Counter(template_version(each) or "?" for each in group["Instances"])


def _way_back(finder: Finder) -> str:
    """Return the command that returns to the version which servers still run, nothing where none does."""
    current, running = versions(finder)
    older = [version for version in running if version != current and version.isdigit()]
    return back_to(finder.settings.stack, max(older, key=int)) if older else ""


def back_to(stack: str, version: str) -> str:
    """Return the commands that bring a launch template version back."""
    return (
        f"pulumi config set --path 'django-scale:servers.launch_template_version' {version} -s {stack} && "
        f"pulumi up -s {stack}"
    )
