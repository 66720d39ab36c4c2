"""The servers and their scaling of the stack in `bench.cdk_app`."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct


class Fleet(Construct):
    """A launch template, an Auto Scaling group and its policies."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        vpc: ec2.Vpc,
        group: ec2.SecurityGroup,
        target: elbv2.ApplicationTargetGroup,
        balancer: elbv2.ApplicationLoadBalancer,
        secrets: list[secretsmanager.ISecret],
    ) -> None:
        super().__init__(scope, construct_id)
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name("AmazonSSMManagedInstanceCore")],
        )
        log_group = logs.LogGroup(self, "Logs", log_group_name=f"/django-scale/{name}-web")
        log_group.grant_write(self.role)
        for secret in secrets:
            secret.grant_read(self.role)
        user_data = ec2.UserData.for_linux()
        user_data.add_commands(
            "dnf install -y docker",
            "systemctl enable --now docker",
            "docker run -d --restart always -p 8000:8000 --log-driver awslogs"
            f" --log-opt awslogs-group=/django-scale/{name}-web"
            " -e DJANGO_SETTINGS_MODULE=shop.settings ghcr.io/example/shop:1.4.0",
        )
        template = ec2.LaunchTemplate(
            self,
            "Template",
            machine_image=ec2.MachineImage.latest_amazon_linux2023(cpu_type=ec2.AmazonLinuxCpuType.ARM_64),
            instance_type=ec2.InstanceType("m7g.large"),
            security_group=group,
            role=self.role,
            user_data=user_data,
            require_imdsv2=True,
            http_put_response_hop_limit=2,
            detailed_monitoring=True,
            block_devices=[
                ec2.BlockDevice(
                    device_name="/dev/xvda",
                    volume=ec2.BlockDeviceVolume.ebs(30, encrypted=True, volume_type=ec2.EbsDeviceVolumeType.GP3),
                )
            ],
        )
        self.group = autoscaling.AutoScalingGroup(
            self,
            "Group",
            vpc=vpc,
            launch_template=template,
            min_capacity=3,
            max_capacity=20,
            default_instance_warmup=cdk.Duration.seconds(180),
            group_metrics=[autoscaling.GroupMetrics.all()],
            health_checks=autoscaling.HealthChecks.with_additional_checks(
                additional_types=[autoscaling.AdditionalHealthCheckType.ELB], grace_period=cdk.Duration.seconds(300)
            ),
            update_policy=autoscaling.UpdatePolicy.rolling_update(min_instances_in_service=3),
        )
        self.group.attach_to_application_target_group(target)
        self._scale(name, balancer)

    def _scale(self, name: str, balancer: elbv2.ApplicationLoadBalancer) -> None:
        self.group.scale_on_cpu_utilization("Cpu", target_utilization_percent=70)
        self.group.scale_on_request_count("Requests", target_requests_per_minute=1000)
        connections = cloudwatch.Metric(
            namespace="Django/Application",
            metric_name="DatabaseConnections",
            dimensions_map={"Environment": name},
            period=cdk.Duration.minutes(1),
        )
        slow = balancer.metrics.target_response_time(period=cdk.Duration.minutes(1))
        for role, metric, changes in (
            ("Connections", connections, {80: 10, 100: 30}),
            ("ResponseTime", slow, {2: 20, 4: 50}),
        ):
            self.group.scale_on_metric(
                role,
                metric=metric,
                adjustment_type=autoscaling.AdjustmentType.PERCENT_CHANGE_IN_CAPACITY,
                min_adjustment_magnitude=1,
                evaluation_periods=3,
                scaling_steps=[
                    autoscaling.ScalingInterval(upper=0, change=0),
                    *(autoscaling.ScalingInterval(lower=lower, change=change) for lower, change in changes.items()),
                ],
            )
        for role, cron, smallest in (("MondayMorning", "30 6 * * 1", 6), ("MondayEvening", "0 20 * * 1", 3)):
            self.group.scale_on_schedule(
                role,
                schedule=autoscaling.Schedule.expression(cron),
                time_zone="Europe/Dublin",
                min_capacity=smallest,
            )
        autoscaling.CfnScalingPolicy(
            self,
            "Forecast",
            auto_scaling_group_name=self.group.auto_scaling_group_name,
            policy_type="PredictiveScaling",
            predictive_scaling_configuration=autoscaling.CfnScalingPolicy.PredictiveScalingConfigurationProperty(
                mode="ForecastOnly",
                scheduling_buffer_time=300,
                metric_specifications=[
                    autoscaling.CfnScalingPolicy.PredictiveScalingMetricSpecificationProperty(
                        target_value=70,
                        predefined_metric_pair_specification=(
                            autoscaling.CfnScalingPolicy.PredictiveScalingPredefinedMetricPairProperty(
                                predefined_metric_type="ASGCPUUtilization"
                            )
                        ),
                    )
                ],
            ),
        )
