"""A balancer of the team's own: two HAProxy servers behind a Network Load Balancer."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components import domain
from components.haproxy_servers import HaproxyServers
from components.load_balancer import Targets
from model.haproxy import HEALTH_PORT, HTTP_PORT, HTTPS_PORT
from model.settings import Settings

# How the Network Load Balancer judges HAProxy: two answers 10 s apart bring it in or take it out.
_CHECK_SECONDS, _CHECKS = 10, 2


class HaproxyEdge(pulumi.ComponentResource):
    """HTTPS for the application's domain by HAProxy, plain HTTP under the balancer's own name without one."""

    arn: pulumi.Output[str]
    dns_name: pulumi.Output[str]
    servers: Targets
    """The application's servers: the Network Load Balancer judges them and sends them nothing."""
    proxies: Targets
    """The HAProxy servers."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        *,
        vpc_id: pulumi.Input[str],
        balancer_subnet_ids: Sequence[pulumi.Input[str]],
        balancer_group_id: pulumi.Input[str],
        server_subnet_ids: Sequence[pulumi.Input[str]],
        server_group_id: pulumi.Input[str],
        image_id: pulumi.Input[str],
        hosted_zone_id: pulumi.Input[str] | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build the Network Load Balancer in public subnets, and HAProxy where the application's servers stand.

        `balancer_group_id` and `server_group_id` are the security groups of the two. An application with a domain has
        a `hosted_zone_id` for it.
        """
        super().__init__("django-scale:traffic:HaproxyEdge", name, None, opts)
        self._name = name
        self._traffic = settings.traffic
        self._vpc_id = vpc_id
        self._child = pulumi.ResourceOptions(parent=self)
        balancer = aws.lb.LoadBalancer(
            f"{name}-nlb",
            load_balancer_type="network",
            internal=False,
            subnets=list(balancer_subnet_ids),
            security_groups=[balancer_group_id],
            # Else a zone whose HAProxy is away loses its part of the clients until DNS has followed.
            enable_cross_zone_load_balancing=True,
            enable_deletion_protection=self._traffic.deletion_protection,
            opts=self._child,
        )
        servers = self._create_server_targets(settings.application.port)
        judged = self._listen("health", balancer, settings.application.port, servers)
        doors = {"http": (80, HTTP_PORT)}
        certificate_arn = None
        name_of_site = settings.application.domain
        if name_of_site is not None and hosted_zone_id is not None:
            certificate_arn = domain.certificate(name, name_of_site, hosted_zone_id, exportable=True, opts=self._child)
            domain.alias(name, name_of_site, hosted_zone_id, balancer, self._child)
            doors["https"] = (443, HTTPS_PORT)
        groups = {role: self._create_proxy_targets(role, port) for role, (_, port) in doors.items()}
        listeners = [self._listen(role, balancer, doors[role][0], group) for role, group in groups.items()]
        self.arn = balancer.arn
        self.dns_name = balancer.dns_name
        self.servers = _targets(balancer, servers, [judged])
        self.proxies = _targets(balancer, groups["http"], listeners)
        HaproxyServers(
            f"{name}-edge",
            settings,
            image_id=image_id,
            subnet_ids=server_subnet_ids,
            security_group_id=server_group_id,
            target_group_arns=[_used(group, listeners) for group in groups.values()],
            application_group_arn=self.servers.arn,
            certificate_arn=certificate_arn,
            opts=self._child,
        )
        self.register_outputs({"dns_name": self.dns_name, "target_group_arn": self.servers.arn})

    def _create_server_targets(self, port: int) -> aws.lb.TargetGroup:
        """Return the group that Auto Scaling puts the application's servers into and HAProxy learns them from."""
        check = self._traffic.health_check
        return aws.lb.TargetGroup(
            f"{self._name}-web",
            vpc_id=self._vpc_id,
            port=port,
            protocol="TCP",
            target_type="instance",
            deregistration_delay=self._traffic.draining_seconds,
            health_check={
                "path": check.path,
                "protocol": "HTTP",
                "matcher": "200",
                "interval": check.interval_seconds,
                "timeout": check.timeout_seconds,
                "healthy_threshold": check.healthy,
                "unhealthy_threshold": check.unhealthy,
            },
            opts=self._child,
        )

    def _create_proxy_targets(self, role: str, port: int) -> aws.lb.TargetGroup:
        return aws.lb.TargetGroup(
            f"{self._name}-{role}",
            vpc_id=self._vpc_id,
            port=port,
            protocol="TCP",
            target_type="instance",
            # HAProxy sees the client's own address, and so believes no header and needs no PROXY protocol.
            preserve_client_ip="true",
            deregistration_delay=self._traffic.draining_seconds,
            health_check={
                "path": "/health",
                "port": str(HEALTH_PORT),
                "protocol": "HTTP",
                "matcher": "200",
                "interval": _CHECK_SECONDS,
                "timeout": _CHECK_SECONDS // 2,
                "healthy_threshold": _CHECKS,
                "unhealthy_threshold": _CHECKS,
            },
            opts=self._child,
        )

    def _listen(
        self, role: str, balancer: aws.lb.LoadBalancer, port: int, group: aws.lb.TargetGroup
    ) -> aws.lb.Listener:
        # A group is judged where a listener forwards to it. The one to the servers stands behind a security group
        # that lets nobody reach its port.
        return aws.lb.Listener(
            f"{self._name}-{role}",
            load_balancer_arn=balancer.arn,
            port=port,
            protocol="TCP",
            default_actions=[{"type": "forward", "target_group_arn": group.arn}],
            opts=self._child,
        )


def _used(group: aws.lb.TargetGroup, listeners: Sequence[aws.lb.Listener]) -> pulumi.Output[str]:
    """Return a group's ARN, resolved once the listeners stand: before, nobody judges what is in it."""
    return pulumi.Output.all(group.arn, *(listener.arn for listener in listeners)).apply(lambda values: str(values[0]))


def _targets(balancer: aws.lb.LoadBalancer, group: aws.lb.TargetGroup, listeners: Sequence[aws.lb.Listener]) -> Targets:
    return Targets(
        arn=_used(group, listeners),
        metric_dimensions={"LoadBalancer": balancer.arn_suffix, "TargetGroup": group.arn_suffix},
        resource_label=None,
    )
