"""How strictly an environment takes each rule of the policy pack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from model.errors import nearest
from model.fields import Problem

Enforcement = Literal["disabled", "advisory", "mandatory"]
"""A rule that is not looked at, one that warns, one that stops a deployment."""

RULES = frozenset(
    {
        "access-logs",
        "alarm-action",
        "attached-target",
        "blocking-budget",
        "bounded-maximum",
        "bucket-encrypted",
        "bucket-tls",
        "cache-authenticated",
        "cache-encrypted",
        "cache-failover",
        "cache-tls",
        "cluster-endpoint",
        "cluster-logs",
        "cluster-secrets",
        "database-backups",
        "database-deletion-protection",
        "database-encrypted",
        "database-multi-az",
        "database-private",
        "database-tls",
        "default-security-group",
        "deployment-replicas",
        "desired-capacity",
        "detailed-monitoring",
        "elb-health-check",
        "firewall",
        "flow-logs",
        "https",
        "imdsv2",
        "instance-tags",
        "invalid-headers",
        "key-rotation",
        "log-retention",
        "metrics-server",
        "open-ingress",
        "passable-health-check",
        "pinned-image",
        "pod-limits",
        "pod-probes",
        "pod-scalers",
        "policy-actions",
        "policy-principals",
        "policy-resources",
        "privileged-pod",
        "public-bucket",
        "refresh-rollback",
        "replacement-snapshot",
        "replica-zones",
        "room-to-scale",
        "slow-start",
        "subnet-public-addresses",
        "tags",
        "template-version",
        "tls-policy",
        "topic-encrypted",
        "two-zones",
        "version-lifecycle",
        "volume-encrypted",
        "warm-up",
    }
)
"""The ids of the pack's rules, described in docs/policies.md."""


def problems(levels: Mapping[str, Enforcement]) -> Iterator[Problem]:
    """Yield the names in `levels` that are no rule."""
    for name in levels:
        if name not in RULES:
            yield Problem(f"policies.{name}", f"is not a rule; {nearest(name, RULES)}")
