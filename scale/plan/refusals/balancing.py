"""What load balancers, certificates, firewalls and CloudFront refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from policies import tokens as t
from policies.view import Properties, Resource
from scale.plan.refusals.keys import setting
from scale.plan.refusals.refusal import Planned, Refusal, Severity, answers

# CreateLoadBalancer and CreateTargetGroup, Name.
_NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?")
# RFC 5280, Appendix A: a common name has at most 64 characters, and ACM puts the domain there (RequestCertificate).
_LONGEST_COMMON_NAME = 64
# CloudFront guide, "Requirements for using SSL/TLS certificates with CloudFront": the one region it reads them from.
_CLOUDFRONT_REGION = "us-east-1"

# AWS WAF guide, "Rate-based rule high-level settings" and "AWS WAF web ACL capacity units".
_WINDOWS = (60, 120, 300, 600)
_LOWEST_RATE, _HIGHEST_RATE = 10, 2_000_000_000
_BASE_CAPACITY, _MOST_CAPACITY = 1500, 5000
# AWS WAF guide, "AWS Managed Rules rule groups list", capacity of each.
_CAPACITY: Mapping[str, int] = {
    "AWSManagedRulesCommonRuleSet": 700,
    "AWSManagedRulesAdminProtectionRuleSet": 100,
    "AWSManagedRulesKnownBadInputsRuleSet": 200,
    "AWSManagedRulesSQLiRuleSet": 200,
    "AWSManagedRulesLinuxRuleSet": 200,
    "AWSManagedRulesUnixRuleSet": 100,
    "AWSManagedRulesWindowsRuleSet": 200,
    "AWSManagedRulesPHPRuleSet": 100,
    "AWSManagedRulesWordPressRuleSet": 100,
    "AWSManagedRulesAmazonIpReputationList": 25,
    "AWSManagedRulesAnonymousIpList": 50,
    "AWSManagedRulesBotControlRuleSet": 50,
    "AWSManagedRulesATPRuleSet": 50,
    "AWSManagedRulesACFPRuleSet": 50,
}
# AWS WAF guide, "Rule statements list": a rate-based statement takes 2, and what is counted apart 30 a key;
# matching a string 2 at the beginning, the end or exactly, 10 anywhere; each text transformation 10.
_RATE, _RATE_KEY, _MATCH, _MATCH_ANYWHERE, _TRANSFORMATION = 2, 30, 2, 10, 10
_LOG_PREFIX = "aws-waf-logs-"


def balancing(planned: Planned) -> Iterator[Refusal]:
    """Yield what is refused of the way in."""
    for resource in planned.stack.of(t.LOAD_BALANCER, t.TARGET_GROUP):
        yield from _name(resource, planned)
    for targets in planned.stack.of(t.TARGET_GROUP):
        for key, text in _targets(targets):
            answer = answers("CreateTargetGroup", "InvalidConfigurationRequest", text)
            yield Refusal("target-group", targets, answer, setting(targets, key, planned.settings))
    for certificate in planned.stack.of(t.CERTIFICATE):
        domain = certificate.text("domainName")
        if len(domain) > _LONGEST_COMMON_NAME:
            text = (
                f"The first domain name can have at most {_LONGEST_COMMON_NAME} characters; {domain} has {len(domain)}"
            )
            answer = answers("RequestCertificate", "ValidationException", text)
            yield Refusal("certificate-name", certificate, answer, setting(certificate, "domainName", planned.settings))
    for distribution in planned.stack.of(t.DISTRIBUTION):
        yield from _distribution(distribution)
    for acl in planned.stack.of(t.WEB_ACL):
        yield from _firewall(acl, planned)


def _name(resource: Resource, planned: Planned) -> Iterator[Refusal]:
    name = resource.text("name")
    if name and (not _NAME.fullmatch(name) or name.startswith("internal-")):
        operation = "CreateLoadBalancer" if resource.type == t.LOAD_BALANCER else "CreateTargetGroup"
        text = f"The name '{name}' must be 1 to 32 letters, digits and hyphens, none at the ends, not 'internal-'"
        answer = answers(operation, "ValidationError", text)
        yield Refusal("balancer-name", resource, answer, setting(resource, "name", planned.settings))


def _targets(targets: Resource) -> Iterator[tuple[str, str]]:
    algorithm = targets.text("loadBalancingAlgorithmType") or "round_robin"
    slow_start = targets.number("slowStart") or 0
    if slow_start and not 30 <= slow_start <= 900:
        yield "slowStart", f"Slow start must be 0, or 30 to 900 seconds, is {slow_start:g}"
    # Elastic Load Balancing guide, "Target group attributes" and "Automatic Target Weights".
    if slow_start and algorithm != "round_robin":
        yield "slowStart", f"Slow start mode is not supported with the algorithm {algorithm}"
    if targets.text("loadBalancingAnomalyMitigation") == "on" and algorithm != "weighted_random":
        yield "loadBalancingAlgorithmType", f"Anomaly mitigation is not supported with the algorithm {algorithm}"
    for check in targets.groups("healthCheck"):
        timeout, interval = check.number("timeout"), check.number("interval")
        if timeout is not None and interval is not None and timeout >= interval:
            yield "healthCheck", f"Health check interval ({interval:g}) must be greater than the timeout ({timeout:g})"


def _distribution(distribution: Resource) -> Iterator[Refusal]:
    arn = distribution.text("viewerCertificate.acmCertificateArn")
    region = arn.split(":")[3] if arn.count(":") >= 5 else ""
    if region and region != _CLOUDFRONT_REGION:
        text = f"The specified SSL certificate is in {region}; CloudFront takes one of {_CLOUDFRONT_REGION}"
        answer = answers("CreateDistribution", "InvalidViewerCertificate", text)
        yield Refusal("certificate-region", distribution, answer, "")


def _firewall(acl: Resource, planned: Planned) -> Iterator[Refusal]:
    key = setting(acl, "rules", planned.settings)
    rules = list(acl.groups("rules"))
    for code, text in [*_rates(rules), *_priorities(rules)]:
        yield Refusal("firewall-rules", acl, answers("CreateWebACL", code, text), key)
    if acl.text("scope") == "CLOUDFRONT" and planned.region != _CLOUDFRONT_REGION:
        text = answers(
            "CreateWebACL", "WAFInvalidParameterException", "The scope CLOUDFRONT is known in us-east-1 alone"
        )
        yield Refusal("firewall-scope", acl, text, "")
    capacity = sum(_units(rule.groups("statement")) for rule in rules)
    if capacity > _BASE_CAPACITY:
        severity: Severity = "error" if capacity > _MOST_CAPACITY else "warning"
        text = (
            answers(
                "CreateWebACL", "WAFLimitsExceededException", f"{capacity} capacity units are over {_MOST_CAPACITY}"
            )
            if severity == "error"
            else f"{capacity} capacity units are over the {_BASE_CAPACITY} that the base price covers"
        )
        yield Refusal("firewall-capacity", acl, text, key, severity)
    for logging in planned.stack.users(
        acl, "resourceArn", "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"
    ):
        for group in planned.stack.used(logging, "logDestinationConfigs", t.LOG_GROUP):
            # AWS WAF guide, "Logging destinations".
            if not group.text("name").startswith(_LOG_PREFIX):
                text = f"The name of {group.name} does not begin with {_LOG_PREFIX}"
                answer = answers("PutLoggingConfiguration", "WAFInvalidParameterException", text)
                yield Refusal("firewall-log", logging, answer, "")


def _rates(rules: list[Properties]) -> Iterator[tuple[str, str]]:
    for rule in rules:
        for statement in rule.groups("statement.rateBasedStatement"):
            limit, window = statement.number("limit"), statement.number("evaluationWindowSec")
            if limit is not None and not _LOWEST_RATE <= limit <= _HIGHEST_RATE:
                text = f"The limit of {rule.text('name')} must be {_LOWEST_RATE} to {_HIGHEST_RATE}, is {limit:g}"
                yield "WAFInvalidParameterException", text
            if window is not None and window not in _WINDOWS:
                text = f"The window of {rule.text('name')} must be one of {_WINDOWS} seconds, is {window:g}"
                yield "WAFInvalidParameterException", text


def _priorities(rules: list[Properties]) -> Iterator[tuple[str, str]]:
    for key in ("priority", "name"):
        values = [rule.text(key) for rule in rules]
        if len(set(values)) < len(values):
            yield "WAFInvalidParameterException", f"Two rules have the same {key}"


def _units(statements: Iterator[Properties]) -> int:
    """Return the capacity units of statements, with those inside them."""
    total = 0
    for statement in statements:
        for managed in statement.groups("managedRuleGroupStatement"):
            total += _CAPACITY.get(managed.text("name"), 0) + _units(managed.groups("scopeDownStatement"))
        for rate in statement.groups("rateBasedStatement"):
            total += (
                _RATE + _RATE_KEY * len(list(rate.groups("customKeys"))) + _units(rate.groups("scopeDownStatement"))
            )
        for match in statement.groups("byteMatchStatement"):
            anywhere = match.text("positionalConstraint").startswith("CONTAINS")
            total += (_MATCH_ANYWHERE if anywhere else _MATCH) + _TRANSFORMATION * len(
                list(match.groups("textTransformations"))
            )
    return total
