"""From what the user names to what belongs to it: references are followed from one resource to the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from scale.adopt.inventory import NAMES, Entry, Inventory, arn, name


class AdoptError(ValueError):
    """What was named cannot be adopted as it is; the text says what to name instead."""


@dataclass(frozen=True)
class Seeds:
    """What the user names: names with `*` and `?`, whole ARNs, tags. One of them is enough for a resource."""

    names: Sequence[str] = ()
    arns: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Selection:
    """One environment's resources; of the kinds that the program has once, at most one."""

    group: Entry | None = None
    template: Entry | None = None
    policies: tuple[Entry, ...] = ()
    schedules: tuple[Entry, ...] = ()
    balancer: Entry | None = None
    target: Entry | None = None
    databases: tuple[Entry, ...] = ()
    """The primary first."""
    caches: tuple[Entry, ...] = ()
    nodes: tuple[Entry, ...] = ()
    buckets: tuple[Entry, ...] = ()
    alarms: tuple[Entry, ...] = ()
    others: tuple[tuple[str, str], ...] = ()
    """Kind and name of what was found and is not taken."""

    @property
    def found(self) -> bool:
        """Whether there is anything to adopt."""
        return bool(
            self.group or self.template or self.balancer or self.target or self.databases or self.caches
        ) or bool(self.buckets)


def select(inventory: Inventory, seeds: Seeds, tagged: Sequence[str] = ()) -> Selection:
    """Return what belongs together. `tagged` are ARNs that have the seeds' tags.

    Raises AdoptError where there are several of what the program has once.
    """
    chosen = {
        kind: {name(kind, entry) for entry in inventory[kind] if _named(kind, entry, seeds, tagged)} for kind in NAMES
    }
    while True:
        before = {kind: set(names) for kind, names in chosen.items()}
        for kind, found in _references(inventory, chosen):
            chosen[kind].add(found)
        if chosen == before:
            break
    taken = {kind: [entry for entry in inventory[kind] if name(kind, entry) in chosen[kind]] for kind in NAMES}
    return _one_environment(inventory, taken)


def _named(kind: str, entry: Entry, seeds: Seeds, tagged: Sequence[str]) -> bool:
    if any(fnmatchcase(name(kind, entry), pattern) for pattern in seeds.names):
        return True
    own = arn(kind, entry)
    if any(_same_arn(own, other) for other in (*seeds.arns, *tagged)):
        return True
    tags = {tag.get("Key"): tag.get("Value") for tag in entry.get("Tags", entry.get("TagList", ()))}
    return bool(seeds.tags) and all(tags.get(key) == value for key, value in seeds.tags.items())


def _same_arn(own: str, other: str) -> bool:
    return bool(own) and (own == other or (own.startswith(":") and other.endswith(own)))


def _references(inventory: Inventory, chosen: Mapping[str, set[str]]) -> Iterator[tuple[str, str]]:
    """Yield the kind and the name of whatever is referred to by what is chosen, or refers to it."""
    targets = {str(target["TargetGroupArn"]): target for target in inventory["targets"]}
    balancers = {str(balancer["LoadBalancerArn"]): balancer for balancer in inventory["balancers"]}
    for group in inventory["groups"]:
        template = _template_of(group, inventory["templates"])
        linked = [targets[each] for each in group.get("TargetGroupARNs", ()) if each in targets]
        parts = [("groups", name("groups", group))]
        parts += [("templates", name("templates", template))] if template else []
        parts += [("targets", name("targets", target)) for target in linked]
        # A template may be another group's too: it leads to no group.
        if any(part[1] in chosen[part[0]] for part in parts if part[0] != "templates"):
            yield from parts
    for target in inventory["targets"]:
        linked = [balancers[each] for each in target.get("LoadBalancerArns", ()) if each in balancers]
        parts = [("targets", name("targets", target)), *(("balancers", name("balancers", each)) for each in linked)]
        if any(part[1] in chosen[part[0]] for part in parts):
            yield from parts
    for replica in inventory["databases"]:
        source = replica.get("ReadReplicaSourceDBInstanceIdentifier")
        pair = {name("databases", replica), str(source)}
        if source and pair & chosen["databases"]:
            yield from (("databases", each) for each in pair)


def _template_of(group: Entry, templates: Sequence[Entry]) -> Entry | None:
    used = template_reference(group)
    for template in templates:
        if used.get("LaunchTemplateId") == template["LaunchTemplateId"]:
            return template
        if used.get("LaunchTemplateName") == template["LaunchTemplateName"]:
            return template
    return None


def template_reference(group: Entry) -> Entry:
    """Return how a group names its launch template, itself or in a policy of mixed instances."""
    mixed = group.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {}).get("LaunchTemplateSpecification", {})
    return group.get("LaunchTemplate") or mixed


