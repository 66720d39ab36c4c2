"""Servers and their scaling, from a launch template and an Auto Scaling group with its policies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from model.naming import squeeze
from scale.adopt.details import Details
from scale.adopt.inventory import Entry
from scale.adopt.selection import Selection
from scale.user_data import script

Config = dict[str, Any]
CPU, REQUESTS = "ASGAverageCPUUtilization", "ALBRequestCountPerTarget"
_MODES = {"ForecastOnly": "forecast-only", "ForecastAndScale": "forecast-and-scale"}
STEP_METRICS = {
    "DatabaseConnections": ("database_connections", "above"),
    "TargetResponseTime": ("response_time", "above_seconds"),
}
"""The metrics that a step policy of the program listens to, with the section and the key of its threshold."""


def decoded(user_data: str) -> str:
    """Return a start script in clear; as it is where it is no base64."""
    found = script(user_data)
    return user_data if found is None else found


def servers(selection: Selection, details: Details, notes: list[str]) -> Config:
    """Return `servers`."""
    group, template = selection.group, details.template
    found: Config = {}
    if kinds := _types(group, template):
        found["instance_type"] = kinds[0]
        if len(kinds) > 1:
            found["other_instance_types"] = kinds[1:]
    if image := template.get("ImageId"):
        found["ami"] = str(image)
    sizes = [
        ebs["VolumeSize"]
        for each in template.get("BlockDeviceMappings", ())
        if "VolumeSize" in (ebs := each.get("Ebs", {}))
    ]
    if sizes:
        found["root_volume_gib"] = int(sizes[0])
    if group is None:
        return found
    low = int(group["MinSize"])
    if low == 0:
        notes.append("servers.min: the group may have no server at all, the program keeps one at least")
    found |= {"min": max(1, low), "max": max(1, int(group["MaxSize"]))}
    found["grace_seconds"] = int(group.get("HealthCheckGracePeriod") or 0)
    spread = group.get("MixedInstancesPolicy", {}).get("InstancesDistribution", {})
    if "OnDemandPercentageAboveBaseCapacity" in spread:
        found["spot_percent"] = 100 - int(spread["OnDemandPercentageAboveBaseCapacity"])
        found["on_demand_base"] = int(spread.get("OnDemandBaseCapacity", 0))
    if pool := group.get("WarmPoolConfiguration"):
        found["warm_pool"] = {
            "min_size": int(pool.get("MinSize", 0)),
            "state": str(pool.get("PoolState", "Stopped")).lower(),
        }
    return found


def _types(group: Entry | None, template: Mapping[str, Any]) -> list[str]:
    policy: Entry = group.get("MixedInstancesPolicy", {}) if group else {}
    overrides: Sequence[Entry] = policy.get("LaunchTemplate", {}).get("Overrides", ())
    named = [str(each["InstanceType"]) for each in overrides if "InstanceType" in each]
    own = [str(template["InstanceType"])] if "InstanceType" in template else []
    return list(dict.fromkeys(named or own))


def scaling(selection: Selection, notes: list[str]) -> Config:
    """Return `scaling`: what the group has, and `null` for what it has not."""
    group: Entry = selection.group or {}
    tracked = {
        _metric(policy): policy["TargetTrackingConfiguration"] for policy in selection.policies if _metric(policy)
    }
    found: Config = {
        "cpu_percent": _whole(tracked.get(CPU)),
        "requests_per_target": _whole(tracked.get(REQUESTS)),
        "warmup_seconds": _warmup(group, selection.policies),
    }
    if any(each.get("DisableScaleIn") for each in tracked.values()):
        found["scale_in"] = False
    alarms = step_alarms(selection)
    for section, key in STEP_METRICS.values():
        alarm = alarms.get(section)
        found[section] = None if alarm is None else _step(alarm, key, selection.policies, section, notes)
    if selection.schedules:
        found["scheduled"] = list(_scheduled(selection.schedules, notes))
    for policy in selection.policies:
        if policy["PolicyType"] == "PredictiveScaling":
            mode = str(policy["PredictiveScalingConfiguration"].get("Mode", "ForecastOnly"))
            found["predictive"] = {"mode": _MODES.get(mode, "forecast-only")}
    return found


def step_alarms(selection: Selection) -> dict[str, Entry]:
    """Return the alarms that scale out, by the section of `scaling` that each is.

    One that only tells somebody is none. Where several watch the same, one that invokes a step policy is taken, as only
    that adds servers.
    """
    steps = {str(each.get("PolicyARN")) for each in selection.policies if each["PolicyType"] == "StepScaling"}
    found: dict[str, Entry] = {}
    for alarm in sorted(selection.alarms, key=lambda each: not steps & {*each.get("AlarmActions", ())}):
        section = STEP_METRICS.get(str(alarm.get("MetricName")), ("", ""))[0]
        rises = str(alarm.get("ComparisonOperator", "Greater")).startswith("Greater")
        if section and rises and any(":scalingPolicy:" in action for action in alarm.get("AlarmActions", ())):
            found.setdefault(section, alarm)
    return found


def _metric(policy: Entry) -> str:
    configuration = policy.get("TargetTrackingConfiguration", {})
    return str(configuration.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType", ""))


def _whole(configuration: Mapping[str, Any] | None) -> int | None:
    return None if configuration is None else round(float(configuration["TargetValue"]))


def _warmup(group: Entry, policies: Sequence[Entry]) -> int:
    """Return the warm-up that holds: the group's, a policy's, else the cool-down (Auto Scaling guide)."""
    own = group.get("DefaultInstanceWarmup")
    of_policies = [int(policy["EstimatedInstanceWarmup"]) for policy in policies if "EstimatedInstanceWarmup" in policy]
    return int(own) if own is not None else max(of_policies, default=int(group.get("DefaultCooldown", 300)))


def _step(alarm: Entry, key: str, policies: Sequence[Entry], section: str, notes: list[str]) -> Config:
    periods = int(alarm["EvaluationPeriods"])
    threshold = float(alarm["Threshold"])
    found: Config = {
        key: threshold if key.endswith("seconds") else round(threshold),
        "periods": periods,
        "datapoints": int(alarm.get("DatapointsToAlarm") or periods),
        "period_seconds": int(alarm.get("Period") or 60),
    }
    invoked = [policy for policy in policies if policy.get("PolicyARN") in alarm.get("AlarmActions", ())]
    steps = [policy for policy in invoked if policy["PolicyType"] == "StepScaling"]
    if steps:
        adjustments = steps[0].get("StepAdjustments", ())
        found["steps"] = [
            {"beyond": float(each.get("MetricIntervalLowerBound", 0)), "add_percent": int(each["ScalingAdjustment"])}
            for each in adjustments
            if int(each["ScalingAdjustment"]) > 0
        ]
        if steps[0].get("AdjustmentType") != "PercentChangeInCapacity":
            del found["steps"]
            notes.append(
                f"scaling.{section}: its steps add servers and not a share of the fleet; the default steps stand"
            )
    else:
        notes.append(
            f"scaling.{section}: the alarm {alarm['AlarmName']} invokes no step policy, and so adds no server "
            "today; the program gives it one"
        )
    return found


def _scheduled(actions: Sequence[Entry], notes: list[str]) -> Iterator[Config]:
    for action in actions:
        name = squeeze(str(action["ScheduledActionName"]))[:40].strip("-")
        if not action.get("Recurrence"):
            notes.append(f"scaling.scheduled: {action['ScheduledActionName']} happens once, and is left out")
            continue
        bounds = {"min": "MinSize", "max": "MaxSize", "desired": "DesiredCapacity"}
        values = {ours: int(action[theirs]) for ours, theirs in bounds.items() if theirs in action}
        zone = {"time_zone": str(action["TimeZone"])} if action.get("TimeZone") else {}
        yield {"name": name, "cron": str(action["Recurrence"]), **zone, **values}
