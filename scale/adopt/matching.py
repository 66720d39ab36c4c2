"""Which live resource is which of the program's, by what it does and not by its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from scale.adopt import live
from scale.adopt.details import Details
from scale.adopt.inventory import Entry
from scale.adopt.selection import Selection
from scale.adopt.settings_data import cache_roles, replica_name
from scale.adopt.settings_scaling import step_alarms
from scale.plan.properties import count, text
from scale.plan.recording import Recording, Resource
from scale.plan.values import plain


@dataclass(frozen=True)
class Match:
    """A resource of the program with its live counterpart.

    `import_id` is what the provider finds it by (its documentation, "Import"); `state` its live attributes by the
    provider's names, as far as they were read; `aliases` what else it is called by others.
    """

    resource: Resource
    import_id: str
    state: Mapping[str, Any]
    aliases: tuple[str, ...] = ()


def matches(update: Recording, selection: Selection, details: Details) -> list[Match]:
    """Return the pairs, in the program's order."""
    found = [*_network(update, details), *_servers(update, selection, details), *_scaling(update, selection)]
    found += [*_traffic(update, selection, details), *_databases(update, selection), *_caches(update, selection)]
    found += [*_buckets(update, selection, details), *_alarms(update, selection)]
    order = {urn: place for place, urn in enumerate(update.resources)}
    return sorted(found, key=lambda match: order[match.resource.urn])


def _one(update: Recording, type_: str) -> Resource | None:
    found = update.all(type_)
    return found[0] if found else None


def _network(update: Recording, details: Details) -> Iterator[Match]:
    vpc = _one(update, "aws:ec2/vpc:Vpc")
    if vpc is None or details.vpc is None or text(vpc, "cidrBlock") != details.vpc["CidrBlock"]:
        return
    yield Match(vpc, str(details.vpc["VpcId"]), {"cidrBlock": details.vpc["CidrBlock"]})
    gateway = _one(update, "aws:ec2/internetGateway:InternetGateway")
    if gateway is not None and details.gateways:
        yield Match(gateway, details.gateways[0], {"vpcId": details.vpc["VpcId"]})
    by_block = {str(subnet["CidrBlock"]): subnet for subnet in details.subnets}
    for planned in update.all("aws:ec2/subnet:Subnet"):
        subnet = by_block.get(text(planned, "cidrBlock"))
        if subnet is not None:
            public = bool(subnet.get("MapPublicIpOnLaunch"))
            yield Match(planned, str(subnet["SubnetId"]), {"vpcId": subnet["VpcId"], "mapPublicIpOnLaunch": public})


def overlaps(update: Recording, details: Details) -> Iterator[tuple[Resource, Entry]]:
    """Yield a subnet of the program and a live one that overlap and are not the same: AWS refuses the new one."""
    for planned in update.all("aws:ec2/subnet:Subnet"):
        block = IPv4Network(text(planned, "cidrBlock"))
        for subnet in details.subnets:
            other = IPv4Network(str(subnet["CidrBlock"]))
            if block.overlaps(other) and block != other:
                yield planned, subnet


def _servers(update: Recording, selection: Selection, details: Details) -> Iterator[Match]:
    template, group = _one(update, "aws:ec2/launchTemplate:LaunchTemplate"), _one(update, "aws:autoscaling/group:Group")
    if template is not None and selection.template is not None:
        identifier = str(selection.template["LaunchTemplateId"])
        yield Match(template, identifier, live.template(details.template))
    if group is not None and selection.group is not None:
        yield Match(group, str(selection.group["AutoScalingGroupName"]), live.group(selection.group))


def _scaling(update: Recording, selection: Selection) -> Iterator[Match]:
    policies = update.all("aws:autoscaling/policy:Policy")
    for policy in selection.policies:
        planned = next((each for each in policies if _same_policy(each, policy, selection)), None)
        if planned is not None:
            identifier = f"{policy['AutoScalingGroupName']}/{policy['PolicyName']}"
            yield Match(planned, identifier, live.policy(policy), (str(policy.get("PolicyARN", "")),))
    schedules = {text(each, "recurrence"): each for each in update.all("aws:autoscaling/schedule:Schedule")}
    for action in selection.schedules:
        planned = schedules.pop(str(action.get("Recurrence")), None)
        if planned is not None:
            identifier = f"{action['AutoScalingGroupName']}/{action['ScheduledActionName']}"
            yield Match(planned, identifier, live.schedule(action))


def _same_policy(planned: Resource, policy: Entry, selection: Selection) -> bool:
    kind = text(planned, "policyType")
    if kind != policy["PolicyType"]:
        return False
    if kind == "TargetTrackingScaling":
        ours: Any = plain(planned.properties["targetTrackingConfiguration"])
        theirs = policy["TargetTrackingConfiguration"].get("PredefinedMetricSpecification", {})
        return ours["predefinedMetricSpecification"]["predefinedMetricType"] == theirs.get("PredefinedMetricType")
    if kind == "StepScaling":
        return any(
            policy.get("PolicyARN") in alarm.get("AlarmActions", ()) and planned.name.endswith(_ending(section))
            for section, alarm in step_alarms(selection).items()
        )
    return True