def _one_environment(inventory: Inventory, taken: Mapping[str, list[Entry]]) -> Selection:
    groups = taken["groups"]
    # A group behind a load balancer serves the application; one without runs workers, which the program has not.
    serving = [group for group in groups if group.get("TargetGroupARNs")] or groups
    group = _only("Auto Scaling groups", "groups", serving)
    wanted = {str(each) for each in group.get("TargetGroupARNs", ())} if group else set[str]()
    targets = [each for each in taken["targets"] if each["TargetGroupArn"] in wanted] or taken["targets"]
    target = _only("target groups", "targets", targets)
    behind = {str(each) for each in target.get("LoadBalancerArns", ())} if target else set[str]()
    balancers = [each for each in taken["balancers"] if each["LoadBalancerArn"] in behind] or taken["balancers"]
    balancer = _only("load balancers", "balancers", balancers)
    primaries = [each for each in taken["databases"] if not each.get("ReadReplicaSourceDBInstanceIdentifier")]
    primary = _only("databases", "databases", primaries)
    databases = ([primary] if primary else []) + [each for each in taken["databases"] if each not in primaries]
    template = _template_of(group, inventory["templates"]) if group else None
    template = template or _only("launch templates", "templates", taken["templates"])
    kept = {"groups": [group], "targets": [target], "balancers": [balancer], "templates": [template]}
    others = [(kind, name(kind, entry)) for kind, mine in kept.items() for entry in taken[kind] if entry not in mine]
    selection = Selection(
        group=group,
        template=template,
        policies=_of_group(inventory["policies"], group),
        schedules=_of_group(inventory["schedules"], group),
        balancer=balancer,
        target=target,
        databases=tuple(databases),
        caches=tuple(taken["caches"]),
        nodes=tuple(node for node in inventory["nodes"] for cache in taken["caches"] if _is_node(node, cache)),
        buckets=tuple(taken["buckets"]),
        others=tuple(others),
    )
    return replace(selection, alarms=tuple(_alarms(inventory["alarms"], selection)))


def _only(what: str, kind: str, entries: Sequence[Entry]) -> Entry | None:
    if len(entries) > 1:
        names = ", ".join(sorted(name(kind, entry) for entry in entries))
        raise AdoptError(f"{len(entries)} {what} are found ({names}): the program has one; name it by --arn alone")
    return entries[0] if entries else None


def _of_group(entries: Sequence[Entry], group: Entry | None) -> tuple[Entry, ...]:
    wanted = group["AutoScalingGroupName"] if group else None
    return tuple(entry for entry in entries if entry["AutoScalingGroupName"] == wanted)


def _is_node(node: Entry, cache: Entry) -> bool:
    return node.get("ReplicationGroupId") == cache["ReplicationGroupId"] or node["CacheClusterId"] in cache.get(
        "MemberClusters", ()
    )


def _alarms(alarms: Sequence[Entry], selection: Selection) -> Iterator[Entry]:
    """Yield the alarms that invoke a policy or watch something chosen; those of target tracking are Auto Scaling's."""
    owned = {
        alarm["AlarmName"]
        for policy in selection.policies
        if policy["PolicyType"] == "TargetTrackingScaling"
        for alarm in policy.get("Alarms", ())
    }
    policies = {policy.get("PolicyARN") for policy in selection.policies}
    watched = {*_dimensions(selection)}
    for alarm in alarms:
        if alarm["AlarmName"] in owned or alarm["AlarmName"].startswith("TargetTracking-"):
            continue
        dimensions = {(each["Name"], each["Value"]) for each in alarm.get("Dimensions", ())}
        group = selection.group["AutoScalingGroupName"] if selection.group else ""
        invokes = policies & set(alarm.get("AlarmActions", ())) or any(
            f"autoScalingGroupName/{group}:" in action for action in alarm.get("AlarmActions", ()) if group
        )
        if invokes or dimensions & watched:
            yield alarm


def _dimensions(selection: Selection) -> Iterator[tuple[str, str]]:
    if selection.group:
        yield "AutoScalingGroupName", selection.group["AutoScalingGroupName"]
    if selection.balancer:
        yield "LoadBalancer", str(selection.balancer["LoadBalancerArn"]).partition("loadbalancer/")[2]
    if selection.target:
        yield "TargetGroup", str(selection.target["TargetGroupArn"]).rpartition(":")[2]
    for database in selection.databases:
        yield "DBInstanceIdentifier", database["DBInstanceIdentifier"]
    for node in selection.nodes:
        yield "CacheClusterId", node["CacheClusterId"]
