"""The servers that run HAProxy: their role, launch template and Auto Scaling group."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from components import machines, permissions
from model.haproxy import SERVERS
from model.settings import Settings
from render import haproxy_server
from render.ecr import repository

_VOLUME_GIB = 10

# What a server needs to install Docker, pull an image and be judged twice, with room (estimate).
_GRACE_SECONDS = 300


class HaproxyServers(pulumi.ComponentResource):
    """Two servers, in as many zones, which a Network Load Balancer judges and Auto Scaling replaces."""

    group_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        settings: Settings,
        *,
        image_id: pulumi.Input[str],
        subnet_ids: Sequence[pulumi.Input[str]],
        security_group_id: pulumi.Input[str],
        target_group_arns: Sequence[pulumi.Input[str]],
        application_group_arn: pulumi.Input[str],
        certificate_arn: pulumi.Input[str] | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build the servers. They join `target_group_arns`, learn the application's servers from
        `application_group_arn`, and fetch the certificate, if there is one."""
        super().__init__("django-scale:compute:HaproxyServers", name, None, opts)
        self._name = name
        self._settings = settings
        self._tags = {**settings.tags, "Name": name}
        self._child = pulumi.ResourceOptions(parent=self)
        self._image = repository(settings.images.haproxy)
        self._logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/django-scale/{name}",
            retention_in_days=settings.servers.log_retention_days,
            opts=self._child,
        )
        template = machines.launch_template(
            name,
            self,
            image_id=image_id,
            keeps_image=settings.servers.ami == "keep",
            instance_type=settings.traffic.haproxy.type_for(settings.application.architecture),
            profile=machines.instance_profile(name, self._statements(certificate_arn), self),
            security_group_id=security_group_id,
            volume_gib=_VOLUME_GIB,
            user_data=self._user_data(application_group_arn, certificate_arn),
            tags=self._tags,
        )
        self.group_name = self._create_group(template, subnet_ids, target_group_arns).name
        self.register_outputs({"group_name": self.group_name})

    def _statements(self, certificate_arn: pulumi.Input[str] | None) -> list[permissions.Statement]:
        statements = [
            permissions.allow(["logs:CreateLogStream", "logs:PutLogEvents"], permissions.log_streams(self._logs)),
            # Neither names a resource (service authorization reference).
            permissions.allow(["elasticloadbalancing:DescribeTargetHealth", "ec2:DescribeInstances"], ["*"]),
        ]
        if certificate_arn is not None:
            statements.append(permissions.allow(["acm:ExportCertificate"], [certificate_arn]))
        if self._image is not None:
            statements += permissions.pull(self._image.arn)
        return statements

    def _user_data(
        self, application_group_arn: pulumi.Input[str], certificate_arn: pulumi.Input[str] | None
    ) -> pulumi.Output[str]:
        settings = self._settings

        def render(values: Mapping[str, Any]) -> str:
            server = haproxy_server.HaproxyServer(
                haproxy=haproxy_server.haproxy(settings),
                region=settings.region,
                log_group=values["log_group"],
                target_group_arn=values["group"],
                port=settings.application.port,
                interval_seconds=settings.traffic.haproxy.interval_seconds,
                draining_seconds=settings.traffic.draining_seconds,
                certificate_arn=values["certificate"],
                registries=() if self._image is None else (self._image.registry,),
            )
            return base64.b64encode(haproxy_server.user_data(server)).decode()

        return pulumi.Output.all(
            log_group=self._logs.name, group=application_group_arn, certificate=certificate_arn
        ).apply(render)

    def _create_group(
        self,
        template: aws.ec2.LaunchTemplate,
        subnet_ids: Sequence[pulumi.Input[str]],
        target_group_arns: Sequence[pulumi.Input[str]],
    ) -> aws.autoscaling.Group:
        # A new one serves before an old one goes.
        bounds: aws.autoscaling.GroupInstanceMaintenancePolicyArgsDict = {
            "min_healthy_percentage": 100,
            "max_healthy_percentage": 150,
        }
        return aws.autoscaling.Group(
            f"{self._name}-group",
            min_size=SERVERS,
            max_size=SERVERS,
            vpc_zone_identifiers=list(subnet_ids),
            target_group_arns=list(target_group_arns),
            # By number: with `$Latest` a refresh sees no change (terraform-provider-aws, aws_autoscaling_group).
            launch_template={"id": template.id, "version": template.latest_version.apply(str)},
            health_check_type="ELB",
            health_check_grace_period=_GRACE_SECONDS,
            default_instance_warmup=0,
            instance_maintenance_policy=bounds,
            instance_refresh={
                "strategy": "Rolling",
                "preferences": {**bounds, "instance_warmup": "0", "skip_matching": True, "auto_rollback": False},
            },
            wait_for_capacity_timeout="15m",
            tags=[{"key": key, "value": value, "propagate_at_launch": True} for key, value in self._tags.items()],
            opts=pulumi.ResourceOptions(
                parent=self,
                # Servers leave when they have drained, and the group after them.
                custom_timeouts=pulumi.CustomTimeouts(delete=f"{900 + self._settings.traffic.draining_seconds}s"),
            ),
        )
