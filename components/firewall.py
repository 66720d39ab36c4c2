"""The web application firewall in front of the load balancer."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from model.traffic import Firewall as FirewallModel
from model.traffic import ManagedGroup, RateLimit, TrafficPolicy

_GROUPS: dict[ManagedGroup, str] = {
    "common": "AWSManagedRulesCommonRuleSet",
    "known-bad-inputs": "AWSManagedRulesKnownBadInputsRuleSet",
    "sql": "AWSManagedRulesSQLiRuleSet",
    "linux": "AWSManagedRulesLinuxRuleSet",
    "ip-reputation": "AWSManagedRulesAmazonIpReputationList",
    "anonymous-ip": "AWSManagedRulesAnonymousIpList",
}


class Firewall(pulumi.ComponentResource):
    """A web ACL with AWS's managed groups and the rate rules of the traffic policy, which answer 429."""

    arn: pulumi.Output[str]
    metric_dimensions: dict[str, str]
    """The dimensions of the ACL's metrics in CloudWatch, without the rule's."""

    log_group_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        firewall: FirewallModel,
        traffic: TrafficPolicy,
        region: str,
        load_balancer_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build the ACL, put it in front of the load balancer, and log what it blocks."""
        super().__init__("django-scale:traffic:Firewall", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        limits = list(traffic.limits.items())
        rules = [_rate_rule(place, role, limit) for place, (role, limit) in enumerate(limits)]
        rules += [
            _managed_rule(place, group, count_bodies=not firewall.block_large_bodies)
            for place, group in enumerate(firewall.managed_groups, start=len(limits))
        ]
        acl = aws.wafv2.WebAcl(
            f"{name}-firewall",
            scope="REGIONAL",
            default_action={"allow": {}},
            custom_response_bodies=[
                {
                    "key": "too-many-requests",
                    "content_type": "TEXT_PLAIN",
                    "content": "Too many requests. Try again later.",
                }
            ],
            rules=rules,
            visibility_config=_visibility(f"{name}-firewall"),
            opts=child,
        )
        aws.wafv2.WebAclAssociation(f"{name}-firewall", resource_arn=load_balancer_arn, web_acl_arn=acl.arn, opts=child)
        self._create_log(name, firewall, acl, child)
        self.arn = acl.arn
        # A web ACL is known to CloudWatch by its metric's name (AWS WAF guide, "Core metrics and dimensions").
        self.metric_dimensions = {"WebACL": f"{name}-firewall", "Region": region}
        self.register_outputs({"arn": self.arn})

    def _create_log(
        self, name: str, firewall: FirewallModel, acl: aws.wafv2.WebAcl, child: pulumi.ResourceOptions
    ) -> None:
        group = aws.cloudwatch.LogGroup(
            f"{name}-firewall",
            # AWS WAF writes to no group whose name begins otherwise (AWS WAF guide, "Logging destinations").
            name=f"aws-waf-logs-{name}",
            retention_in_days=firewall.log_retention_days,
            opts=child,
        )
        self.log_group_name = group.name
        aws.wafv2.WebAclLoggingConfiguration(
            f"{name}-firewall",
            resource_arn=acl.arn,
            log_destination_configs=[group.arn],
            logging_filter={
                "default_behavior": "DROP",
                "filters": [
                    {
                        "behavior": "KEEP",
                        "requirement": "MEETS_ANY",
                        "conditions": [
                            {"action_condition": {"action": "BLOCK"}},
                            {"action_condition": {"action": "COUNT"}},
                        ],
                    }
                ],
            },
            redacted_fields=[{"single_header": {"name": header}} for header in ("authorization", "cookie")],
            opts=child,
        )


def _rate_rule(priority: int, role: str, limit: RateLimit) -> aws.wafv2.WebAclRuleArgsDict:
    rate = limit.waf_rate()
    return {
        "name": f"limit-{role}",
        "priority": priority,
        "action": {
            "block": {
                "custom_response": {
                    "response_code": 429,
                    "custom_response_body_key": "too-many-requests",
                    "response_headers": [{"name": "Retry-After", "value": str(rate.window_seconds)}],
                }
            }
        },
        "statement": {
            "rate_based_statement": {
                "limit": rate.limit,
                "evaluation_window_sec": rate.window_seconds,
                "aggregate_key_type": "IP",
                "scope_down_statement": {
                    "byte_match_statement": {
                        "field_to_match": {"uri_path": {}},
                        "positional_constraint": "STARTS_WITH",
                        "search_string": limit.path,
                        "text_transformations": [
                            {"priority": 0, "type": "URL_DECODE"},
                            {"priority": 1, "type": "NORMALIZE_PATH"},
                        ],
                    }
                },
            }
        },
        "visibility_config": _visibility(f"limit-{role}"),
    }


def _managed_rule(priority: int, group: ManagedGroup, *, count_bodies: bool) -> aws.wafv2.WebAclRuleArgsDict:
    overrides: list[aws.wafv2.WebAclRuleStatementManagedRuleGroupStatementRuleActionOverrideArgsDict] = []
    if group == "common" and count_bodies:
        # It blocks bodies over 8 KB, as an upload's is (AWS WAF guide, "Core rule set").
        overrides.append({"name": "SizeRestrictions_BODY", "action_to_use": {"count": {}}})
    return {
        "name": group,
        "priority": priority,
        "override_action": {"none": {}},
        "statement": {
            "managed_rule_group_statement": {
                "vendor_name": "AWS",
                "name": _GROUPS[group],
                "rule_action_overrides": overrides or None,
            }
        },
        "visibility_config": _visibility(group),
    }


def _visibility(metric: str) -> aws.wafv2.WebAclVisibilityConfigArgsDict:
    return {"cloudwatch_metrics_enabled": True, "metric_name": metric, "sampled_requests_enabled": True}
