"""When users are affected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from components.metric_alarm import metric_alarm
from model.alarms import Alarms as AlarmsModel
from model.metrics import APPLICATION_NAMESPACE, Alarm, described

APPLICATION_BALANCER, NETWORK_BALANCER = "AWS/ApplicationELB", "AWS/NetworkELB"
"""The namespaces of the balancers' metrics."""

_PERIODS, _DATAPOINTS = 5, 3


@dataclass(frozen=True)
class Watched:
    """A target group that must not be empty."""

    what: Literal["server", "pod", "balancer"]
    dimensions: Mapping[str, pulumi.Input[str]]
    """Those of the group's metrics."""
    serves: bool = True
    """Whether it is sent requests: users miss nothing of an empty group that is kept warm."""
    namespace: str = APPLICATION_BALANCER
    """That of the metrics."""


class Alarms(pulumi.ComponentResource):
    """Errors, slowness and missing servers or pods, and one composite alarm of them that tells people."""

    refresh_alarms: list[pulumi.Output[str]]
    """The names of those that stop a deployment: errors and slowness."""
    arns: list[pulumi.Output[str]]
    """All, the composite one first."""

    def __init__(
        self,
        name: str,
        alarms: AlarmsModel,
        *,
        topic_arn: pulumi.Input[str],
        balancer_dimensions: Mapping[str, pulumi.Input[str]] | None,
        application_dimensions: Mapping[str, pulumi.Input[str]],
        targets: Sequence[Watched],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build the alarms on a load balancer, whose metrics have these dimensions, and on its target groups.

        Without the balancer's, as one that passes on connections knows no requests, errors and slowness are those that
        the application publishes: the mean over the servers, and the slowest server's mean.
        """
        super().__init__("django-scale:alarms:Alarms", name, None, opts)
        self._name = name
        self._model = alarms
        self._child = pulumi.ResourceOptions(parent=self)
        books = alarms.runbooks
        if balancer_dimensions is not None:
            errors = self._create_errors(balancer_dimensions)
            slow = self._create(_slow(alarms), balancer_dimensions)
        else:
            errors, slow = (
                self._create(each, application_dimensions) for each in (_own_errors(alarms), _own_slow(alarms))
            )
        empty = [self._create(_empty(alarms, each), each.dimensions) for each in targets]
        parts = [errors, slow, *(alarm for alarm, each in zip(empty, targets, strict=True) if each.serves)]
        missed = " or ".join(f"no {each.what}" for each in targets if each.serves)
        affected = aws.cloudwatch.CompositeAlarm(
            f"{name}-users-affected",
            alarm_name=f"{name}-users-affected",
            alarm_description=described(
                f"Users are affected: errors, slow answers or {missed}", "users-affected", books
            ),
            alarm_rule=pulumi.Output.all(*(part.name for part in parts)).apply(
                lambda names: " OR ".join(f'ALARM("{part}")' for part in names)
            ),
            alarm_actions=[topic_arn],
            ok_actions=[topic_arn],
            opts=self._child,
        )
        self.refresh_alarms = [errors.name, slow.name]
        self.arns = [affected.arn, *(part.arn for part in (errors, slow, *empty))]
        self.register_outputs({"refresh_alarms": self.refresh_alarms, "arns": self.arns})

    def _create(self, alarm: Alarm, dimensions: Mapping[str, pulumi.Input[str]]) -> aws.cloudwatch.MetricAlarm:
        return metric_alarm(
            self._name, alarm, dimensions=dimensions, actions=[], runbooks=self._model.runbooks, opts=self._child
        )

    def _create_errors(self, dimensions: Mapping[str, pulumi.Input[str]]) -> aws.cloudwatch.MetricAlarm:
        metrics = {
            "requests": "RequestCount",
            "server": "HTTPCode_Target_5XX_Count",
            "balancer": "HTTPCode_ELB_5XX_Count",
        }
        queries: list[aws.cloudwatch.MetricAlarmMetricQueryArgsDict] = [
            {
                "id": identifier,
                "metric": {
                    "namespace": APPLICATION_BALANCER,
                    "metric_name": metric,
                    "dimensions": dict(dimensions),
                    "stat": "Sum",
                    "period": self._model.period_seconds,
                },
            }
            for identifier, metric in metrics.items()
        ]
        # A minute without an error has no value of its count; the balancer's own errors are in no request's count.
        share = "100 * (FILL(server, 0) + FILL(balancer, 0)) / (FILL(requests, 0) + FILL(balancer, 0))"
        queries.append({"id": "share", "expression": share, "label": "5xx answers, percent", "return_data": True})
        return aws.cloudwatch.MetricAlarm(
            f"{self._name}-errors",
            alarm_description=described("Too many answers are errors", "errors", self._model.runbooks),
            metric_queries=queries,
            comparison_operator="GreaterThanThreshold",
            threshold=self._model.error_percent,
            evaluation_periods=_PERIODS,
            datapoints_to_alarm=_DATAPOINTS,
            treat_missing_data="notBreaching",
            opts=self._child,
        )


def _slow(alarms: AlarmsModel) -> Alarm:
    return Alarm(
        role="slow",
        description="The slowest hundredth of the answers takes too long",
        namespace=APPLICATION_BALANCER,
        metric="TargetResponseTime",
        statistic="p99",
        threshold=alarms.slow_seconds,
        period_seconds=alarms.period_seconds,
        periods=_PERIODS,
        datapoints=_DATAPOINTS,
        missing_data="notBreaching",
    )


def _own_errors(alarms: AlarmsModel) -> Alarm:
    return Alarm(
        role="errors",
        description="Too many answers are errors",
        namespace=APPLICATION_NAMESPACE,
        metric="ErrorRate",
        threshold=alarms.error_percent,
        period_seconds=alarms.period_seconds,
        periods=_PERIODS,
        datapoints=_DATAPOINTS,
        missing_data="notBreaching",
        unit="Percent",
    )


def _own_slow(alarms: AlarmsModel) -> Alarm:
    return Alarm(
        role="slow",
        description="A server's answers take too long on average",
        namespace=APPLICATION_NAMESPACE,
        metric="ResponseTime",
        statistic="Maximum",
        threshold=alarms.slow_seconds,
        period_seconds=alarms.period_seconds,
        periods=_PERIODS,
        datapoints=_DATAPOINTS,
        missing_data="notBreaching",
        unit="Seconds",
    )


def _empty(alarms: AlarmsModel, each: Watched) -> Alarm:
    return Alarm(
        role=f"no-{each.what}",
        description=f"No {each.what} is healthy",
        namespace=each.namespace,
        metric="HealthyHostCount",
        statistic="Maximum",
        threshold=1,
        comparison="LessThanThreshold",
        period_seconds=alarms.period_seconds,
        periods=_PERIODS,
        datapoints=_DATAPOINTS,
        missing_data="breaching",
    )
