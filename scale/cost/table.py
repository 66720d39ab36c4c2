"""The project's own prices, for the region and the types of the stacks that come with it.

Used where AWS's Price List API cannot be asked. US dollars, on demand, without tax and without an account's free
allowances. AWS's list itself was not at hand: each price is quoted from a public document that quotes the list, most
with the list's version or the SKU, and has that source and its date. What no such document gives is absent, and then
unknown.
"""

from __future__ import annotations

from scale.cost.prices import Price, Rate, Tier, flat

SOURCES: dict[str, tuple[str, str]] = {
    "EC2": ("AmazonEC2 20260910195514, in 'Launch cost assumptions'", "2026-09-10"),
    "NAT": ("AmazonEC2 20260925174521, an extract for eu-west-1", "2026-09-25"),
    "Libcloud": ("AmazonEC2, in Apache Libcloud 3.9.1 (pricing.json)", "2025-03-02"),
    "Virginia": ("AmazonEC2, on factualminds.com", "2026-06-17"),
    "launch": ("RDS, ELB and VPC lists with SKUs, in 'Launch cost assumptions'", "2026-09-14"),
    "Corpershub": ("RDS and ElastiCache lists, in 'Corpershub Cloud Deployment Cost Estimate'", "2026-03-23"),
    "RDS": ("AWS's feed for the RDS pricing page, published 2026-09-11, in 'RDS vs Aurora decision'", "2026-09-16"),
    "ElastiCache": ("AmazonElastiCache, current list of eu-west-1, in 'ElastiCache — Multi-Region'", "2026-09-20"),
    "ELB": ("AWSELB 20260911124544, an extract for eu-west-1", "2026-09-11"),
    "VPC": ("AmazonVPC 20260917190528, in henderjm/world-cup-sweepstake", "2026-09-17"),
    "CloudWatch": ("AmazonCloudWatch 20260922021715, in henderjm/world-cup-sweepstake", "2026-09-22"),
    "CloudWatch feed": ("AmazonCloudWatch, AWS's feed for its calculator, in lamngockhuong/aws-price", "2025-11-04"),
    "dashboards": ("DashboardsUsageHour-Basic, location Any, in a CloudHealth billing rule", "2025-01-01"),
    "Secrets": ("AWSSecretsManager 20260911124610, in henderjm/world-cup-sweepstake", "2026-09-11"),
    "S3": ("AmazonS3 20260928230416, in henderjm/world-cup-sweepstake", "2026-09-28"),
    "transfer": ("AWSDataTransfer, an extract for eu-west-1", "2026-09-16"),
    "KMS": ("awskms 20260831092318, SKU U553K98XGDXCYHWS", "2026-08-31"),
    "WAF": ("awswaf, one price in all regions (AWS networking blog)", "2026-01-07"),
    "CloudFront": ("AmazonCloudFront, edges in Europe, in 'Storefront CDN Cost Model'", "2026-06-30"),
    "EKS": ("aws.amazon.com/eks/pricing, in 'Launch cost assumptions'", "2026-09-14"),
}
"""Where each price was read, by a short name: the list or page, and the date it bears."""

EVERYWHERE = ""
"""In place of a region: the price is the same in each."""

