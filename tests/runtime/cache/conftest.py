"""Caches on real servers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest
from django_scale.cache import DatabaseCache, MultiLevelCache
from django_scale.cache.levels import close

from scale.local.servers import Redis, RedisCluster
from tests.runtime.real.application import wait_until

MakeCache = Callable[..., MultiLevelCache]
_numbers = itertools.count()


@pytest.fixture
def made() -> Iterator[list[MultiLevelCache]]:
    """The caches of a test; their threads end with it."""
    found: list[MultiLevelCache] = []
    yield found
    for cache in found:
        close(cache.levels)


@pytest.fixture
def make_sharded(shards: list[Redis], made: list[MultiLevelCache]) -> MakeCache:
    """Caches over independent servers; those with one `prefix` are of one cache."""

    def make(prefix: str = "", timeout: float | None = 300, **options: object) -> MultiLevelCache:
        nodes = [shard.address for shard in shards]
        params = {"KEY_PREFIX": prefix or f"s{next(_numbers)}", "TIMEOUT": timeout}
        made.append(MultiLevelCache(nodes, {**params, "OPTIONS": {"MODE": "shards", **options}}))
        return made[-1]

    return make


@pytest.fixture
def make_clustered(cluster: RedisCluster, made: list[MultiLevelCache]) -> MakeCache:
    """Caches over a cluster."""

    def make(prefix: str = "", timeout: float | None = 300, **options: object) -> MultiLevelCache:
        nodes = [cluster.masters[0].address]
        params = {"KEY_PREFIX": prefix or f"c{next(_numbers)}", "TIMEOUT": timeout}
        made.append(MultiLevelCache(nodes, {**params, "OPTIONS": {"MODE": "cluster", **options}}))
        return made[-1]

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
    cache = make(**options[request.param])
    if cache.levels.l1 is not None:
        # Without its subscription L1 is bypassed, and would not be tested.
        wait_until(lambda: cache.levels.believed() is not None, 5)
    return cache
