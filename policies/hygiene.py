"""What keeps an environment's cost bounded and its parts accounted for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from policies import tokens as t
from policies.rule import Rule
from policies.view import UNKNOWN, NotKnownYetError, Properties, Resource, Stack

_TAGS = ("Application", "Environment")

# Above it a faulty metric costs more in an hour than most environments in a day, and Auto Scaling's and EC2's default
# quotas stop the group anyway. An environment that is larger says so with `bounded-maximum: disabled`.
_MOST_SERVERS = 200
_MOST_PODS = 1000


def _tags(provider: Resource, _: Stack) -> Iterator[str]:
    # The engine hands a provider's properties over as JSON.
    given = provider.value("defaultTags")
    parsed: Any = json.loads(given) if isinstance(given, str) else given
    tags: Any = cast("Mapping[str, Any]", parsed or {}).get("tags") or {}
    missing = [tag for tag in _TAGS if tag not in tags]
    if missing:
        yield f"gives its resources no tag {' and '.join(missing)}"


def _instance_tags(resource: Resource, _: Stack) -> Iterator[str]:
    if resource.type == t.GROUP:
        place = "servers"
        tags = {tag.text("key") for tag in resource.groups("tags") if tag.flag("propagateAtLaunch")}
    else:
        place = "volumes"
        tags = {key for group in resource.groups("tagSpecifications") for key in _volume_tags(group)}
    missing = [tag for tag in _TAGS if tag not in tags]
    if missing:
        yield f"gives its {place} no tag {' and '.join(missing)}, and they inherit none of the provider's"


def _volume_tags(specification: Properties) -> set[str]:
    if specification.text("resourceType") != "volume":
        return set()
    return set(cast("Mapping[str, object]", specification.value("tags") or {}))


def _log_retention(group: Resource, _: Stack) -> Iterator[str]:
    if not group.number("retentionInDays"):
        yield "keeps its logs for ever"


def _bounded_maximum(resource: Resource, _: Stack) -> Iterator[str]:
    if resource.type == t.HPA:
        most = resource.number("spec.maxReplicas")
        if most is None or most > _MOST_PODS:
            yield f"may start {most or 0:g} pods, more than {_MOST_PODS}"
        return
    if resource.type == t.SCALING_POLICY:
        key = "predictiveScalingConfiguration"
        if resource.text(f"{key}.maxCapacityBreachBehavior") == "IncreaseMaxCapacity":
            buffer = resource.number(f"{key}.maxCapacityBuffer")
            if buffer is None or buffer > 50:
                yield f"may lift its group {buffer or 0:g} percent above what the group's maximum says"
        return
    most = resource.number("maxSize")
    if most is None:
        raise NotKnownYetError("maxSize")
    if most > _MOST_SERVERS:
        yield f"may start {most:g} servers, more than {_MOST_SERVERS}"


def _version_lifecycle(versioning: Resource, stack: Stack) -> Iterator[str]:
    if versioning.text("versioningConfiguration.status") != "Enabled":
        return
    for bucket in stack.used(versioning, "bucket", t.BUCKET):
        rules = [
            rule
            for lifecycle in stack.users(bucket, "bucket", t.BUCKET_LIFECYCLE)
            for rule in lifecycle.groups("rules")
            if rule.has("noncurrentVersionExpiration") and rule.text("status") == "Enabled"
        ]
        if not rules:
            yield f"keeps every version of every object of {bucket.name} for ever"


def _access_logs(balancer: Resource, _: Stack) -> Iterator[str]:
    # A Network Load Balancer logs TLS connections alone, which it does not have where it passes them on.
    if balancer.text("loadBalancerType") not in ("", "application"):
        return
    if not any(logs.flag("enabled") for logs in balancer.groups("accessLogs")):
        yield "writes no access log"


def _flow_logs(vpc: Resource, stack: Stack) -> Iterator[str]:
    if not stack.users(vpc, "vpcId", t.FLOW_LOG):
        yield "logs none of its connections"


def _key_rotation(key: Resource, _: Stack) -> Iterator[str]:
    symmetric = key.text("customerMasterKeySpec") in ("", "SYMMETRIC_DEFAULT")
    if symmetric and not key.flag("enableKeyRotation"):
        yield "is never rotated"


def _cluster_logs(cluster: Resource, _: Stack) -> Iterator[str]:
    if not {"audit", UNKNOWN} & {*cluster.list("enabledClusterLogTypes")}:
        yield "keeps no record of who did what to it: its audit log is off"


RULES = (
    Rule(
        "tags",
        "What has no tag is found on the bill and nowhere else.",
        "default_tags of the provider: Application and Environment.",
        (t.PROVIDER,),
        _tags,
    ),
    Rule(
        "instance-tags",
        "Servers and their volumes do not get the provider's default tags.",
        "Tags of the group with propagate_at_launch, and the launch template's tag specifications.",
        (t.GROUP, t.LAUNCH_TEMPLATE),
        _instance_tags,
    ),
    Rule(
        "log-retention",
        "Logs without an end are paid for without an end.",
        "servers.log_retention_days, network.flow_log_retention_days, traffic.firewall.log_retention_days.",
        (t.LOG_GROUP,),
        _log_retention,
    ),
    Rule(
        "bounded-maximum",
        "A faulty metric scales as far as it is let.",
        "servers.max: 200 or less; scaling.predictive.max_breach_percent: 50 or less.",
        (t.GROUP, t.SCALING_POLICY, t.HPA),
        _bounded_maximum,
    ),
    Rule(
        "version-lifecycle",
        "Old versions are invisible and cost as much as new ones.",
        "storage.old_version_days; in code noncurrent_version_expiration.",
        (t.BUCKET_VERSIONING,),
        _version_lifecycle,
        across=True,
    ),
    Rule(
        "access-logs",
        "Without them nobody can say what happened in an outage or an attack.",
        "access_logs of the load balancer, to a bucket.",
        (t.LOAD_BALANCER,),
        _access_logs,
        control="ELB.5",
    ),
    Rule(
        "flow-logs",
        "Without them a connection that should not be there leaves no trace.",
        "network.flow_logs: true.",
        (t.VPC,),
        _flow_logs,
        "advisory",
        control="EC2.6",
        across=True,
    ),
    Rule(
        "key-rotation",
        "A key that leaked unnoticed must not open what is written a year later.",
        "enable_key_rotation=True.",
        (t.KEY,),
        _key_rotation,
    ),
    Rule(
        "cluster-logs",
        "Without the audit log nobody can say who read a secret or ran a command in a pod.",
        "compute.kubernetes.logs: audit among them.",
        (t.CLUSTER,),
        _cluster_logs,
        control="EKS.8",
    ),
)
