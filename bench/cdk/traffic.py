"""The load balancer and the firewall of the stack in `bench.cdk_app`."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_logs as logs
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from bench.cdk.storage import private_bucket


class Balancer(Construct):
    """The load balancer, its certificate, listeners and target group."""

    def __init__(
        self, scope: Construct, construct_id: str, vpc: ec2.Vpc, group: ec2.SecurityGroup, domain: str
    ) -> None:
        super().__init__(scope, construct_id)
        zone = route53.HostedZone.from_hosted_zone_attributes(
            self, "Zone", hosted_zone_id="Z0123456789ABCDEFGHIJ", zone_name="example.com"
        )
        certificate = acm.Certificate(
            self, "Certificate", domain_name=domain, validation=acm.CertificateValidation.from_dns(zone)
        )
        self.load_balancer = elbv2.ApplicationLoadBalancer(
            self,
            "Alb",
            vpc=vpc,
            internet_facing=True,
            security_group=group,
            deletion_protection=True,
            drop_invalid_header_fields=True,
        )
        self.load_balancer.log_access_logs(private_bucket(self, "AccessLogs", versioned=False))
        self.load_balancer.add_redirect(open=False)
        self.target = elbv2.ApplicationTargetGroup(
            self,
            "Targets",
            vpc=vpc,
            port=8000,
            protocol=elbv2.ApplicationProtocol.HTTP,
            target_type=elbv2.TargetType.INSTANCE,
            deregistration_delay=cdk.Duration.seconds(30),
            load_balancing_algorithm_type=elbv2.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
            health_check=elbv2.HealthCheck(
                path="/health/ready",
                interval=cdk.Duration.seconds(15),
                timeout=cdk.Duration.seconds(5),
                healthy_threshold_count=2,
                unhealthy_threshold_count=3,
                healthy_http_codes="200",
            ),
        )
        self.load_balancer.add_listener(
            "Https",
            port=443,
            open=False,
            certificates=[certificate],
            ssl_policy=elbv2.SslPolicy.TLS13_RES,
            default_target_groups=[self.target],
        )
        route53.ARecord(
            self,
            "Record",
            zone=zone,
            record_name=domain,
            target=route53.RecordTarget.from_alias(targets.LoadBalancerTarget(self.load_balancer)),
        )


class Firewall(Construct):
    """The web ACL with its rate rules and managed groups."""

    def __init__(self, scope: Construct, construct_id: str, name: str, balancer_arn: str) -> None:
        super().__init__(scope, construct_id)

        def seen(metric: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
            return wafv2.CfnWebACL.VisibilityConfigProperty(
                cloud_watch_metrics_enabled=True, metric_name=metric, sampled_requests_enabled=True
            )

        acl = wafv2.CfnWebACL
        block = acl.RuleActionProperty(
            block=acl.BlockActionProperty(
                custom_response=acl.CustomResponseProperty(
                    response_code=429,
                    custom_response_body_key="too-many-requests",
                    response_headers=[acl.CustomHTTPHeaderProperty(name="Retry-After", value="60")],
                )
            )
        )
        limits = [
            acl.RuleProperty(
                name=f"limit-{limited}",
                priority=priority,
                action=block,
                visibility_config=seen(f"limit-{limited}"),
                statement=acl.StatementProperty(
                    rate_based_statement=acl.RateBasedStatementProperty(
                        aggregate_key_type="IP",
                        evaluation_window_sec=window,
                        limit=limit,
                        scope_down_statement=acl.StatementProperty(
                            byte_match_statement=acl.ByteMatchStatementProperty(
                                field_to_match=acl.FieldToMatchProperty(uri_path={}),
                                positional_constraint="STARTS_WITH",
                                search_string=path,
                                text_transformations=[
                                    acl.TextTransformationProperty(priority=0, type="URL_DECODE"),
                                    acl.TextTransformationProperty(priority=1, type="NORMALIZE_PATH"),
                                ],
                            )
                        ),
                    )
                ),
            )
            for priority, (limited, path, window, limit) in enumerate(
                [("api", "/api/", 60, 100), ("login", "/auth/login/", 300, 25)]
            )
        ]
        managed = [
            acl.RuleProperty(
                name=rules,
                priority=len(limits) + index,
                override_action=acl.OverrideActionProperty(none={}),
                visibility_config=seen(rules),
                statement=acl.StatementProperty(
                    managed_rule_group_statement=acl.ManagedRuleGroupStatementProperty(name=rules, vendor_name="AWS")
                ),
            )
            for index, rules in enumerate(
                ["AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet", "AWSManagedRulesSQLiRuleSet"]
            )
        ]
        firewall = wafv2.CfnWebACL(
            self,
            "WebAcl",
            scope="REGIONAL",
            default_action=acl.DefaultActionProperty(allow={}),
            visibility_config=seen(name),
            rules=[*limits, *managed],
            custom_response_bodies={
                "too-many-requests": acl.CustomResponseBodyProperty(
                    content="Too many requests. Try again later.", content_type="TEXT_PLAIN"
                )
            },
        )
        group = logs.LogGroup(self, "WafLogs", log_group_name=f"aws-waf-logs-{name}")
        wafv2.CfnWebACLAssociation(self, "WebAclOfAlb", resource_arn=balancer_arn, web_acl_arn=firewall.attr_arn)
        wafv2.CfnLoggingConfiguration(
            self, "WafLogging", resource_arn=firewall.attr_arn, log_destination_configs=[group.log_group_arn]
        )