def _ending(section: str) -> str:
    """Return how the program's names of a step policy and of its alarm end."""
    return f"-web-{section.replace('_', '-')}"


def _alarms(update: Recording, selection: Selection) -> Iterator[Match]:
    planned = update.all("aws:cloudwatch/metricAlarm:MetricAlarm")
    for section, alarm in step_alarms(selection).items():
        ours = next((each for each in planned if each.name.endswith(_ending(section))), None)
        if ours is not None:
            yield Match(ours, str(alarm["AlarmName"]), live.alarm(alarm), (str(alarm.get("AlarmArn", "")),))


def _traffic(update: Recording, selection: Selection, details: Details) -> Iterator[Match]:
    balancer, target = _one(update, "aws:lb/loadBalancer:LoadBalancer"), _one(update, "aws:lb/targetGroup:TargetGroup")
    if balancer is not None and selection.balancer is not None:
        arn = str(selection.balancer["LoadBalancerArn"])
        yield Match(balancer, arn, live.balancer(selection.balancer, details.balancer))
    if target is not None and selection.target is not None:
        arn = str(selection.target["TargetGroupArn"])
        yield Match(target, arn, live.target(selection.target, details.target))
    by_port = {count(each, "port"): each for each in update.all("aws:lb/listener:Listener")}
    for listener in details.listeners:
        planned = by_port.get(int(listener["Port"]))
        if planned is not None:
            yield Match(planned, str(listener["ListenerArn"]), live.listener(listener))


def _databases(update: Recording, selection: Selection) -> Iterator[Match]:
    if not selection.databases:
        return
    primary = selection.databases[0]
    planned = update.all("aws:rds/instance:Instance")
    for entry in selection.databases:
        role = "primary" if entry is primary else replica_name(entry, primary)
        ours = next((each for each in planned if each.name.endswith(f"-db-{role}")), None)
        if ours is not None:
            identifier = str(entry["DBInstanceIdentifier"])
            yield Match(ours, identifier, live.database(entry), (str(entry.get("DBInstanceArn", "")),))
    groups = update.all("aws:rds/subnetGroup:SubnetGroup")
    name = primary.get("DBSubnetGroup", {}).get("DBSubnetGroupName")
    if groups and name and name != "default":
        yield Match(groups[0], str(name), live.subnet_group(primary["DBSubnetGroup"]))


def _caches(update: Recording, selection: Selection) -> Iterator[Match]:
    planned = update.all("aws:elasticache/replicationGroup:ReplicationGroup")
    names = {"data": "-cache-group", "sessions": "-sessions-group"}
    for role, entry in cache_roles(selection).items():
        ours = next((each for each in planned if each.name.endswith(names[role])), None)
        if ours is not None:
            nodes = [node for node in selection.nodes if node["CacheClusterId"] in entry.get("MemberClusters", ())]
            yield Match(ours, str(entry["ReplicationGroupId"]), live.cache(entry, nodes))


_BUCKET_PARTS = {
    "versioning": "aws:s3/bucketVersioning:BucketVersioning",
    "block": "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "ownership": "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    "encryption": "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "lifecycle": "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "policy": "aws:s3/bucketPolicy:BucketPolicy",
}


def bucket_role(name: str) -> str | None:
    """Return what a bucket is for, by its name: `static` or `media`; None where the name does not say."""
    return next(
        (
            role
            for role, words in (("static", ("static",)), ("media", ("media", "upload")))
            if any(word in name for word in words)
        ),
        None,
    )


def _buckets(update: Recording, selection: Selection, details: Details) -> Iterator[Match]:
    taken: set[str] = set()
    for entry in selection.buckets:
        name = str(entry["Name"])
        role = bucket_role(name)
        planned = [
            each for each in update.all("aws:s3/bucket:Bucket") if role and each.name.endswith(f"-{role}-bucket")
        ]
        if role is None or role in taken or not planned:
            continue
        taken.add(role)
        yield Match(planned[0], name, {"bucket": name}, (f"arn:aws:s3:::{name}",))
        for feature, type_ in _BUCKET_PARTS.items():
            parts = update.children(planned[0].parent, type_)
            if feature in details.buckets.get(name, frozenset()) and parts:
                yield Match(parts[0], name, {"bucket": name})


def unmatched(found: list[Match], selection: Selection) -> list[tuple[str, str]]:
    """Return the kind and name of whatever was selected and has no counterpart in the program."""
    ids = {match.import_id for match in found}
    by_kind = {
        "scaling policy": [f"{each['AutoScalingGroupName']}/{each['PolicyName']}" for each in selection.policies],
        "scheduled action": [
            f"{each['AutoScalingGroupName']}/{each['ScheduledActionName']}" for each in selection.schedules
        ],
        "database instance": [str(each["DBInstanceIdentifier"]) for each in selection.databases],
        "replication group": [str(each["ReplicationGroupId"]) for each in selection.caches],
        "bucket": [str(each["Name"]) for each in selection.buckets],
        "alarm": [str(each["AlarmName"]) for each in selection.alarms],
    }
    left = [(kind, name) for kind, names in by_kind.items() for name in names if name not in ids]
    return left + [(kind.removesuffix("s"), name) for kind, name in selection.others]
