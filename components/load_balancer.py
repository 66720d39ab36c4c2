"""The Application Load Balancer: listeners, certificate, target group, access logs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import domain, permissions
from components.bucket import PrivateBucket
from model.application import Application
from model.compute import Compute
from model.traffic import TrafficPolicy

# TLS 1.2 and 1.3 with forward secrecy only (Elastic Load Balancing guide, "Security policies").
_TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"


@dataclass(frozen=True)
class Targets:
    """A target group: of the servers, or of the pods."""

    arn: pulumi.Output[str]
    """Resolved once a listener forwards to the group."""
    metric_dimensions: dict[str, pulumi.Output[str]]
    """The dimensions of the group's metrics in CloudWatch."""
    resource_label: pulumi.Output[str] | None
    """What target tracking on requests names the pair of balancer and target group by; resolved with the listener.
    None where the balancer counts no requests."""


class LoadBalancer(pulumi.ComponentResource):
    """HTTPS for the application's domain, plain HTTP under the balancer's own name without one."""

    arn: pulumi.Output[str]
    dns_name: pulumi.Output[str]
    metric_dimensions: dict[str, pulumi.Output[str]]
    """The dimensions of the balancer's metrics in CloudWatch."""
    servers: Targets | None
    """The servers' target group; None where no servers run."""
    pods: Targets | None
    """The pods' target group; None where no pods run."""

    def __init__(
        self,
        name: str,
        traffic: TrafficPolicy,
        application: Application,
        compute: Compute,
        *,
        vpc_id: pulumi.Input[str],
        subnet_ids: Sequence[pulumi.Input[str]],
        security_group_id: pulumi.Input[str],
        hosted_zone_id: pulumi.Input[str] | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build the balancer in public subnets; an application with a domain has a `hosted_zone_id` for it.

        `name` is the cluster's too, where `compute` has one.
        """
        super().__init__("django-scale:traffic:LoadBalancer", name, None, opts)
        self._name = name
        self._traffic = traffic
        self._child = pulumi.ResourceOptions(parent=self)
        balancer = self._create_balancer(subnet_ids, security_group_id)
        servers = self._create_target_group("web", "instance", application, vpc_id) if compute.servers else None
        pods = self._create_pod_targets(application, compute, vpc_id)
        action = _forward(compute, servers, pods)
        if application.domain is not None and hosted_zone_id is not None:
            certificate_arn = domain.certificate(name, application.domain, hosted_zone_id, opts=self._child)
            listener = self._create_https(balancer, action, certificate_arn)
            domain.alias(name, application.domain, hosted_zone_id, balancer, self._child)
        else:
            listener = self._create_listener("http", balancer, 80, "HTTP", action)
        self.arn = balancer.arn
        self.dns_name = balancer.dns_name
        self.metric_dimensions = {"LoadBalancer": balancer.arn_suffix}
        self.servers = _targets(balancer, servers, listener) if servers else None
        self.pods = _targets(balancer, pods, listener) if pods else None
        groups = {"target_group_arn": self.servers, "pod_target_group_arn": self.pods}
        found = {output: targets.arn for output, targets in groups.items() if targets is not None}
        self.register_outputs({"dns_name": self.dns_name, **found})

    def _create_balancer(
        self, subnet_ids: Sequence[pulumi.Input[str]], security_group_id: pulumi.Input[str]
    ) -> aws.lb.LoadBalancer:
        logs = PrivateBucket(
            f"{self._name}-access-logs",
            keep_days=self._traffic.access_log_days,
            force_destroy=not self._traffic.deletion_protection,
            opts=self._child,
        )
        policy = logs.grant(
            permissions.allow(
                ["s3:PutObject"],
                [pulumi.Output.concat(logs.arn, "/*")],
                principal={"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
            )
        )
        return aws.lb.LoadBalancer(
            f"{self._name}-alb",
            load_balancer_type="application",
            internal=False,
            subnets=list(subnet_ids),
            security_groups=[security_group_id],
            idle_timeout=self._traffic.idle_timeout_seconds,
            drop_invalid_header_fields=True,
            desync_mitigation_mode="defensive",
            enable_http2=True,
            enable_deletion_protection=self._traffic.deletion_protection,
            access_logs={"bucket": logs.bucket_name, "enabled": True},
            # The balancer writes a test object when access logs are switched on.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )

    def _create_pod_targets(
        self, application: Application, compute: Compute, vpc_id: pulumi.Input[str]
    ) -> aws.lb.TargetGroup | None:
        if compute.kubernetes is None:
            return None
        # Auto Mode's policies let it register targets only in groups that are tagged as the cluster's.
        tags = {"eks:eks-cluster-name": self._name}
        return self._create_target_group("pods", "ip", application, vpc_id, tags)

    def _create_target_group(
        self,
        role: str,
        target_type: str,
        application: Application,
        vpc_id: pulumi.Input[str],
        tags: dict[str, str] | None = None,
    ) -> aws.lb.TargetGroup:
        traffic, check = self._traffic, self._traffic.health_check
        # The name is generated: a group in use cannot be replaced by another of the same name (pulumi-aws#4220).
        return aws.lb.TargetGroup(
            f"{self._name}-{role}",
            vpc_id=vpc_id,
            port=application.port,
            protocol="HTTP",
            target_type=target_type,
            deregistration_delay=traffic.draining_seconds,
            slow_start=traffic.slow_start_seconds,
            load_balancing_algorithm_type=traffic.algorithm,
            load_balancing_anomaly_mitigation="on" if traffic.algorithm == "weighted_random" else "off",
            health_check={
                "path": check.path,
                "protocol": "HTTP",
                "matcher": "200",
                "interval": check.interval_seconds,
                "timeout": check.timeout_seconds,
                "healthy_threshold": check.healthy,
                "unhealthy_threshold": check.unhealthy,
            },
            tags=tags,
            opts=self._child,
        )

    def _create_https(
        self,
        balancer: aws.lb.LoadBalancer,
        action: aws.lb.ListenerDefaultActionArgsDict,
        certificate_arn: pulumi.Input[str],
    ) -> aws.lb.Listener:
        redirect: aws.lb.ListenerDefaultActionArgsDict = {
            "type": "redirect",
            "redirect": {"protocol": "HTTPS", "port": "443", "status_code": "HTTP_301"},
        }
        self._create_listener("http", balancer, 80, "HTTP", redirect)
        return self._create_listener("https", balancer, 443, "HTTPS", action, certificate_arn)

    def _create_listener(
        self,
        role: str,
        balancer: aws.lb.LoadBalancer,
        port: int,
        protocol: str,
        action: aws.lb.ListenerDefaultActionArgsDict,
        certificate_arn: pulumi.Input[str] | None = None,
    ) -> aws.lb.Listener:
        return aws.lb.Listener(
            f"{self._name}-{role}",
            load_balancer_arn=balancer.arn,
            port=port,
            protocol=protocol,
            certificate_arn=certificate_arn,
            ssl_policy=_TLS_POLICY if certificate_arn is not None else None,
            default_actions=[action],
            opts=self._child,
        )


def _forward(
    compute: Compute, servers: aws.lb.TargetGroup | None, pods: aws.lb.TargetGroup | None
) -> aws.lb.ListenerDefaultActionArgsDict:
    """Return the action that sends requests to the only group there is, or to both by their weights."""
    if servers is not None and pods is not None:
        weights = compute.weights
        return {
            "type": "forward",
            "forward": {
                "target_groups": [
                    {"arn": servers.arn, "weight": weights.servers},
                    {"arn": pods.arn, "weight": weights.kubernetes},
                ]
            },
        }
    only = servers or pods
    if only is None:
        raise ValueError("compute: must have servers or Kubernetes")
    return {"type": "forward", "target_group_arn": only.arn}


def _targets(balancer: aws.lb.LoadBalancer, group: aws.lb.TargetGroup, listener: aws.lb.Listener) -> Targets:
    # Auto Scaling refuses to measure a target group that no listener uses, so arn and label wait for the listener.
    return Targets(
        arn=pulumi.Output.all(group.arn, listener.arn).apply(lambda values: str(values[0])),
        metric_dimensions={"LoadBalancer": balancer.arn_suffix, "TargetGroup": group.arn_suffix},
        resource_label=pulumi.Output.all(balancer.arn_suffix, group.arn_suffix, listener.arn).apply(
            lambda values: f"{values[0]}/{values[1]}"
        ),
    )
