"""A replication group in cluster mode: nodes, users, parameters, alarms."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from components.cache import Cache
from model.cache import Engine
from scale.testing import CustomTimeouts, Recording, Resource, Secret, run
from tests.components.building import ALARM, SUBNETS, TOPIC, component, counts, get, settings

GROUP = "aws:elasticache/replicationGroup:ReplicationGroup"
PARAMETERS = "aws:elasticache/parameterGroup:ParameterGroup"
SUBNET_GROUP = "aws:elasticache/subnetGroup:SubnetGroup"
USER = "aws:elasticache/user:User"
USERS = "aws:elasticache/userGroup:UserGroup"
VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
NAME = "shop-prod-cache"


def register(engine: Engine = "valkey", version: str = "8.0", evicts: bool = True, **group: Any) -> Recording:
    model = settings(cache={"data": {"node_type": "cache.r7g.large", "shards": 3, "replicas": 1, **group}}).cache.data
    assert model is not None
    return run(
        lambda: Cache(
            NAME,
            model,
            engine=engine,
            engine_version=version,
            evicts=evicts,
            subnet_ids=SUBNETS,
            security_group_id="sg-1",
            alarm_topic=TOPIC,
        )
    )


@cache
def built(engine: Engine = "valkey", version: str = "8.0") -> Recording:
    return register(engine, version)


def test_it_has_exactly_these_resources() -> None:
    assert counts(built()) == {
        "MetricAlarm": 3 * 2 * 3,
        "ParameterGroup": 1,
        "ReplicationGroup": 1,
        "Secret": 1,
        "SecretVersion": 1,
        "SubnetGroup": 1,
        "User": 2,
        "UserGroup": 1,
    }
    assert len(built().children(component(built(), "Cache"))) == 18 + 6 + 1


def test_it_has_the_shards_and_replicas_of_the_settings_in_cluster_mode() -> None:
    group = built().one(GROUP)
    assert (get(group, "numNodeGroups"), get(group, "replicasPerNodeGroup")) == (3, 1)
    assert get(group, "clusterMode") == "enabled"
    assert get(group, "nodeType") == "cache.r7g.large"
    assert get(group, "port") == 6379


def test_shards_are_counted_and_not_also_listed() -> None:
    assert "nodeGroupConfigurations" not in built().one(GROUP).properties


def test_replicas_stand_in_other_zones_and_take_over() -> None:
    assert get(built().one(GROUP), "multiAzEnabled") is True
    assert get(built().one(GROUP), "automaticFailoverEnabled") is True


def test_without_replicas_nothing_can_be_in_another_zone_and_cluster_mode_still_demands_failover() -> None:
    group = register(replicas=0).one(GROUP)
    assert get(group, "multiAzEnabled") is False
    assert get(group, "automaticFailoverEnabled") is True


def test_it_is_encrypted_in_transit_without_exception_and_at_rest() -> None:
    group = built().one(GROUP)
    assert get(group, "transitEncryptionEnabled") is True
    assert get(group, "transitEncryptionMode") == "required"
    assert get(group, "atRestEncryptionEnabled") is True


def test_it_stands_in_the_isolated_subnets_behind_its_group() -> None:
    plan = built()
    assert get(plan.one(SUBNET_GROUP), "subnetIds") == SUBNETS
    assert get(plan.one(GROUP), "subnetGroupName") == plan.one(SUBNET_GROUP).state["name"]
    assert get(plan.one(GROUP), "securityGroupIds") == ["sg-1"]


@pytest.mark.parametrize(
    ("engine", "version", "family"),
    [("valkey", "8.0", "valkey8"), ("valkey", "7.2", "valkey7"), ("redis", "7.1", "redis7")],
)
def test_engine_version_and_parameter_family_agree(engine: Engine, version: str, family: str) -> None:
    plan = built(engine, version)
    assert (get(plan.one(GROUP), "engine"), get(plan.one(GROUP), "engineVersion")) == (engine, version)
    assert get(plan.one(PARAMETERS), "family") == family
    assert get(plan.one(GROUP), "parameterGroupName") == plan.one(PARAMETERS).state["name"]
    assert {get(each, "engine") for each in [*plan.all(USER), plan.one(USERS)]} == {engine}


@pytest.mark.parametrize(("evicts", "policy"), [(True, "allkeys-lru"), (False, "noeviction")])
def test_a_cache_drops_keys_when_full_and_sessions_are_never_dropped(evicts: bool, policy: str) -> None:
    values = {each["name"]: each["value"] for each in get(register(evicts=evicts).one(PARAMETERS), "parameters")}
    assert values == {"cluster-enabled": "yes", "maxmemory-policy": policy}


@pytest.mark.parametrize("days", [0, 7])
def test_snapshots_are_kept_for_the_days_of_the_settings(days: int) -> None:
    assert get(register(snapshot_days=days).one(GROUP), "snapshotRetentionLimit") == days


def test_it_takes_hours() -> None:
    assert built().one(GROUP).custom_timeouts == CustomTimeouts(create="2h", update="4h", delete="2h")


def user(plan: Recording, role: str) -> Resource:
    return plan.one(USER, f"{NAME}-{role}")


def test_the_application_signs_in_as_a_user_with_a_password() -> None:
    plan = built()
    assert get(user(plan, "app"), "userName") == "app"
    assert isinstance(user(plan, "app").properties["passwords"], Secret)
    assert get(user(plan, "app"), "passwords") == [get(plan.one(VERSION), "secretString")]


def test_the_application_administers_nothing() -> None:
    words = get(user(built(), "app"), "accessString").split()
    assert words[0] == "on"
    assert words.index("+@all") < words.index("-@admin") < words.index("-@dangerous") < words.index("+info")


@pytest.mark.parametrize("engine", ["valkey", "redis"])
def test_a_client_that_gives_no_name_may_do_nothing(engine: Engine) -> None:
    nobody = user(built(engine, "8.0" if engine == "valkey" else "7.1"), "default")
    assert get(nobody, "userName") == "default"
    assert get(nobody, "accessString") == "off ~* -@all"


def test_every_user_has_a_password_as_a_valkey_group_demands() -> None:
    for each in built().all(USER):
        assert get(each, "passwords")
        assert "noPasswordRequired" not in each.properties


def test_the_group_lets_in_these_users_alone() -> None:
    plan = built()
    assert get(plan.one(USERS), "userIds") == [f"{NAME}-app", f"{NAME}-default"]
    assert get(plan.one(GROUP), "userGroupIds") == [f"{NAME}-users"]
    assert plan.one(USERS).urn in plan.one(GROUP).dependencies
    assert "authToken" not in plan.one(GROUP).properties


def test_user_ids_stay_within_40_characters_for_the_longest_prefix() -> None:
    longest = "x" * 17
    names = [get(each, "userId").replace("shop-prod-cache", f"{longest}-sessions") for each in built().all(USER)]
    assert max(map(len, names)) <= 40


def test_the_groups_id_is_generated_and_stays_within_40_characters_for_the_longest_prefix() -> None:
    group = built().one(GROUP)
    assert "replicationGroupId" not in group.properties
    assert len(group.name.replace("shop-prod-cache", "x" * 17 + "-sessions")) + 8 <= 40


@pytest.mark.parametrize(
    ("shards", "replicas", "nodes"),
    [
        (1, 0, ["0001-001"]),
        (1, 1, ["0001-001", "0001-002"]),
        (2, 2, ["0001-001", "0001-002", "0001-003", "0002-001", "0002-002", "0002-003"]),
    ],
)
def test_every_node_has_its_alarms_under_its_real_id(shards: int, replicas: int, nodes: list[str]) -> None:
    plan = register(shards=shards, replicas=replicas)
    group = plan.one(GROUP).state["replicationGroupId"]
    watched = [get(each, "dimensions") for each in plan.all(ALARM) if get(each, "metricName") == "Evictions"]
    assert watched == [{"CacheClusterId": f"{group}-{node}"} for node in nodes]
    assert plan.one(GROUP).state["memberClusters"] == [f"{group}-{node}" for node in nodes]
    assert len(plan.all(ALARM)) == 3 * len(nodes)


@pytest.mark.parametrize(
    ("role", "metric", "statistic", "threshold"),
    [
        ("cpu", "EngineCPUUtilization", "Average", 80),
        ("memory", "DatabaseMemoryUsagePercentage", "Average", 90),
        ("evictions", "Evictions", "Sum", 1000),
    ],
)
def test_a_node_is_in_alarm_above_the_settings_thresholds(
    role: str, metric: str, statistic: str, threshold: int
) -> None:
    alarm = built().one(ALARM, f"{NAME}-0003-002-{role}")
    assert get(alarm, "namespace") == "AWS/ElastiCache"
    assert (get(alarm, "metricName"), get(alarm, "statistic")) == (metric, statistic)
    assert (get(alarm, "threshold"), get(alarm, "comparisonOperator")) == (threshold, "GreaterThanThreshold")
    assert get(alarm, "alarmActions") == get(alarm, "okActions") == [TOPIC]


def test_the_password_is_nowhere_but_in_its_secret_and_on_the_users() -> None:
    plan = built()
    password = get(plan.one(VERSION), "secretString")
    holders = [each.type for each in plan.all() if password in str(dict(each.properties))]
    assert holders == [VERSION, USER, USER]
    assert password not in str(plan.registered_outputs)


def test_clients_are_given_the_configuration_endpoint() -> None:
    plan = built()
    outputs = plan.registered_outputs[component(plan, "Cache").urn]
    assert outputs["host"] == plan.one(GROUP).state["configurationEndpointAddress"]
