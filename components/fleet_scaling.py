"""What makes the fleet grow and shrink."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from components.metric_alarm import metric_alarm
from model.metrics import APPLICATION_NAMESPACE, RUNBOOKS, Alarm
from model.scaling import Predictive, ScalingPolicy, Scheduled, StepPolicy

_MODES = {"forecast-only": "ForecastOnly", "forecast-and-scale": "ForecastAndScale"}
_UNCHANGED = -1


class FleetScaling(pulumi.ComponentResource):
    """The policies of an Auto Scaling group, and the alarms that invoke those which need one."""

    alarm_names: dict[str, pulumi.Output[str]]
    """The alarms that add servers, by the step policy's role."""

    def __init__(
        self,
        name: str,
        scaling: ScalingPolicy,
        *,
        group_name: pulumi.Input[str],
        resource_label: pulumi.Input[str] | None,
        balancer_dimensions: Mapping[str, pulumi.Input[str]],
        application_dimensions: Mapping[str, pulumi.Input[str]],
        runbooks: str = RUNBOOKS,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build the policies.

        `resource_label` names balancer and target group, where a policy is on requests; the dimensions are those of the
        balancer's metrics and of the metrics that the application publishes.
        """
        super().__init__("django-scale:compute:FleetScaling", name, None, opts)
        self._name = name
        self._group_name = group_name
        self._runbooks = runbooks
        self._child = pulumi.ResourceOptions(parent=self)
        if scaling.cpu_percent is not None:
            self._track("cpu", scaling, "ASGAverageCPUUtilization", scaling.cpu_percent, None)
        if scaling.requests_per_target is not None:
            self._track("requests", scaling, "ALBRequestCountPerTarget", scaling.requests_per_target, resource_label)
        dimensions = {APPLICATION_NAMESPACE: application_dimensions, "AWS/ApplicationELB": balancer_dimensions}
        self.alarm_names = {
            role: self._step(role, policy, alarm, dimensions[alarm.namespace]).name
            for role, (policy, alarm) in scaling.step_policies().items()
        }
        for action in scaling.scheduled:
            self._schedule(action)
        if scaling.predictive is not None and scaling.cpu_percent is not None:
            self._predict(scaling.predictive, scaling.cpu_percent)
        self.register_outputs({"alarm_names": self.alarm_names})

    def _track(
        self, role: str, scaling: ScalingPolicy, metric: str, target: float, resource_label: pulumi.Input[str] | None
    ) -> None:
        # No warm-up here: target tracking takes the group's default one, as all policies of the group should.
        aws.autoscaling.Policy(
            f"{self._name}-{role}",
            autoscaling_group_name=self._group_name,
            policy_type="TargetTrackingScaling",
            target_tracking_configuration={
                "target_value": float(target),
                "disable_scale_in": not scaling.scale_in,
                "predefined_metric_specification": {
                    "predefined_metric_type": metric,
                    "resource_label": resource_label,
                },
            },
            opts=self._child,
        )

    def _step(
        self, role: str, policy: StepPolicy, alarm: Alarm, dimensions: Mapping[str, pulumi.Input[str]]
    ) -> aws.cloudwatch.MetricAlarm:
        # A step policy, not a target tracking one: of the two only this can be an alarm's action.
        step = aws.autoscaling.Policy(
            f"{self._name}-{role}",
            autoscaling_group_name=self._group_name,
            policy_type="StepScaling",
            adjustment_type="PercentChangeInCapacity",
            min_adjustment_magnitude=1,
            metric_aggregation_type="Average",
            step_adjustments=[
                {
                    "scaling_adjustment": interval.change,
                    "metric_interval_lower_bound": _bound(interval.lower),
                    "metric_interval_upper_bound": None if interval.upper is None else _bound(interval.upper),
                }
                for interval in policy.intervals()
            ],
            opts=self._child,
        )
        return metric_alarm(
            self._name, alarm, dimensions=dimensions, actions=[step.arn], runbooks=self._runbooks, opts=self._child
        )

    def _schedule(self, action: Scheduled) -> None:
        aws.autoscaling.Schedule(
            f"{self._name}-{action.name}",
            scheduled_action_name=action.name,
            autoscaling_group_name=self._group_name,
            recurrence=action.cron,
            time_zone=action.time_zone,
            min_size=_UNCHANGED if action.min is None else action.min,
            max_size=_UNCHANGED if action.max is None else action.max,
            desired_capacity=_UNCHANGED if action.desired is None else action.desired,
            opts=self._child,
        )

    def _predict(self, predictive: Predictive, cpu_percent: int) -> None:
        breach = predictive.max_breach_percent
        aws.autoscaling.Policy(
            f"{self._name}-predictive",
            autoscaling_group_name=self._group_name,
            policy_type="PredictiveScaling",
            predictive_scaling_configuration={
                "mode": _MODES[predictive.mode],
                "scheduling_buffer_time": str(predictive.ahead_seconds),
                "max_capacity_breach_behavior": "HonorMaxCapacity" if breach is None else "IncreaseMaxCapacity",
                "max_capacity_buffer": None if breach is None else str(breach),
                "metric_specification": {
                    "target_value": float(cpu_percent),
                    "predefined_metric_pair_specification": {"predefined_metric_type": "ASGCPUUtilization"},
                },
            },
            opts=self._child,
        )


def _bound(value: float) -> str:
    """Return a bound in the form the provider reads it back in: all its digits and no exponent."""
    return f"{value:.15g}"
