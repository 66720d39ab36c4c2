"""Caches on real servers."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from django_scale.cache import DatabaseCache, MultiLevelCache

from tests.servers import Redis, RedisCluster

MakeCache = Callable[..., MultiLevelCache]
_numbers = itertools.count()


@pytest.fixture
def make_sharded(shards: list[Redis]) -> MakeCache:
    """Caches over independent servers; those with one `prefix` are of one cache."""

    def make(prefix: str = "", timeout: float | None = 300, **options: object) -> MultiLevelCache:
        nodes = [shard.address for shard in shards]
        params = {"KEY_PREFIX": prefix or f"s{next(_numbers)}", "TIMEOUT": timeout}
        return MultiLevelCache(nodes, {**params, "OPTIONS": {"MODE": "shards", **options}})

    return make


@pytest.fixture
def make_clustered(cluster: RedisCluster) -> MakeCache:
    """Caches over a cluster."""

    def make(prefix: str = "", timeout: float | None = 300, **options: object) -> MultiLevelCache:
        nodes = [cluster.masters[0].address]
        params = {"KEY_PREFIX": prefix or f"c{next(_numbers)}", "TIMEOUT": timeout}
        return MultiLevelCache(nodes, {**params, "OPTIONS": {"MODE": "cluster", **options}})

    return make


@pytest.fixture
def table_cache() -> DatabaseCache:
    """L3 alone."""
    return DatabaseCache("", {"KEY_PREFIX": f"t{next(_numbers)}"})


KINDS = ["shards", "shards, no L1", "shards with L3", "cluster", "cluster, zstd", "database"]


@pytest.fixture(params=KINDS)
def cache(request: pytest.FixtureRequest) -> MultiLevelCache | DatabaseCache:
    """Every kind of cache that must keep Django's contract."""
    if request.param == "database":
        return request.getfixturevalue("table_cache")
    name = "make_clustered" if request.param.startswith("cluster") else "make_sharded"
    make: MakeCache = request.getfixturevalue(name)
    options: dict[str, dict[str, object]] = {
        "shards": {},
        "shards, no L1": {"L1_SECONDS": 0},
        "shards with L3": {"L3": "database"},
        "cluster": {},
        "cluster, zstd": {"COMPRESSOR": "zstd", "COMPRESS_MIN_BYTES": 1},
    }
    # One prefix a kind: each has threads that listen for as long as the process lives.
    made = make(prefix=f"contract-{KINDS.index(request.param)}", **options[request.param])
    made.clear()
    return made
