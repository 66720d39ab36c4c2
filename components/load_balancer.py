"""The Application Load Balancer: listeners, certificate, target group, access logs."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components import permissions
from components.bucket import PrivateBucket
from model.application import Application
from model.traffic import TrafficPolicy

# TLS 1.2 and 1.3 with forward secrecy only (Elastic Load Balancing guide, "Security policies").
_TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"


class LoadBalancer(pulumi.ComponentResource):
    """HTTPS for the application's domain, plain HTTP under the balancer's own name without one."""

    arn: pulumi.Output[str]
    dns_name: pulumi.Output[str]
    target_group_arn: pulumi.Output[str]
    """Resolved once a listener forwards to the group."""
    metric_dimensions: dict[str, pulumi.Output[str]]
    """The dimensions of the balancer's metrics in CloudWatch."""
    target_metric_dimensions: dict[str, pulumi.Output[str]]
    """The dimensions of the target group's metrics in CloudWatch."""
    resource_label: pulumi.Output[str]
    """What target tracking on requests names the pair of balancer and target group by; resolved with the listener."""

    def __init__(
        self,
        name: str,
        traffic: TrafficPolicy,
        application: Application,
        *,
        vpc_id: pulumi.Input[str],
        subnet_ids: Sequence[pulumi.Input[str]],
        security_group_id: pulumi.Input[str],
        hosted_zone_id: pulumi.Input[str] | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build the balancer in public subnets; an application with a domain has a `hosted_zone_id` for it."""
        super().__init__("django-scale:traffic:LoadBalancer", name, None, opts)
        self._name = name
        self._traffic = traffic
        self._child = pulumi.ResourceOptions(parent=self)
        balancer = self._create_balancer(subnet_ids, security_group_id)
        targets = self._create_target_group(application, vpc_id)
        if application.domain is not None and hosted_zone_id is not None:
            certificate_arn = self._create_certificate(application.domain, hosted_zone_id)
            listener = self._create_https(balancer, targets, certificate_arn)
            self._create_alias(application.domain, hosted_zone_id, balancer)
        else:
            listener = self._create_listener("http", balancer, 80, "HTTP", _forward(targets))
        self.arn = balancer.arn
        self.dns_name = balancer.dns_name
        self.metric_dimensions = {"LoadBalancer": balancer.arn_suffix}
        self.target_metric_dimensions = {"LoadBalancer": balancer.arn_suffix, "TargetGroup": targets.arn_suffix}
        # Auto Scaling refuses to measure a target group that no listener uses, so both wait for the listener.
        self.target_group_arn = pulumi.Output.all(targets.arn, listener.arn).apply(lambda values: str(values[0]))
        self.resource_label = pulumi.Output.all(balancer.arn_suffix, targets.arn_suffix, listener.arn).apply(
            lambda values: f"{values[0]}/{values[1]}"
        )
        self.register_outputs({"dns_name": self.dns_name, "target_group_arn": self.target_group_arn})

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

    def _create_target_group(self, application: Application, vpc_id: pulumi.Input[str]) -> aws.lb.TargetGroup:
        traffic, check = self._traffic, self._traffic.health_check
        # The name is generated: a group in use cannot be replaced by another of the same name (pulumi-aws#4220).
        return aws.lb.TargetGroup(
            f"{self._name}-web",
            vpc_id=vpc_id,
            port=application.port,
            protocol="HTTP",
            target_type="instance",
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
            opts=self._child,
        )

    def _create_certificate(self, domain: str, hosted_zone_id: pulumi.Input[str]) -> pulumi.Output[str]:
        """Return the certificate's ARN, resolved once the domain's zone has proved it."""
        certificate = aws.acm.Certificate(
            f"{self._name}-certificate", domain_name=domain, validation_method="DNS", opts=self._child
        )
        proof = certificate.domain_validation_options[0]
        record = aws.route53.Record(
            f"{self._name}-certificate",
            zone_id=hosted_zone_id,
            name=proof.resource_record_name,
            type=proof.resource_record_type,
            records=[proof.resource_record_value],
            ttl=300,
            # The same domain's proof is the same record in every stack and after a destroy.
            allow_overwrite=True,
            opts=self._child,
        )
        validation = aws.acm.CertificateValidation(
            f"{self._name}-certificate",
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn],
            opts=self._child,
        )
        return validation.certificate_arn

    def _create_https(
        self, balancer: aws.lb.LoadBalancer, targets: aws.lb.TargetGroup, certificate_arn: pulumi.Input[str]
    ) -> aws.lb.Listener:
        redirect: aws.lb.ListenerDefaultActionArgsDict = {
            "type": "redirect",
            "redirect": {"protocol": "HTTPS", "port": "443", "status_code": "HTTP_301"},
        }
        self._create_listener("http", balancer, 80, "HTTP", redirect)
        return self._create_listener("https", balancer, 443, "HTTPS", _forward(targets), certificate_arn)

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

    def _create_alias(self, domain: str, hosted_zone_id: pulumi.Input[str], balancer: aws.lb.LoadBalancer) -> None:
        aws.route53.Record(
            f"{self._name}-domain",
            zone_id=hosted_zone_id,
            name=domain,
            type="A",
            aliases=[{"name": balancer.dns_name, "zone_id": balancer.zone_id, "evaluate_target_health": True}],
            opts=self._child,
        )


def _forward(targets: aws.lb.TargetGroup) -> aws.lb.ListenerDefaultActionArgsDict:
    return {"type": "forward", "target_group_arn": targets.arn}
