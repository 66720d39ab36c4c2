"""What ElastiCache refuses beyond its types: shards, failover, users, names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policies import tokens as t
from policies.view import Resource
from scale.plan.refusals.keys import setting
from scale.plan.refusals.refusal import Planned, Refusal, answers

_CREATE = "CreateReplicationGroup"
_COMBINATION = "InvalidParameterCombination"

# CreateReplicationGroup, ReplicationGroupId.
_ID = re.compile(r"[a-zA-Z](?:-?[a-zA-Z0-9])*")
_LONGEST_ID = 40

# Node types with local disks take data tiering and nothing else (ElastiCache guide, "Data tiering").
_TIERED = re.compile(r"cache\.r6gd\.")

_MOST_NODES = 500


def cache(planned: Planned) -> Iterator[Refusal]:
    """Yield what ElastiCache refuses of the groups and of their users."""
    for group in planned.stack.of(t.CACHE):
        for rule, key, code, text in [*_topology(group), *_nodes(group), *_family(group, planned)]:
            yield Refusal(rule, group, answers(_CREATE, code, text), setting(group, key, planned.settings))
    for users in planned.stack.of(t.CACHE_USER_GROUP):
        yield from _users(users, planned)


def _topology(group: Resource) -> Iterator[tuple[str, str, str, str]]:
    # CreateReplicationGroup, NodeGroupConfiguration.
    if group.has("nodeGroupConfigurations") and (group.has("replicasPerNodeGroup") or group.has("numNodeGroups")):
        text = "NodeGroupConfiguration excludes ReplicasPerNodeGroup and NumNodeGroups"
        yield "cache-shards", "numNodeGroups", _COMBINATION, text
    shards, replicas = group.number("numNodeGroups") or 1, group.number("replicasPerNodeGroup") or 0
    clustered = shards > 1 or group.text("clusterMode") == "enabled"
    if clustered and not group.flag("automaticFailoverEnabled"):
        text = "Redis with cluster mode enabled cannot be created with auto failover turned off"
        yield "cache-failover-off", "replicasPerNodeGroup", _COMBINATION, text
    if group.flag("multiAzEnabled") and not replicas and not group.has("nodeGroupConfigurations"):
        text = "Multi-AZ needs at least one replica in each shard"
        yield "cache-multi-az", "multiAzEnabled", _COMBINATION, text
    if shards * (1 + replicas) > _MOST_NODES:
        text = f"{shards:g} shards of {1 + replicas:g} are more than {_MOST_NODES} nodes"
        yield "cache-shards", "numNodeGroups", "NodeQuotaForClusterExceeded", text
    name = group.text("replicationGroupId")
    if name and (len(name) > _LONGEST_ID or not _ID.fullmatch(name)):
        text = f"ReplicationGroupId {name} must be 1 to {_LONGEST_ID} letters, digits and single hyphens"
        yield "cache-name", "replicationGroupId", "InvalidParameterValue", text


def _nodes(group: Resource) -> Iterator[tuple[str, str, str, str]]:
    node = group.text("nodeType")
    if _TIERED.match(node) and not group.flag("dataTieringEnabled"):
        yield "cache-tiering", "nodeType", _COMBINATION, f"{node} needs data tiering, which the group does not enable"


def _family(group: Resource, planned: Planned) -> Iterator[tuple[str, str, str, str]]:
    engine, version = group.text("engine"), group.text("engineVersion")
    wanted = f"{engine}{version if engine == 'redis' and version[:1] < '7' else version.partition('.')[0]}"
    for parameters in planned.stack.used(group, "parameterGroupName", t.CACHE_PARAMETERS):
        family = parameters.text("family").removesuffix(".x")
        if engine and version and family != wanted.removesuffix(".x"):
            text = f"{parameters.name} is of the family {family}, not of {wanted}"
            yield "cache-family", "engineVersion", _COMBINATION, text


def _users(group: Resource, planned: Planned) -> Iterator[Refusal]:
    # CreateUserGroup: a Redis group has a user named `default`; ModifyUserGroup and CreateReplicationGroup: one engine.
    members = planned.stack.used(group, "userIds", t.CACHE_USER)
    names = {user.text("userName") for user in members}
    if members and group.text("engine") == "redis" and "default" not in names:
        text = answers("CreateUserGroup", "DefaultUserRequired", "User group must contain default user")
        yield Refusal("cache-users", group, text, "")
    if len(names) < len(members):
        text = answers("CreateUserGroup", "DuplicateUserName", "two users have the same name")
        yield Refusal("cache-users", group, text, "")
    for user in members:
        if user.text("engine") == "valkey" and group.text("engine") == "redis":
            text = answers("CreateUserGroup", "InvalidParameterCombination", f"{user.name} is a user of Valkey")
            yield Refusal("cache-users", group, text, setting(user, "engine", planned.settings))
        if user.text("engine") == "valkey" and user.flag("noPasswordRequired") and user.text("userName") != "default":
            text = answers("CreateUser", "InvalidParameterCombination", f"{user.name} has no password")
            yield Refusal("cache-users", user, text, "")
