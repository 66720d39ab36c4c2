"""What the levels of the cache do for each other, on three real Redis servers."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django_scale.cache import MultiLevelCache
from django_scale.cache.nodes import Node

from scale.local.servers import Redis, RedisCluster
from tests.runtime.cache.conftest import MakeCache
from tests.runtime.real.application import wait_until

SECOND = Path(__file__).with_name("second_process.py")


def _start(cache: MultiLevelCache, shards: list[Redis], *commands: list[Any]) -> subprocess.Popen[str]:
    nodes = ",".join(shard.address for shard in shards)
    arguments = [nodes, cache.key_prefix, *(json.dumps(command) for command in commands)]
    return subprocess.Popen([sys.executable, str(SECOND), *arguments], stdout=subprocess.PIPE, text=True)


def _elsewhere(cache: MultiLevelCache, shards: list[Redis], *commands: list[Any]) -> list[str]:
    output, _ = _start(cache, shards, *commands).communicate(timeout=30)
    return output.split()


def _heard(cache: MultiLevelCache) -> bool:
    return cache.levels.believed() is not None


@pytest.fixture
def cache(make_sharded: MakeCache) -> MultiLevelCache:
    made = make_sharded()
    wait_until(lambda: _heard(made), 5)
    return made


class Counting:
    """Counts the round trips of a cache."""

    def __init__(self, cache: MultiLevelCache, monkeypatch: pytest.MonkeyPatch) -> None:
        self.trips = 0
        receive = Node.receive

        def counted(node: Node, connection: Any, number: int) -> list[Any]:
            self.trips += 1
            return receive(node, connection, number)

        monkeypatch.setattr(Node, "receive", counted)


def test_l1_answers_without_a_round_trip(cache: MultiLevelCache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.set("key", {"a": 1})
    counting = Counting(cache, monkeypatch)
    assert [cache.get("key") for _ in range(5)] == [{"a": 1}] * 5
    assert counting.trips == 0


@pytest.mark.parametrize("kind", ["make_sharded", "make_clustered"])
def test_many_keys_are_one_round_trip_a_shard(
    kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache: MultiLevelCache = request.getfixturevalue(kind)(L1_SECONDS=0)
    values = {f"key{i}": [i] for i in range(300)}
    cache.set_many(values)
    counting = Counting(cache, monkeypatch)
    assert cache.get_many(values) == values
    assert counting.trips == 3
    cache.set_many(values)
    assert counting.trips == 6
    cache.delete_many(values)
    assert counting.trips == 9


def test_l1_keeps_nothing_longer_than_l2(make_sharded: MakeCache) -> None:
    writer, reader = make_sharded("same-end"), make_sharded("same-end")
    writer.set("key", ["value"], 0.4)
    assert reader.get("key") == ["value"]
    time.sleep(0.5)
    assert reader.get("key") is None


def test_another_process_is_heard(cache: MultiLevelCache, shards: list[Redis]) -> None:
    cache.set_many({"set": 1, "deleted": 1, "counted": 1, "left": "here"})
    assert cache.get_many(["set", "deleted", "counted", "left"]) == {
        "set": 1,
        "deleted": 1,
        "counted": 1,
        "left": "here",
    }
    _elsewhere(cache, shards, ["set", "set", 2], ["delete", "deleted"], ["incr", "counted"], ["set_many", {"new": 1}])
    wait_until(lambda: cache.get("counted") == 2, 2)
    assert cache.get_many(["set", "deleted", "counted", "left", "new"]) == {
        "set": 2,
        "counted": 2,
        "left": "here",
        "new": 1,
    }
    _elsewhere(cache, shards, ["clear"])
    wait_until(lambda: cache.get("left") is None, 2)


def test_a_fill_that_began_before_an_invalidation_is_discarded(cache: MultiLevelCache) -> None:
    l1 = cache.levels.l1
    assert l1 is not None
    made = cache.made("key")
    token = l1.begin(made)
    l1.invalidate(made)
    l1.fill(made, token, "old", 60)
    assert len([key for key in [made] if l1.get(key) == "old"]) == 0


def test_l1_is_bypassed_when_the_subscription_is_lost_and_used_again(
    make_sharded: MakeCache, shards: list[Redis]
) -> None:
    cache = make_sharded(TIMEOUT=0.2)
    wait_until(lambda: _heard(cache), 5)
    cache.set("key", "value")
    l1 = cache.levels.l1
    assert l1 is not None
    assert len(l1) == 1
    shards[0].freeze()
    try:
        lost = wait_until(lambda: not _heard(cache), 4)
        assert lost < 2.0 + 1.0 + 0.5, "LOST_SECONDS after the last answer, which is a ping of PING_SECONDS ago at most"
        wait_until(lambda: len(l1) == 0, 3)
    finally:
        shards[0].thaw()
    wait_until(lambda: _heard(cache), 5)
    assert len(l1) == 0


def test_64_threads_on_a_cold_key_make_it_once(make_sharded: MakeCache) -> None:
    cache, made, gate = make_sharded(), [], threading.Barrier(64)

    def make() -> list[str]:
        made.append(1)
        time.sleep(0.3)
        return ["value"]

    def ask(_: int) -> Any:
        gate.wait()
        return cache.get_or_set("cold", make)

    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(ask, range(64)))
    assert answers == [["value"]] * 64
    assert len(made) == 1
    answers[0].append("changed")
    assert answers[1] == ["value"]


def test_processes_make_a_cold_key_once(cache: MultiLevelCache, shards: list[Redis]) -> None:
    processes = [_start(cache, shards, ["get", "warm up"], ["make", "cold", 1.0]) for _ in range(3)]
    output = [process.communicate(timeout=30)[0].split() for process in processes]
    assert sum(lines.count("made") for lines in output) == 1, output
    assert all(lines[-1] == "value" for lines in output)


def test_while_one_makes_it_anew_the_others_get_what_has_ended(make_sharded: MakeCache) -> None:
    cache = make_sharded()
    cache.get_or_set("key", lambda: "old", 0.3)
    time.sleep(0.4)
    making, go_on = threading.Event(), threading.Event()

    def slow() -> str:
        making.set()
        go_on.wait(5)
        return "new"

    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(cache.get_or_set, "key", slow, 10)
        making.wait(5)
        began = time.monotonic()
        assert cache.get_or_set("key", lambda: "never", 10) == "old"
        assert time.monotonic() - began < 0.5
        assert cache.get("key") is None, "get keeps the contract: the value has ended"
        go_on.set()
        assert leader.result(5) == "new"
    assert cache.get("key") == "new"


def test_one_that_fails_to_make_it_does_not_stop_the_next(make_sharded: MakeCache) -> None:
    cache = make_sharded()
    with pytest.raises(RuntimeError, match="first"):
        cache.get_or_set("key", _fail)
    assert cache.get_or_set("key", lambda: "second") == "second"


def _fail() -> str:
    raise RuntimeError("first")


@contextlib.contextmanager
def frozen(servers: list[Redis]) -> Generator[None]:
    for server in servers:
        server.freeze()
    try:
        yield
    finally:
        for server in servers:
            server.thaw()


def test_with_l2_silent_nothing_raises_and_nothing_is_claimed(make_sharded: MakeCache, shards: list[Redis]) -> None:
    cache = make_sharded(TIMEOUT=0.1)
    cache.set("key", "value")
    with frozen(shards):
        cache.set("key", "new")
        assert cache.get("key", "default") == "default"
        assert cache.add("added", 1) is False
        assert cache.touch("key") is False
        assert cache.delete("other") is False
        assert cache.get_many(["key", "other"]) == {}
        assert sorted(cache.set_many({"a": 1, "b": 2})) == ["a", "b"]
        assert cache.get_or_set("made", lambda: "made") == "made"
        assert "key" not in cache
        with pytest.raises(ValueError, match="not found"):
            cache.incr("key")
        cache.delete_many(["a"])
        cache.clear()
        began = time.monotonic()
        for _ in range(1000):
            cache.get("key")
        assert time.monotonic() - began < 1, "servers that are known to be silent are not waited for"


def test_a_delete_that_l2_missed_is_made_good_when_it_is_back(make_sharded: MakeCache, shards: list[Redis]) -> None:
    cache = make_sharded(TIMEOUT=0.1, COOLDOWN=0.2)
    cache.set("key", "old")
    with frozen(shards):
        cache.delete("key")
    other = make_sharded(cache.key_prefix, TIMEOUT=0.1, COOLDOWN=0.2)
    wait_until(lambda: cache.set_many({f"k{i}": i for i in range(30)}) == [], 5)
    assert other.get("key") is None


def test_l3_serves_what_l2_has_lost(make_sharded: MakeCache, shards: list[Redis]) -> None:
    cache = make_sharded(L3="database", L1_SECONDS=0)
    cache.set("key", ["value"], 100)
    cache.set("forgotten", ["value"], 100)
    cache.delete("forgotten")
    cache.set("count", 5)
    for shard in shards:
        shard.ask("FLUSHALL")
    assert cache.get("key") == ["value"]
    assert cache.levels.client.size() == 1, "L2 has it again"
    assert cache.get("forgotten") is None
    assert cache.get("count") is None, "counters are not kept in L3: they change in L2 alone"


def test_a_cluster_serves_on_after_a_master_is_lost(make_clustered: MakeCache, cluster: RedisCluster) -> None:
    """Its replica is promoted after cluster-node-timeout (2 s); until then its keys miss."""
    cache = make_clustered(TIMEOUT=0.2, COOLDOWN=0.2, L1_SECONDS=0)
    values = {f"key{i}": i for i in range(60)}
    assert cache.set_many(values) == []
    victim = cluster.masters[0]
    victim.kill()
    try:
        assert 0 < len(cache.get_many(values)) < 60
        wait_until(lambda: cache.set_many(values) == [], 20)
        assert cache.get_many(values) == values
    finally:
        victim.start()
        wait_until(cluster.healthy, 30)


def test_a_cluster_that_is_silent_holds_a_request_for_moments(make_clustered: MakeCache, cluster: RedisCluster) -> None:
    """One time-out for the key's own server, two for those asked where the key has gone; then none."""
    cache = make_clustered(TIMEOUT=0.3, L1_SECONDS=0)
    cache.set("key", "value")
    with frozen(cluster.servers):
        began = time.monotonic()
        assert cache.get("key") is None
        assert time.monotonic() - began < 3 * 0.3 + 1
        began = time.monotonic()
        assert [cache.get("key") for _ in range(200)] == [None] * 200
        assert time.monotonic() - began < 3 * 0.3 + 1
    wait_until(lambda: cache.get("key") == "value" or cache.set("key", "value") is not None, 15)
    wait_until(cluster.healthy, 20)


def test_a_slot_that_moves_is_followed(make_clustered: MakeCache, cluster: RedisCluster) -> None:
    cache = make_clustered(L1_SECONDS=0)
    cache.set("key", "old")
    raw = cache.made("key").encode()
    own = cache.levels.client
    right = own.topology.node_for(raw)
    wrong = next(node for node in own.topology.nodes() if node is not right)
    slots: list[Any] = own.topology._slots  # type: ignore[attr-defined]
    for number, node in enumerate(slots):
        slots[number] = wrong if node is right else node
    assert cache.get("key") == "old"
    assert cache.get_many(["key"]) == {"key": "old"}
    for number, node in enumerate(slots):
        slots[number] = wrong if node is right else node
    assert cache.set_many({"key": "new"}) == []
    assert cache.get("key") == "new"
