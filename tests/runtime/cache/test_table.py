"""L3's table, in SQLite here and in PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from asgiref.local import Local
from django.core.management import call_command
from django.db import connections, transaction
from django_scale.cache import DatabaseCache
from django_scale.cache.table import Table
from django_scale.models import CacheEntry
from django_scale.settings import databases, read

from scale.local.servers import Primary
from tests.runtime.real.application import base_variables, database_variables


@pytest.fixture
def on_postgresql(primary: Primary) -> Iterator[None]:
    """Django on the real primary instead of SQLite."""
    handler: Any = connections
    connections.close_all()
    before, handler._connections = handler.settings, Local(handler.thread_critical)
    given = databases(read(base_variables() | database_variables(primary, [])))
    handler.settings = handler.configure_settings(given)
    call_command("migrate", "django_scale", verbosity=0)
    yield
    # A cull that still runs closes what it opened in the connections that are there when it ends.
    for thread in threading.enumerate():
        if thread.name == "django-scale-cull":
            thread.join()
    CacheEntry.objects.all().delete()
    connections.close_all()
    handler.settings, handler._connections = before, Local(handler.thread_critical)


@pytest.fixture(params=["sqlite", "postgresql"])
def table(request: pytest.FixtureRequest) -> Table:
    if request.param == "postgresql":
        request.getfixturevalue("on_postgresql")
    CacheEntry.objects.all().delete()
    return Table(max_entries=100)


def test_rows_come_back_until_they_end(table: Table) -> None:
    assert table.put({"a": (b"1", 100), "b": (b"2", None), "ended": (b"3", -1)}) is True
    found = table.get(["a", "b", "ended", "missing"])
    assert found["a"][0] == b"1"
    assert 98 < (found["a"][1] or 0) <= 100
    assert found["b"] == (b"2", None)
    assert set(found) == {"a", "b"}
    assert table.put({"a": (b"new", 5)}) is True
    assert table.get(["a"])["a"][0] == b"new"


def test_add_touch_change_delete(table: Table) -> None:
    assert table.add("a", b"1", None) is True
    assert table.add("a", b"2", None) is False
    table.put({"ended": (b"3", -1)})
    assert table.add("ended", b"4", 10) is True
    assert table.touch("a", 5) is True
    assert table.touch("missing", 5) is False
    assert table.change("a", lambda old: old + b"!") == b"1!"
    assert table.change("missing", lambda old: old) is None
    assert table.delete(["a", "missing"]) is True
    assert table.delete(["a"]) is False


def test_the_cull_deletes_what_has_ended_then_what_ends_first(table: Table) -> None:
    table.put({f"ended{i}": (b"x", -1) for i in range(20)})
    table.put({f"live{i:03}": (b"x", 1000 + i) for i in range(130)})
    assert table.cull() == 20 + 30
    assert CacheEntry.objects.count() == 100
    assert not CacheEntry.objects.filter(key="live029").exists()
    assert CacheEntry.objects.filter(key="live030").exists()


def test_long_keys_and_nul_are_told_apart(table: Table) -> None:
    keys = ["p:" + "x" * 300, "p:" + "x" * 301, "p:\0nul"]
    assert table.put({key: (str(i).encode(), None) for i, key in enumerate(keys)}) is True
    assert [table.get(keys)[key][0] for key in keys] == [b"0", b"1", b"2"]
    table.clear("p:")
    assert table.get(keys) == {}


def test_many_writers_of_the_same_keys_do_not_deadlock(on_postgresql: None) -> None:
    table, gate = Table(10_000), threading.Barrier(8)

    def write(number: int) -> bool:
        gate.wait()
        order = range(50) if number % 2 else reversed(range(50))
        try:
            return all(table.put({f"k{i}": (str(number).encode(), 60) for i in order}) for _ in range(5))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(write, range(8)))


def test_a_table_that_is_missing_breaks_no_transaction(on_postgresql: None) -> None:
    cache = DatabaseCache("", {})
    with connections["default"].cursor() as cursor:
        cursor.execute("ALTER TABLE django_scale_cacheentry RENAME TO away")
    try:
        with transaction.atomic():
            cache.set("key", 1)
            assert cache.get("key", "default") == "default"
            with connections["default"].cursor() as cursor:
                cursor.execute("SELECT 1")
                assert cursor.fetchone() == (1,)
    finally:
        with connections["default"].cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO django_scale_cacheentry")
