"""Whether the load balancer finds healthy servers, and which alarms are raised."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from scale.operate.find import Finder
from scale.operate.status.fleet import age
from scale.operate.status.section import Level, Row, Section

_HEALTH: dict[str, Level] = {"healthy": "ok", "initial": "warn", "draining": "warn"}


def targets(finder: Finder) -> Section:
    """Return the targets behind the load balancer by their state and its reason."""
    title, columns = "targets", ("target group", "state", "why", "targets")
    if finder.balancer is None:
        return Section(title, unread="no load balancer has this environment's tags: deploy it, or name its outputs")
    groups = finder.account.items("elbv2", "describe_target_groups", LoadBalancerArn=finder.balancer)
    rows: list[Row] = []
    for group in groups:
        answer = finder.account.call("elbv2", "describe_target_health", TargetGroupArn=group["TargetGroupArn"])
        health: list[dict[str, Any]] = [each["TargetHealth"] for each in answer["TargetHealthDescriptions"]]
        counted = Counter((each["State"], each.get("Description") or each.get("Reason", "")) for each in health)
        rows += [
            Row((group["TargetGroupName"], state, why, count), _HEALTH.get(state, "bad"))
            for (state, why), count in sorted(counted.items())
        ]
        if not any(each["State"] == "healthy" for each in health):
            # The balancer then sends requests to all of them (ELB guide, "Target group health": fail open).
            rows.append(Row((group["TargetGroupName"], "none healthy", "requests go to every target", 0), "bad"))
    return Section(title, columns, tuple(rows))


def alarms(finder: Finder) -> Section:
    """Return the environment's alarms that are raised, and how many there are."""
    title, columns = "alarms", ("alarm", "since", "why")
    found = describe_alarms(finder)
    now = datetime.now(UTC)
    raised = [each for each in found if each["StateValue"] == "ALARM"]
    rows = [
        Row((each["AlarmName"], age(now, each["StateUpdatedTimestamp"]), str(each.get("StateReason", ""))), "bad")
        for each in sorted(raised, key=lambda each: str(each["AlarmName"]))
    ]
    mute = [each for each in found if not each.get("ActionsEnabled", True)]
    rows += [Row((each["AlarmName"], "", "its actions are switched off"), "warn") for each in mute]
    states = Counter(each["StateValue"] for each in found)
    counts = ", ".join(f"{states[state]} {state}" for state in ("ALARM", "OK", "INSUFFICIENT_DATA") if states[state])
    return Section(title, columns, tuple(rows), (f"{len(found)} alarms: {counts}" if found else "no alarms",))


def describe_alarms(finder: Finder) -> list[dict[str, Any]]:
    """Return the environment's alarms, metric and composite. Raises AccountError.

    Names alone could be another stack's (`shop-prod-eu-...` begins as `shop-prod-...`): the tags decide.
    """
    found: list[dict[str, Any]] = []
    for kind, key in (("MetricAlarm", "MetricAlarms"), ("CompositeAlarm", "CompositeAlarms")):
        found += finder.account.items(
            "cloudwatch", "describe_alarms", key, AlarmNamePrefix=f"{finder.settings.prefix}-", AlarmTypes=[kind]
        )
    own = set(finder.arns("cloudwatch", "alarm"))
    return [each for each in found if each["AlarmArn"] in own]
