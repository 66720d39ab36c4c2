"""For each rule a stack that AWS refuses, and one that it nearly does."""

from __future__ import annotations

from policies import tokens as t
from tests.policies.stacks import resource
from tests.refusals.cases.builders import Case, certified, firewall, logged, managed, rate, targets

BALANCING = (
    Case("balancer-name", (targets(name="t" * 33),), (targets(name="t" * 32),), "1 to 32"),
    Case("balancer-name", (targets(name="-web"),), (targets(name="web"),), "none at the ends"),
    Case("target-group", (targets(slowStart=29),), (targets(slowStart=30),), "0, or 30 to 900"),
    Case(
        "target-group",
        (targets(slowStart=30, loadBalancingAlgorithmType="least_outstanding_requests"),),
        (targets(slowStart=30, loadBalancingAlgorithmType="round_robin"),),
        "Slow start mode is not supported",
    ),
    Case(
        "target-group",
        (targets(loadBalancingAnomalyMitigation="on"),),
        (targets(loadBalancingAnomalyMitigation="on", loadBalancingAlgorithmType="weighted_random"),),
        "Anomaly mitigation",
    ),
    Case(
        "target-group",
        (targets(healthCheck={"timeout": 15, "interval": 15}),),
        (targets(healthCheck={"timeout": 14, "interval": 15}),),
        "greater than the timeout",
    ),
    Case(
        "certificate-name",
        (resource(t.CERTIFICATE, {"domainName": f"{'d' * 53}.example.com"}),),
        (resource(t.CERTIFICATE, {"domainName": f"{'d' * 52}.example.com"}),),
        "at most 64 characters",
    ),
    Case("certificate-region", (certified("eu-west-1"),), (certified("us-east-1"),), "in eu-west-1"),
    Case("firewall-rules", (firewall(rate(9)),), (firewall(rate(10)),), "limit of rule-0"),
    Case("firewall-rules", (firewall(rate(10, 90)),), (firewall(rate(10, 120)),), "window of rule-0"),
    Case("firewall-rules", (firewall({"priority": 1}, {}),), (firewall({"priority": 2}, {}),), "same priority"),
    Case("firewall-scope", (firewall(scope="CLOUDFRONT"),), (firewall(scope="REGIONAL"),), "us-east-1 alone"),
    Case(
        "firewall-capacity", (firewall(*managed(3)),), (firewall(*managed(2)),), "2100 capacity units are over the 1500"
    ),
    Case("firewall-capacity", (firewall(*managed(8)),), (firewall(*managed(2)),), "5600 capacity units are over 5000"),
    Case("firewall-log", logged("waf-logs"), logged("aws-waf-logs-shop"), "does not begin with aws-waf-logs-"),
)
