"""A CloudWatch alarm from the model's description of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from model.metrics import RUNBOOKS, Alarm, described


def metric_alarm(
    name: str,
    alarm: Alarm,
    *,
    dimensions: Mapping[str, pulumi.Input[str]],
    actions: Sequence[pulumi.Input[str]],
    ok_actions: Sequence[pulumi.Input[str]] = (),
    runbooks: str = RUNBOOKS,
    opts: pulumi.ResourceOptions,
) -> aws.cloudwatch.MetricAlarm:
    """Create the alarm `{name}-{alarm.role}` on the metric with these dimensions; `actions` are ARNs it invokes.

    `runbooks` is where its page is.
    """
    percentile = alarm.statistic.startswith("p")
    return aws.cloudwatch.MetricAlarm(
        f"{name}-{alarm.role}",
        alarm_description=described(alarm.description, alarm.page, runbooks),
        namespace=alarm.namespace,
        metric_name=alarm.metric,
        dimensions={**alarm.dimensions, **dimensions},
        statistic=None if percentile else alarm.statistic,
        extended_statistic=alarm.statistic if percentile else None,
        comparison_operator=alarm.comparison,
        threshold=alarm.threshold,
        period=alarm.period_seconds,
        evaluation_periods=alarm.periods,
        datapoints_to_alarm=alarm.datapoints,
        treat_missing_data=alarm.missing_data,
        unit=alarm.unit,
        alarm_actions=list(actions),
        ok_actions=list(ok_actions),
        opts=opts,
    )
