"""Alarms: what they watch, and whether what they invoke is there and can be invoked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scale.operate.errors import MissingError
from scale.operate.verify import scaling
from scale.operate.verify.difference import UP, Danger, Difference
from scale.operate.verify.look import Field, Look, compare, entries, is_named, missing, named
from scale.plan.recording import Resource

METRIC = "aws:cloudwatch/metricAlarm:MetricAlarm"
COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
TOPIC = "aws:sns/topic:Topic"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"

_FIELDS = (
    ("namespace", "Namespace", "namespace"),
    ("metricName", "MetricName", "metric"),
    ("statistic", "Statistic", "statistic"),
    ("extendedStatistic", "ExtendedStatistic", "percentile"),
    ("threshold", "Threshold", "threshold"),
    ("comparisonOperator", "ComparisonOperator", "comparison"),
    ("period", "Period", "period, seconds"),
    ("evaluationPeriods", "EvaluationPeriods", "periods"),
    ("datapointsToAlarm", "DatapointsToAlarm", "values in alarm"),
    ("treatMissingData", "TreatMissingData", "missing data"),
    ("dimensions", "Dimensions", "dimensions"),
    ("alarmRule", "AlarmRule", "rule"),
)


def learn(look: Look) -> None:
    """Let `look` know the live names of alarms, policies and topic. Raises AccountError."""
    for resource in look.plan.all(scaling.POLICY):
        if described := named(resource, look.policies, "PolicyName"):
            look.learn(resource, arn=described["PolicyARN"])
    for topic in look.plan.all(TOPIC):
        given = look.finder.outputs.text("alarm_topic")
        arns = [given] if given else look.finder.arns("sns")
        for arn in arns:
            if given or is_named(topic, arn.rpartition(":")[2]):
                look.learn(topic, arn=arn)
    for resource in (*look.plan.all(METRIC), *look.plan.all(COMPOSITE)):
        if described := named(resource, look.alarms, "AlarmName"):
            look.learn(resource, name=described["AlarmName"])


def differences(look: Look) -> Iterator[Difference]:
    """Yield what differs on the alarms, the topic and its subscribers."""
    kinds = {each["PolicyARN"]: str(each["PolicyType"]) for each in look.policies}
    checked: dict[str, str] = {}
    for resource in (*look.plan.all(METRIC), *look.plan.all(COMPOSITE)):
        wanted = look.wanted(resource)
        scales = any(":scalingPolicy:" in action for action in wanted.get("alarmActions", []))
        danger = Danger.SCALING if scales else Danger.SILENCE
        described = named(resource, look.alarms, "AlarmName")
        if described is None:
            yield missing(resource, danger, "alarm")
            continue
        described["Dimensions"] = {each["Name"]: each["Value"] for each in described.get("Dimensions", [])}
        yield from compare(look, resource, described, [Field(*each, danger) for each in _FIELDS])
        yield from _queries(look, resource, described, danger)
        if not described.get("ActionsEnabled", True):
            yield Difference(danger, resource.name, "actions", "enabled", "switched off", _enable(described))
        for key, theirs in (("alarmActions", "AlarmActions"), ("okActions", "OKActions")):
            for action in entries(wanted.get(key)):
                if ":scalingPolicy:" in action and look.group is None:
                    continue  # Gone with its group, which is told by itself.
                if action not in described.get(theirs, []):
                    yield Difference(danger, resource.name, theirs, action, "not among them", UP)
            for action in described.get(theirs, []):
                if action not in checked:
                    checked[action] = _wrong(look, action, kinds)
                if checked[action]:
                    yield Difference(danger, resource.name, theirs, "valid", f"{action} {checked[action]}", UP)
    yield from _topic(look)


def _enable(described: Mapping[str, Any]) -> str:
    return f"`aws cloudwatch enable-alarm-actions --alarm-names {described['AlarmName']}`"


def _queries(look: Look, resource: Resource, described: Mapping[str, Any], danger: Danger) -> Iterator[Difference]:
    ours: dict[str, str] = {
        each["id"]: each.get("expression") or _metric(each["metric"])
        for each in entries(look.wanted(resource).get("metricQueries"))
    }
    theirs: dict[str, str] = {
        each["Id"]: each.get("Expression")
        or _metric(
            {
                "namespace": each["MetricStat"]["Metric"]["Namespace"],
                "metricName": each["MetricStat"]["Metric"]["MetricName"],
                "stat": each["MetricStat"]["Stat"],
                "period": each["MetricStat"]["Period"],
                "dimensions": {part["Name"]: part["Value"] for part in each["MetricStat"]["Metric"]["Dimensions"]},
            }
        )
        for each in described.get("Metrics", [])
    }
    for name in sorted(set(ours) | set(theirs)):
        if ours.get(name) != theirs.get(name):
            told = [each.get(name) or "none" for each in (ours, theirs)]
            yield Difference(danger, resource.name, f"query {name}", *told, mend=UP)


def _metric(metric: Mapping[str, Any]) -> str:
    dimensions = ", ".join(f"{name}={value}" for name, value in sorted(metric["dimensions"].items()))
    return f"{metric['stat']} of {metric['namespace']} {metric['metricName']} ({dimensions}) a {metric['period']:g} s"


def _wrong(look: Look, action: str, kinds: Mapping[str, str]) -> str:
    """Return what is wrong with what an alarm invokes, nothing where it can be invoked."""
    if ":scalingPolicy:" in action:
        if look.group is None:
            return ""  # It is told by itself.
        kind = kinds.get(action)
        if kind is None:
            return "is no policy of this group"
        # Of the others CloudWatch invokes none (Auto Scaling guide, "Step and simple scaling policies").
        return "" if kind in ("StepScaling", "SimpleScaling") else f"is a {kind} policy, which an alarm cannot invoke"
    if action.split(":")[2] == "sns":
        try:
            look.finder.account.call("sns", "get_topic_attributes", TopicArn=action)
        except MissingError:
            return "does not exist"
    return ""


def _topic(look: Look) -> Iterator[Difference]:
    for topic in look.plan.all(TOPIC):
        arn = look.live.get(str(topic.state.get("arn")))
        try:
            found = look.finder.account.call("sns", "get_topic_attributes", TopicArn=arn)["Attributes"] if arn else None
        except MissingError:
            found = None
        if arn is None or found is None:
            yield missing(topic, Danger.SILENCE, "alarm topic")
            continue
        if topic.properties.get("kmsMasterKeyId") and not found.get("KmsMasterKeyId"):
            yield Difference(Danger.DATA, topic.name, "encryption", "on", "off", UP)
        subscribed = {
            (each["Protocol"], each["Endpoint"]): each["SubscriptionArn"]
            for each in look.finder.account.items("sns", "list_subscriptions_by_topic", TopicArn=arn)
        }
        for resource in look.plan.all(SUBSCRIPTION):
            wanted = look.wanted(resource)
            if wanted["topic"] != arn:
                continue
            state = subscribed.get((wanted["protocol"], wanted["endpoint"]))
            if state is None:
                yield missing(resource, Danger.SILENCE, f"subscription of {wanted['endpoint']}")
            elif state == "PendingConfirmation":
                mend = f"follow the link in the message that AWS sent to {wanted['endpoint']}"
                yield Difference(Danger.SILENCE, resource.name, "subscription", "confirmed", "not confirmed", mend)
