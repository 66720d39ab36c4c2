"""What watches and what keeps secrets: alarms, metrics, dashboards, logs, secrets, keys."""

from __future__ import annotations

from collections.abc import Iterator

from scale.cost.items import Item, Known, always, said
from scale.cost.prices import Rate
from scale.cost.quantities.resources import component, groups
from scale.plan.properties import count, text
from scale.plan.recording import Recording
from scale.plan.values import reveal

RUNTIME_METRICS = 11
"""Metrics that django-scale-runtime publishes of an environment; each cache level and each queue adds one."""

# Auto Scaling makes one alarm for each direction of a target tracking policy.
_TRACKING_ALARMS = 2

# Days in a month of `prices.HOURS`.
_DAYS = 30.4


def items(update: Recording, known: Known) -> Iterator[Item]:
    """Yield what is charged by the alarm, the metric, the GB and the secret."""
    yield from _alarms(update)
    groups_ = update.all("aws:cloudwatch/logGroup:LogGroup")
    if groups_:
        yield from _logs(update, known)
    secrets = update.all("aws:secretsmanager/secret:Secret")
    if secrets:
        yield Item("Secrets", "secrets", Rate("secret"), "secrets", always(len(secrets)))
    for key in update.all("aws:kms/key:Key"):
        yield Item(component(update, key), "encryption key", Rate("key"), "keys", always(1))


def _alarms(update: Recording) -> Iterator[Item]:
    metrics = sum(
        # An alarm on several metrics is charged for each of them (CloudWatch pricing, "Alarms").
        sum(1 for query in groups(alarm.properties.get("metricQueries")) if reveal(query.get("metric"))) or 1
        for alarm in update.all("aws:cloudwatch/metricAlarm:MetricAlarm")
    )
    tracking = sum(
        text(policy, "policyType") == "TargetTrackingScaling" for policy in update.all("aws:autoscaling/policy:Policy")
    )
    if metrics:
        yield Item("Alarms", "metrics in alarms", Rate("alarm"), "metrics", always(metrics))
    if tracking:
        quantity = always(tracking * _TRACKING_ALARMS)
        yield Item("Alarms", "alarms of target tracking", Rate("alarm"), "metrics", quantity)
    composite = len(update.all("aws:cloudwatch/compositeAlarm:CompositeAlarm"))
    if composite:
        yield Item("Alarms", "composite alarms", Rate("composite-alarm"), "alarms", always(composite))
    dashboards = len(update.all("aws:cloudwatch/dashboard:Dashboard"))
    if dashboards:
        yield Item("Dashboard", "dashboards", Rate("dashboard"), "dashboards", always(dashboards))
    if update.all("aws:autoscaling/group:Group") or update.all("aws:eks/cluster:Cluster"):
        yield Item("Dashboard", "metrics of the runtime", Rate("metric"), "metrics", always(RUNTIME_METRICS))


def _logs(update: Recording, known: Known) -> Iterator[Item]:
    """Yield logs that are written and logs that AWS delivers itself, which have a price of their own."""
    written = said(known.given.logs_gb, idle=True)
    yield Item("Logs", "logs written", Rate("log-data"), "GB", written, "--logs-gb")
    vended = update.all("aws:ec2/flowLog:FlowLog") or update.all(
        "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"
    )
    delivered = said(known.given.vended_logs_gb, idle=True)
    if vended:
        yield Item("Logs", "flow and firewall logs", Rate("vended-log-data"), "GB", delivered, "--vended-logs-gb")
    given = [known.given.logs_gb, known.given.vended_logs_gb if vended else 0.0]
    stored = None if None in given else sum(each or 0.0 for each in given) * _retention(update) / _DAYS
    yield Item(
        "Logs",
        "logs kept",
        Rate("log-storage"),
        "GB-months",
        said(stored, idle=True),
        "--logs-gb",
        "before compression",
    )


def _retention(update: Recording) -> float:
    """Return the longest time, in days, that a group keeps its logs."""
    return float(max(count(group, "retentionInDays") for group in update.all("aws:cloudwatch/logGroup:LogGroup")))