_FLAT: list[tuple[str, str, str, float, str]] = [
    # region, kind, subject, US dollars a unit, source
    ("us-east-1", "server", "m7g.large", 0.0816, "Virginia"),
    ("eu-west-1", "server", "m7g.large", 0.091, "EC2"),
    ("eu-west-1", "server", "c7g.large", 0.0775, "EC2"),
    ("eu-west-1", "server", "t4g.small", 0.0184, "Libcloud"),
    ("eu-west-1", "server", "t4g.medium", 0.0368, "Libcloud"),
    ("eu-west-1", "volume", "gp3", 0.088, "EC2"),
    ("eu-west-1", "nat-gateway", "", 0.048, "NAT"),
    ("eu-west-1", "nat-data", "", 0.048, "NAT"),
    ("eu-west-1", "public-address", "", 0.005, "VPC"),
    ("eu-west-1", "endpoint", "", 0.011, "launch"),
    ("eu-west-1", "load-balancer", "", 0.0252, "launch"),
    ("eu-west-1", "load-balancer-unit", "", 0.008, "ELB"),
    ("eu-west-1", "database", "db.t4g.micro", 0.017, "launch"),
    ("eu-west-1", "database", "db.t4g.medium", 0.069, "Corpershub"),
    ("eu-west-1", "database", "db.t4g.large", 0.138, "Corpershub"),
    ("eu-west-1", "database", "db.t4g.medium Multi-AZ", 0.138, "launch"),
    ("eu-west-1", "database", "db.r6g.large", 0.252, "RDS"),
    ("eu-west-1", "database", "db.r6g.large Multi-AZ", 0.504, "RDS"),
    ("eu-west-1", "database-storage", "gp3", 0.127, "launch"),
    ("eu-west-1", "database-storage", "gp3 Multi-AZ", 0.254, "launch"),
    ("eu-west-1", "cache-node", "valkey cache.t4g.micro", 0.0136, "Corpershub"),
    ("eu-west-1", "cache-node", "valkey cache.t4g.small", 0.0272, "Corpershub"),
    ("eu-west-1", "cache-node", "valkey cache.t4g.medium", 0.0544, "Corpershub"),
    ("eu-west-1", "cache-node", "valkey cache.m7g.large", 0.1392, "ElastiCache"),
    ("eu-west-1", "cache-node", "valkey cache.r7g.large", 0.1944, "ElastiCache"),
    ("eu-west-1", "alarm", "", 0.10, "CloudWatch"),
    ("eu-west-1", "composite-alarm", "", 0.50, "CloudWatch feed"),
    ("eu-west-1", "log-data", "", 0.57, "CloudWatch"),
    ("eu-west-1", "log-storage", "", 0.03, "CloudWatch"),
    ("eu-west-1", "secret", "", 0.40, "Secrets"),
    (EVERYWHERE, "dashboard", "", 3.0, "dashboards"),
    (EVERYWHERE, "key", "", 1.0, "KMS"),
    (EVERYWHERE, "web-acl", "", 5.0, "WAF"),
    (EVERYWHERE, "web-acl-rule", "", 1.0, "WAF"),
    (EVERYWHERE, "web-acl-request", "", 0.0000006, "WAF"),
    (EVERYWHERE, "cluster", "", 0.10, "EKS"),
    ("eu-west-1", "delivery-request", "", 0.0000012, "CloudFront"),
]

_TIERED: list[tuple[str, str, str, list[tuple[float, float]], str]] = [
    # The first tier is all that the source quotes of metrics and of S3: what is above it would be cheaper.
    ("eu-west-1", "metric", "", [(0, 0.30)], "CloudWatch"),
    ("eu-west-1", "object-storage", "", [(0, 0.023)], "S3"),
    (
        "eu-west-1",
        "vended-log-data",
        "",
        [(0, 0.57), (10240, 0.285), (30720, 0.114), (51200, 0.057)],
        "CloudWatch feed",
    ),
    ("eu-west-1", "egress", "", [(0, 0.09), (10240, 0.085), (51200, 0.07), (153600, 0.05)], "transfer"),
    (
        "eu-west-1",
        "delivery",
        "",
        [(0, 0.085), (10240, 0.08), (51200, 0.06), (153600, 0.04), (512000, 0.03), (1048576, 0.025)],
        "CloudFront",
    ),
]


def _table() -> dict[tuple[str, Rate], Price]:
    table = {(region, Rate(kind, subject)): flat(usd, *SOURCES[source]) for region, kind, subject, usd, source in _FLAT}
    for region, kind, subject, tiers, source in _TIERED:
        table[region, Rate(kind, subject)] = Price(tuple(Tier(*tier) for tier in tiers), *SOURCES[source])
    return table


TABLE = _table()


def find(region: str, rate: Rate) -> Price | None:
    """Return the table's price of a rate in a region; None where it has none."""
    return TABLE.get((region, rate)) or TABLE.get((EVERYWHERE, rate))
