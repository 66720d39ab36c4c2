"""For each rule a stack that AWS refuses, and one that it nearly does."""

from __future__ import annotations

from tests.refusals.cases.builders import Case, cache, of_family, users

CACHE = (
    Case(
        "cache-shards",
        (cache(nodeGroupConfigurations=[{"primaryAvailabilityZone": "eu-west-1a"}], replicasPerNodeGroup=1),),
        (cache(nodeGroupConfigurations=[{"primaryAvailabilityZone": "eu-west-1a"}]),),
        "excludes",
    ),
    Case(
        "cache-shards",
        (cache(numNodeGroups=251, replicasPerNodeGroup=1),),
        (cache(numNodeGroups=250, replicasPerNodeGroup=1),),
        "more than 500 nodes",
    ),
    Case(
        "cache-failover-off",
        (cache(clusterMode="enabled", automaticFailoverEnabled=False),),
        (cache(clusterMode="disabled", automaticFailoverEnabled=False),),
        "auto failover turned off",
    ),
    Case(
        "cache-multi-az",
        (cache(multiAzEnabled=True, replicasPerNodeGroup=0),),
        (cache(multiAzEnabled=True, replicasPerNodeGroup=1),),
        "at least one replica",
    ),
    Case("cache-name", (cache(replicationGroupId="c" * 41),), (cache(replicationGroupId="c" * 40),), "1 to 40"),
    Case(
        "cache-tiering",
        (cache(nodeType="cache.r6gd.xlarge"),),
        (cache(nodeType="cache.r6gd.xlarge", dataTieringEnabled=True),),
        "needs data tiering",
    ),
    Case("cache-family", of_family("valkey7"), of_family("valkey8"), "not of valkey8"),
    Case("cache-users", users("app"), users("app", "default"), "must contain default user"),
    Case("cache-users", users("app", "app", "default"), users("app", "other", "default"), "same name"),
    Case("cache-users", users("default", user_engine="valkey"), users("default", engine="valkey"), "user of Valkey"),
)
