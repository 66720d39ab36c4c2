"""Django's cache contract, held by every kind of cache: what django.core.cache documents, one behaviour a test."""

from __future__ import annotations

import asyncio
import datetime
import time
from typing import Any

import pytest
from django.core.cache.backends.base import BaseCache, CacheKeyWarning

MISSING = object()
# Seconds: long enough that a value is still there on a busy machine.
END = 0.4
VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    -5,
    2**70,
    1.5,
    "",
    "text",
    "ünïcödé ☃",
    b"bytes\x00\xff",
    b"",
    [1, [2, {"three": 3}]],
    {"a": None},
    (1, 2),
    {1, 2},
    datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
    "x" * 100_000,
]


class Thing:
    """A value of a project's own type."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Thing) and other.size == self.size

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize("value", [*VALUES, Thing(3)], ids=lambda v: f"{type(v).__name__}-{str(v)[:12]!a}")
def test_a_value_comes_back_as_it_was(cache: BaseCache, value: Any) -> None:
    cache.set("key", value)
    assert cache.get("key", MISSING) == value
    assert type(cache.get("key", MISSING)) is type(value)
    assert cache.get_many(["key"]) == {"key": value}


def test_a_missing_key_gives_the_default(cache: BaseCache) -> None:
    assert cache.get("missing") is None
    assert cache.get("missing", "default") == "default"


def test_none_is_a_value(cache: BaseCache) -> None:
    cache.set("key", None)
    assert cache.get("key", "default") is None
    assert "key" in cache
    assert cache.add("key", 1) is False
    assert cache.get_or_set("key", 7) is None


def test_a_value_that_was_got_may_be_changed_without_harm(cache: BaseCache) -> None:
    cache.set("key", {"list": [1]})
    cache.get("key")["list"].append(2)
    assert cache.get("key") == {"list": [1]}


def test_a_value_that_was_set_may_be_changed_without_harm(cache: BaseCache) -> None:
    value = [1]
    cache.set("key", value)
    value.append(2)
    assert cache.get("key") == [1]


def test_set_replaces(cache: BaseCache) -> None:
    cache.set("key", 1)
    cache.set("key", "two")
    assert cache.get("key") == "two"


def test_add_sets_only_what_is_missing(cache: BaseCache) -> None:
    assert cache.add("key", "first") is True
    assert cache.add("key", "second") is False
    assert cache.get("key") == "first"


def test_prefixes_keep_caches_apart(cache: BaseCache) -> None:
    make: Any = type(cache)
    other: BaseCache = make(*_arguments(cache, prefix="other"))
    cache.set("key", 1)
    assert other.get("key") is None


def _arguments(cache: Any, prefix: str) -> tuple[Any, dict[str, Any]]:
    nodes = [f"{host}:{port}" for host, port in getattr(cache, "_addresses", ())]
    options = {} if not nodes else {"MODE": cache.options.mode}
    return nodes or "", {"KEY_PREFIX": prefix, "OPTIONS": options}


def test_delete_says_whether_the_key_was_there(cache: BaseCache) -> None:
    cache.set("key", 1)
    assert cache.delete("key") is True
    assert cache.delete("key") is False
    assert cache.get("key") is None


def test_has_key_and_in(cache: BaseCache) -> None:
    cache.set("key", 0)
    assert cache.has_key("key") is True
    assert "key" in cache
    assert cache.has_key("missing") is False
    assert "missing" not in cache


def test_incr_and_decr(cache: BaseCache) -> None:
    cache.set("answer", 41)
    assert cache.incr("answer") == 42
    assert cache.incr("answer", 10) == 52
    assert cache.decr("answer") == 51
    assert cache.decr("answer", 10) == 41
    assert cache.get("answer") == 41
    assert cache.incr("answer", -41) == 0
    assert cache.incr("answer") == 1


def test_incr_and_decr_of_a_missing_key_raise(cache: BaseCache) -> None:
    with pytest.raises(ValueError, match="missing"):
        cache.incr("missing")
    with pytest.raises(ValueError, match="missing"):
        cache.decr("missing")
    assert cache.get("missing") is None


def test_incr_of_a_float(cache: BaseCache) -> None:
    cache.set("half", 0.5)
    assert cache.incr("half") == 1.5
    assert cache.get("half") == 1.5


def test_incr_keeps_the_end(cache: BaseCache) -> None:
    cache.set("count", 1, END)
    cache.incr("count")
    time.sleep(END * 1.2)
    assert cache.get("count") is None


def test_a_key_ends(cache: BaseCache) -> None:
    cache.set("key", "value", END)
    assert cache.get("key") == "value"
    time.sleep(END * 1.2)
    assert cache.get("key") is None
    assert cache.add("key", "new") is True
    assert cache.get("key") == "new"


@pytest.mark.parametrize("timeout", [0, -1])
def test_a_timeout_of_zero_or_less_deletes(cache: BaseCache, timeout: int) -> None:
    cache.set("key", "old")
    cache.set("key", "new", timeout)
    assert cache.get("key") is None
    cache.set_many({"a": 1, "b": 2}, timeout)
    assert cache.get_many(["a", "b"]) == {}
    cache.add("c", 1, timeout)
    assert cache.get("c") is None


def test_a_timeout_of_none_is_for_ever(cache: BaseCache) -> None:
    cache.set("a", "eggs", None)
    cache.add("b", "ham", None)
    cache.set_many({"c": "spam"}, None)
    assert cache.get_many(["a", "b", "c"]) == {"a": "eggs", "b": "ham", "c": "spam"}
    cache.set("d", 1, END)
    assert cache.touch("d", None) is True
    time.sleep(END * 1.2)
    assert cache.get("d") == 1


def test_touch_moves_the_end(cache: BaseCache) -> None:
    cache.set("key", "value", END)
    assert cache.touch("key", 3) is True
    time.sleep(END * 1.2)
    assert cache.get("key") == "value"
    assert cache.touch("key", 0) is True
    assert cache.get("key") is None
    assert cache.touch("missing") is False


def test_touch_shortens(cache: BaseCache) -> None:
    cache.set("key", "value", 100)
    assert cache.touch("key", END) is True
    assert cache.get("key") == "value"
    time.sleep(END * 1.2)
    assert cache.get("key") is None


def test_many(cache: BaseCache) -> None:
    values = {f"key{i}": [i] for i in range(200)}
    assert cache.set_many(values) == []
    assert cache.get_many(values) == values
    assert cache.get_many(["key3", "missing"]) == {"key3": [3]}
    cache.delete_many(list(values)[:150])
    assert len(cache.get_many(values)) == 50


def test_many_of_nothing(cache: BaseCache) -> None:
    assert cache.set_many({}) == []
    assert cache.get_many([]) == {}
    cache.delete_many([])
    assert cache.get_many(["missing"]) == {}


def test_many_take_iterators(cache: BaseCache) -> None:
    cache.set_many({"a": 1, "b": 2})
    assert cache.get_many(iter(["a", "b"])) == {"a": 1, "b": 2}
    cache.delete_many(key for key in ("a", "b"))
    assert cache.get_many(["a", "b"]) == {}


def test_set_many_ends(cache: BaseCache) -> None:
    cache.set_many({"a": "spam", "b": "ham"}, END)
    time.sleep(END * 1.2)
    assert cache.get_many(["a", "b"]) == {}


def test_clear(cache: BaseCache) -> None:
    cache.set_many({f"key{i}": "spam" for i in range(50)})
    cache.set("number", 1)
    cache.clear()
    assert cache.get_many([f"key{i}" for i in range(50)]) == {}
    assert cache.get("number") is None


def test_versions_are_apart(cache: BaseCache) -> None:
    cache.set("key", "one", version=1)
    cache.set("key", "two", version=2)
    assert cache.get("key") == "one"
    assert cache.get("key", version=2) == "two"
    assert cache.get_many(["key"], version=2) == {"key": "two"}
    assert cache.add("key", "three", version=3) is True
    assert cache.delete("key", version=2) is True
    assert cache.has_key("key", version=2) is False
    assert cache.get("key") == "one"
    cache.set("count", 1, version=2)
    assert cache.incr("count", version=2) == 2
    assert cache.touch("count", 10, version=2) is True
    assert cache.touch("count", 10, version=1) is False


def test_incr_version_moves_the_value(cache: BaseCache) -> None:
    cache.set("key", "value", version=2)
    assert cache.incr_version("key", version=2) == 3
    assert cache.get("key", version=2) is None
    assert cache.get("key", version=3) == "value"
    assert cache.decr_version("key", version=3) == 2
    assert cache.get("key", version=2) == "value"
    with pytest.raises(ValueError, match="not found"):
        cache.incr_version("missing")


def test_get_or_set(cache: BaseCache) -> None:
    assert cache.get_or_set("plain", 5) == 5
    assert cache.get("plain") == 5
    calls: list[int] = []

    def make() -> str:
        calls.append(1)
        return "made"

    assert cache.get_or_set("made", make) == "made"
    assert cache.get_or_set("made", make) == "made"
    assert len(calls) == 1
    assert cache.get_or_set("none", lambda: None) is None
    assert cache.get("none", "default") is None
    assert cache.get_or_set("key", lambda: 1, version=2) == 1
    assert cache.get("key", version=1) is None


def test_get_or_set_ends(cache: BaseCache) -> None:
    assert cache.get_or_set("key", lambda: ["old"], END) == ["old"]
    time.sleep(END * 1.2)
    assert cache.get("key") is None
    assert "key" not in cache
    assert cache.touch("key", 10) is False
    assert cache.get_many(["key"]) == {}
    assert cache.add("key", "added") is True
    assert cache.get("key") == "added"


def test_get_or_set_raises_what_the_default_raises(cache: BaseCache) -> None:
    with pytest.raises(ZeroDivisionError):
        cache.get_or_set("key", lambda: 1 // 0)
    assert cache.get("key") is None


def test_what_cannot_be_pickled_raises_and_stores_nothing(cache: BaseCache) -> None:
    with pytest.raises((TypeError, AttributeError, Exception), match="pickle"):
        cache.set("key", lambda: 1)
    assert cache.get("key") is None


def test_long_and_odd_keys_warn_and_work(cache: BaseCache) -> None:
    for key in ("key with spaces", "a" * 300, "{braces}"):
        if key != "{braces}":
            with pytest.warns(CacheKeyWarning):
                cache.set(key, key)
        else:
            cache.set(key, key)
        with pytest.warns(CacheKeyWarning) if key != "{braces}" else _quiet():
            assert cache.get(key) == key


class _quiet:  # noqa: N801
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


def test_unicode_keys(cache: BaseCache) -> None:
    cache.set("☃", "snowman")
    assert cache.get("☃") == "snowman"
    assert cache.get_many(["☃"]) == {"☃": "snowman"}
    cache.delete_many(["☃"])
    assert cache.get("☃") is None


def test_the_async_methods_keep_the_contract_too(cache: BaseCache) -> None:
    async def use() -> None:
        await cache.aset("key", None)
        assert await cache.aget("key", "default") is None
        assert await cache.aadd("key", 1) is False
        assert await cache.aset_many({"a": 1, "b": [2]}) == []
        assert await cache.aget_many(["a", "b", "c"]) == {"a": 1, "b": [2]}
        assert await cache.aincr("a", 2) == 3
        assert await cache.adecr("a") == 2
        assert await cache.ahas_key("a") is True
        assert await cache.atouch("a", 10) is True
        assert await cache.aget_or_set("made", lambda: "made") == "made"
        assert await cache.aincr_version("a") == 2
        assert await cache.aget("a", version=2) == 2
        await cache.adelete_many(["b", "made"])
        assert await cache.adelete("key") is True
        await cache.aclear()
        assert await cache.aget_many(["a", "b", "key"], version=2) == {}

    asyncio.run(use())
