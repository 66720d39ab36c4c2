"""The servers: a launch template and the Auto Scaling group made from it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from components import machines, permissions
from components.application_permissions import application_statements
from model.observability import COLLECTOR
from model.settings import Settings
from render import server
from render.cloud_init import Container, user_data
from render.ecr import Repository, repository


class Fleet(pulumi.ComponentResource):
    """Servers that run nginx and the application's container behind the load balancer."""

    group_name: pulumi.Output[str]
    template_id: pulumi.Output[str]
    template_version: pulumi.Output[str]
    """The launch template version that the group runs: note it, it is the way back from the next one."""
    log_group_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        settings: Settings,
        *,
        image_id: pulumi.Input[str],
        subnet_ids: Sequence[pulumi.Input[str]],
        security_group_id: pulumi.Input[str],
        target_group_arn: pulumi.Input[str],
        environment: pulumi.Input[Mapping[str, str]],
        database_hosts: Sequence[pulumi.Input[str]],
        secret_arns: Mapping[str, pulumi.Input[str]],
        bucket_arns: Sequence[pulumi.Input[str]],
        refresh_alarms: Sequence[pulumi.Input[str]],
        queue_arns: Sequence[pulumi.Input[str]] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build the fleet.

        `environment` holds the container's plain variables, `secret_arns` the secret of each other variable. The
        servers may read these secrets, use the buckets and the queues of tasks. `database_hosts` are the instances that
        a pooler serves, the primary first. A refresh stops when one of `refresh_alarms` (names) is in ALARM.
        """
        super().__init__("django-scale:compute:Fleet", name, None, opts)
        self._name = name
        self._settings = settings
        self._servers = settings.servers
        self._queue_arns = queue_arns
        self._tags = {**settings.tags, "Name": name}
        self._child = pulumi.ResourceOptions(parent=self)
        self._logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/django-scale/{name}",
            retention_in_days=self._servers.log_retention_days,
            opts=self._child,
        )
        template = machines.launch_template(
            name,
            self,
            image_id=image_id,
            keeps_image=self._servers.ami == "keep",
            instance_type=self._servers.instance_type,
            profile=machines.instance_profile(name, self._statements(secret_arns, bucket_arns), self),
            security_group_id=security_group_id,
            volume_gib=self._servers.root_volume_gib,
            user_data=self._user_data(environment, database_hosts, secret_arns),
            tags=self._tags,
            hibernates=self._servers.warm_pool is not None and self._servers.warm_pool.state == "hibernated",
        )
        pinned = self._servers.launch_template_version
        self.template_id = template.id
        self.template_version = (
            template.latest_version.apply(str) if pinned is None else pulumi.Output.from_input(str(pinned))
        )
        group = self._create_group(subnet_ids, target_group_arn, refresh_alarms)
        self.group_name = group.name
        self.log_group_name = self._logs.name
        self.register_outputs({"group_name": self.group_name, "template_version": self.template_version})

    def _statements(
        self, secret_arns: Mapping[str, pulumi.Input[str]], bucket_arns: Sequence[pulumi.Input[str]]
    ) -> list[permissions.Statement]:
        statements = [
            permissions.allow(["secretsmanager:GetSecretValue"], list(secret_arns.values())),
            permissions.allow(["logs:CreateLogStream", "logs:PutLogEvents"], permissions.log_streams(self._logs)),
            *application_statements(bucket_arns, self._queue_arns),
        ]
        if self._settings.observability.collects:
            statements.append(permissions.send_traces())
        if repositories := self._repositories():
            statements += permissions.pull(*dict.fromkeys(each.arn for each in repositories))
        return statements

    def _repositories(self) -> list[Repository]:
        """Return where in Amazon ECR images are."""
        return [found for image in server.images(self._settings) if (found := repository(image)) is not None]

    def _user_data(
        self,
        environment: pulumi.Input[Mapping[str, str]],
        database_hosts: Sequence[pulumi.Input[str]],
        secret_arns: Mapping[str, pulumi.Input[str]],
    ) -> pulumi.Output[str]:
        settings = self._settings

        def render(values: Mapping[str, Any]) -> str:
            container = Container(
                image=settings.application.image,
                region=settings.region,
                log_group=values["log_group"],
                draining_seconds=settings.traffic.draining_seconds,
                secret_generation=settings.deployment.secret_generation,
                environment=values["environment"],
                secrets=values["secrets"],
                registries=tuple(sorted({each.registry for each in self._repositories()})),
                nginx=server.nginx(settings),
                pgbouncer=server.pgbouncer(settings, values["hosts"]),
                collector=COLLECTOR if settings.observability.collects else None,
            )
            return base64.b64encode(user_data(container)).decode()

        return pulumi.Output.all(
            environment=environment, hosts=list(database_hosts), secrets=dict(secret_arns), log_group=self._logs.name
        ).apply(render)

    def _create_group(
        self,
        subnet_ids: Sequence[pulumi.Input[str]],
        target_group_arn: pulumi.Input[str],
        refresh_alarms: Sequence[pulumi.Input[str]],
    ) -> aws.autoscaling.Group:
        servers, refresh = self._servers, self._servers.refresh
        warmup_seconds = self._settings.scaling.warmup_seconds
        # By number: with `$Latest` a refresh sees no change (terraform-provider-aws, aws_autoscaling_group).
        template: aws.autoscaling.GroupLaunchTemplateArgsDict = {
            "id": self.template_id,
            "version": self.template_version,
        }
        bounds: aws.autoscaling.GroupInstanceMaintenancePolicyArgsDict = {
            "min_healthy_percentage": refresh.min_healthy_percent,
            "max_healthy_percentage": refresh.max_healthy_percent,
        }
        return aws.autoscaling.Group(
            f"{self._name}-group",
            min_size=servers.min,
            max_size=servers.max,
            desired_capacity=servers.min,
            vpc_zone_identifiers=list(subnet_ids),
            target_group_arns=[target_group_arn],
            launch_template=None if servers.mixed else template,
            mixed_instances_policy=self._mixed_policy() if servers.mixed else None,
            capacity_rebalance=servers.spot_percent > 0,
            health_check_type="ELB",
            health_check_grace_period=servers.grace_seconds,
            default_instance_warmup=warmup_seconds,
            instance_maintenance_policy=bounds,
            instance_refresh={
                "strategy": "Rolling",
                "preferences": {
                    **bounds,
                    "instance_warmup": str(warmup_seconds),
                    "skip_matching": True,
                    # It would return to the group's own settings, which are the new ones by then
                    # (terraform-provider-aws#34189). The way back is servers.launch_template_version.
                    "auto_rollback": False,
                    "alarm_specification": {"alarms": list(refresh_alarms)},
                },
            },
            warm_pool=self._warm_pool(),
            enabled_metrics=[
                aws.autoscaling.Metric.GROUP_DESIRED_CAPACITY,
                aws.autoscaling.Metric.GROUP_IN_SERVICE_INSTANCES,
                aws.autoscaling.Metric.GROUP_PENDING_INSTANCES,
                aws.autoscaling.Metric.GROUP_MIN_SIZE,
                aws.autoscaling.Metric.GROUP_MAX_SIZE,
            ],
            # In its grace a server counts as healthy to Auto Scaling before it has answered anything.
            min_elb_capacity=servers.min,
            wait_for_capacity_timeout="15m",
            tags=[{"key": key, "value": value, "propagate_at_launch": True} for key, value in self._tags.items()],
            opts=pulumi.ResourceOptions(
                parent=self,
                # The scalers own it once the group exists; else each deployment would reset the fleet.
                ignore_changes=["desiredCapacity"],
                # Servers leave when they have drained, and the group after them.
                custom_timeouts=pulumi.CustomTimeouts(delete=f"{900 + self._settings.traffic.draining_seconds}s"),
            ),
        )

    def _mixed_policy(self) -> aws.autoscaling.GroupMixedInstancesPolicyArgsDict:
        servers = self._servers
        return {
            "instances_distribution": {
                "on_demand_base_capacity": servers.on_demand_base,
                "on_demand_percentage_above_base_capacity": 100 - servers.spot_percent,
                "spot_allocation_strategy": "price-capacity-optimized",
            },
            "launch_template": {
                "launch_template_specification": {
                    "launch_template_id": self.template_id,
                    "version": self.template_version,
                },
                "overrides": [{"instance_type": name} for name in servers.types],
            },
        }

    def _warm_pool(self) -> aws.autoscaling.GroupWarmPoolArgsDict | None:
        pool = self._servers.warm_pool
        if pool is None:
            return None
        return {
            "pool_state": pool.state.capitalize(),
            "min_size": pool.min_size,
            "max_group_prepared_capacity": -1 if pool.max_prepared is None else pool.max_prepared,
            "instance_reuse_policy": {"reuse_on_scale_in": pool.reuse},
        }
