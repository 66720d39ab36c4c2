"""What an account has of the kinds that can be adopted: lists and descriptions, each read once, over all pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scale.operate.account import Account
from scale.operate.errors import AccountError, CredentialsError

Entry = Mapping[str, Any]
"""An entry of a list, as AWS answers."""

# What is listed: where, by which operation, under which key.
_LISTS: dict[str, tuple[str, str, str]] = {
    "groups": ("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups"),
    "policies": ("autoscaling", "describe_policies", "ScalingPolicies"),
    "schedules": ("autoscaling", "describe_scheduled_actions", "ScheduledUpdateGroupActions"),
    "templates": ("ec2", "describe_launch_templates", "LaunchTemplates"),
    "balancers": ("elbv2", "describe_load_balancers", "LoadBalancers"),
    "targets": ("elbv2", "describe_target_groups", "TargetGroups"),
    "databases": ("rds", "describe_db_instances", "DBInstances"),
    "caches": ("elasticache", "describe_replication_groups", "ReplicationGroups"),
    "nodes": ("elasticache", "describe_cache_clusters", "CacheClusters"),
    "alarms": ("cloudwatch", "describe_alarms", "MetricAlarms"),
    "buckets": ("s3", "list_buckets", "Buckets"),
}


@dataclass(frozen=True)
class Inventory:
    """Entries by kind, and what could not be read: the kind and AWS's refusal in a line."""

    entries: Mapping[str, Sequence[Entry]]
    unread: Mapping[str, str] = field(default_factory=dict[str, str])

    def __getitem__(self, kind: str) -> Sequence[Entry]:
        return self.entries.get(kind, ())


def read(account: Account) -> Inventory:
    """Return what there is in the account's region. Raises CredentialsError; any other failure is noted by kind."""
    entries: dict[str, Sequence[Entry]] = {}
    unread: dict[str, str] = {}
    for kind, (service, operation, key) in _LISTS.items():
        try:
            # Buckets are listed for all regions, unless one is asked for.
            of_region = {"BucketRegion": account.region} if kind == "buckets" else {}
            entries[kind] = account.items(service, operation, key, **of_region)
        except CredentialsError:
            raise
        except AccountError as error:
            unread[kind] = str(error)
    return Inventory(entries, unread)


def tagged(account: Account, tags: Mapping[str, str]) -> list[str]:
    """Return the ARNs of all that has the tags and the Resource Groups Tagging API knows."""
    filters = [{"Key": key, "Values": [value]} for key, value in tags.items()]
    found = account.items("resourcegroupstaggingapi", "get_resources", TagFilters=filters)
    return [str(entry["ResourceARN"]) for entry in found]


NAMES = {
    "groups": "AutoScalingGroupName",
    "templates": "LaunchTemplateName",
    "balancers": "LoadBalancerName",
    "targets": "TargetGroupName",
    "databases": "DBInstanceIdentifier",
    "caches": "ReplicationGroupId",
    "buckets": "Name",
}
"""The kinds that can be named, with the key of the name."""

_ARNS = {
    "groups": "AutoScalingGroupARN",
    "balancers": "LoadBalancerArn",
    "targets": "TargetGroupArn",
    "databases": "DBInstanceArn",
    "caches": "ARN",
}


def name(kind: str, entry: Entry) -> str:
    """Return an entry's name."""
    return str(entry[NAMES[kind]])


def arn(kind: str, entry: Entry) -> str:
    """Return an entry's ARN; of a launch template and of a bucket what follows the account, for they tell none."""
    if kind == "templates":
        return f":launch-template/{entry['LaunchTemplateId']}"
    if kind == "buckets":
        return f"arn:aws:s3:::{entry['Name']}"
    return str(entry.get(_ARNS[kind], ""))
