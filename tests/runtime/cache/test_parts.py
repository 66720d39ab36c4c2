"""The parts of the cache that need no server: L1's bounds, the codec, the ring."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django_scale.cache.codec import Codec, end_of, is_stale
from django_scale.cache.levels import CacheOptions, addresses
from django_scale.cache.local import MISSING, LocalLevel
from django_scale.cache.nodes import Node, connection_factory
from django_scale.cache.topology import Ring


def put(l1: LocalLevel, key: str, value: Any, seconds: float = 60) -> None:
    l1.begin_write(key)
    l1.end_write(key, value, seconds)


def test_l1_is_bounded_by_entries_least_recently_used_out_first() -> None:
    l1 = LocalLevel(3, 10**6)
    for key in "abc":
        put(l1, key, key)
    l1.get("a")
    put(l1, "d", "d")
    assert [l1.get(key) is not MISSING for key in "abcd"] == [True, False, True, True]


def test_l1_is_bounded_by_bytes() -> None:
    l1 = LocalLevel(1000, 100_000)
    for number in range(50):
        put(l1, str(number), "x" * 10_000)
        assert l1.size <= 100_000
    assert len(l1) == 9
    put(l1, "huge", b"x" * 200_000)
    assert l1.get("huge") is MISSING
    l1.clear()
    assert l1.size == len(l1) == 0


def test_two_writes_that_overlap_leave_nothing_in_l1() -> None:
    l1 = LocalLevel(10, 10**6)
    l1.begin_write("key")
    l1.begin_write("key")
    l1.end_write("key", "first", 60)
    l1.end_write("key", "second", 60)
    assert l1.get("key") is MISSING
    put(l1, "key", "third")
    assert l1.get("key") == "third"


def test_a_write_elsewhere_during_a_write_here_leaves_nothing_in_l1() -> None:
    l1 = LocalLevel(10, 10**6)
    l1.begin_write("key")
    l1.invalidate("key")
    l1.end_write("key", "mine", 60)
    assert l1.get("key") is MISSING


def test_a_read_that_began_before_a_write_does_not_fill_l1() -> None:
    l1 = LocalLevel(10, 10**6)
    token = l1.begin("key")
    put(l1, "key", "new")
    l1.fill("key", token, "old", 60)
    assert l1.get("key") == "new"


@pytest.mark.parametrize("compressor", ["zlib", "zstd", ""])
@pytest.mark.parametrize("serializer", ["pickle", "json"])
def test_any_codec_reads_what_any_other_wrote(serializer: str, compressor: str) -> None:
    value = {"text": "abc" * 1000, "none": None}
    payload = Codec(serializer, compressor).encode(value)
    assert Codec().decode(payload) == value
    assert (len(payload) < 1000) is bool(compressor)
    assert Codec(serializer, compressor, minimum=10**6).decode(payload) == value


def test_json_refuses_what_it_cannot_carry() -> None:
    with pytest.raises(TypeError):
        Codec("json").encode({1, 2})


def test_ends() -> None:
    codec, now = Codec(), time.time()
    assert end_of(codec.encode("x")) is None
    assert end_of(codec.encode("x", now)) == pytest.approx(now, abs=0.002)
    assert not is_stale(codec.encode("x", now - 1)), "its end is Redis's to keep"
    assert is_stale(codec.encode("x", now - 1, soft=True))
    assert not is_stale(codec.encode("x", now + 1, soft=True))
    assert codec.encode(-12) == b"-12"


def _ring(number: int) -> Ring:
    connect = connection_factory(username="", password="", tls=False, timeout=1)
    return Ring([(f"server-{i}", 6379) for i in range(number)], lambda host, port: Node(host, port, connect, 1))


def test_consistent_hashing_spreads_and_moves_little() -> None:
    keys = [f"key-{i}".encode() for i in range(6000)]
    three, four = _ring(3), _ring(4)
    shares = Counter(repr(three.node_for(key)) for key in keys)
    assert all(0.25 < share / 6000 < 0.42 for share in shares.values()), shares
    moved = [key for key in keys if repr(three.node_for(key)) != repr(four.node_for(key))]
    assert 0.18 < len(moved) / 6000 < 0.32
    assert {repr(four.node_for(key)) for key in moved} == {"server-3:6379"}


def test_options_and_locations_that_are_wrong_are_named() -> None:
    with pytest.raises(ImproperlyConfigured, match="L1_SECOND"):
        CacheOptions.read({"L1_SECOND": 1})
    with pytest.raises(ImproperlyConfigured, match="MODE"):
        CacheOptions.read({"MODE": "sentinel"})
    with pytest.raises(ImproperlyConfigured, match="host:port"):
        addresses(["redis://a"])
    assert addresses("a:1, [::1]:2") == (("a", 1), ("::1", 2))
