"""What every service refuses alike: tags, quotas; and what CloudWatch and SNS refuse."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from policies import tokens as t
from policies.view import Resource
from scale.plan.refusals.keys import setting
from scale.plan.refusals.refusal import Planned, Refusal, answers
from scale.plan.refusals.schema import pattern

# Tagging AWS Resources guide, "Tag naming and usage conventions"; AddTagsToResource of RDS is the strictest.
_TAG = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*"
_MOST_TAGS = 50
# CloudWatch, PutMetricAlarm, EvaluationPeriods: a day, or a week where a period is an hour or longer.
_DAY, _WEEK, _HOUR = 86_400, 604_800, 3_600
# IAM quotas: the characters of all inline policies of a role, without white space.
_MOST_ROLE_POLICY = 10_240


@dataclass(frozen=True)
class Quota:
    """A default quota: how many of a type an account may have in a region, and where AWS writes it."""

    type: str
    most: int
    operation: str
    code: str
    source: str


QUOTAS = (
    Quota(t.VPC, 5, "CreateVpc", "VpcLimitExceeded", "VPC quotas, VPCs per Region"),
    Quota("aws:ec2/eip:Eip", 5, "AllocateAddress", "AddressLimitExceeded", "EC2 quotas, EC2-VPC Elastic IPs"),
    Quota(
        "aws:ec2/natGateway:NatGateway", 15, "CreateNatGateway", "NatGatewayLimitExceeded", "VPC quotas, five a zone"
    ),
    Quota(t.DATABASE, 40, "CreateDBInstance", "InstanceQuotaExceeded", "RDS quotas, DB instances"),
    Quota(t.LOAD_BALANCER, 50, "CreateLoadBalancer", "TooManyLoadBalancers", "Elastic Load Balancing quotas"),
    Quota(t.BUCKET, 10_000, "CreateBucket", "TooManyBuckets", "S3 quotas, general purpose buckets"),
    Quota(t.TOPIC_SUBSCRIPTION, 12_500_000, "Subscribe", "SubscriptionLimitExceeded", "SNS quotas"),
    Quota(t.ALARM, 5_000, "PutMetricAlarm", "LimitExceeded", "CloudWatch quotas, alarms"),
)


def account(planned: Planned) -> Iterator[Refusal]:
    """Yield what is refused of tags, of counts and of alarms."""
    for provider in planned.stack.of(t.PROVIDER):
        yield from _tags(provider, planned)
    yield from _quotas(planned)
    for alarm in planned.stack.of(t.ALARM):
        for text in _alarm(alarm):
            yield Refusal("alarm", alarm, answers("PutMetricAlarm", "ValidationError", text), "alarms")
    yield from _role_policies(planned)


def _tags(provider: Resource, planned: Planned) -> Iterator[Refusal]:
    given = provider.value("defaultTags")
    parsed: Any = json.loads(given) if isinstance(given, str) else given
    tags = cast("Mapping[str, Mapping[str, str]]", parsed or {}).get("tags") or {}
    wrong = [text for key, value in tags.items() for text in (key, value) if not pattern(_TAG).fullmatch(text)]
    for text in wrong:
        answer = (
            f"{text!r} holds characters that no tag may have (letters, digits, spaces and _ . : / = + - @ may stand)"
        )
        found = answers("AddTagsToResource", "InvalidParameterValue", answer)
        yield Refusal("tag-characters", provider, found, setting(provider, "defaultTags", planned.settings))
    if len(tags) + 1 > _MOST_TAGS:  # Name comes to them.
        answer = answers(
            "CreateTags", "TagLimitExceeded", f"{len(tags)} tags leave no room for Name among {_MOST_TAGS}"
        )
        yield Refusal("tag-count", provider, answer, setting(provider, "defaultTags", planned.settings))


def _quotas(planned: Planned) -> Iterator[Refusal]:
    counts = Counter(resource.type for resource in planned.stack.resources)
    for quota in QUOTAS:
        if counts[quota.type] > quota.most:
            text = f"{counts[quota.type]} are more than an account's {quota.most} by default ({quota.source})"
            # An account may have been granted more, so it is no error.
            yield Refusal("quota", None, answers(quota.operation, quota.code, text), "the account's quota", "warning")


def _alarm(alarm: Resource) -> Iterator[str]:
    periods, period = alarm.number("evaluationPeriods"), alarm.number("period")
    datapoints = alarm.number("datapointsToAlarm")
    if periods and datapoints and datapoints > periods:
        yield f"DatapointsToAlarm ({datapoints:g}) must be at most EvaluationPeriods ({periods:g})"
    if periods and period and periods * period > (_WEEK if period >= _HOUR else _DAY):
        yield f"{periods:g} periods of {period:g} s are longer than metrics are evaluated"
    if alarm.has("statistic") and alarm.has("extendedStatistic"):
        yield "Statistic and ExtendedStatistic exclude each other"
    if alarm.has("metricQueries") and (alarm.has("metricName") or alarm.has("namespace")):
        yield "Metrics and MetricName exclude each other"


def _role_policies(planned: Planned) -> Iterator[Refusal]:
    sizes: Counter[str] = Counter()
    for policy in planned.stack.of(t.ROLE_POLICY):
        for role in planned.stack.used(policy, "role", t.ROLE):
            sizes[role.name] += sum(not character.isspace() for character in policy.text("policy"))
    for name, size in sizes.items():
        if size > _MOST_ROLE_POLICY:
            text = f"The inline policies of {name} have {size} characters; a role takes {_MOST_ROLE_POLICY}"
            yield Refusal("role-policy", None, answers("PutRolePolicy", "LimitExceeded", text), "secrets")
