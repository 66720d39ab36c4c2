"""What the routers answer, and what counts as a write."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.test import override_settings
from django_scale.db import DatabaseRouter, LoadBalancedDatabaseRouter, note_write, using_primary
from django_scale.db.observer import is_write
from django_scale.db.pool import replica_pool
from django_scale.db.scope import Scope, current, unrecorded

REPLICAS = {"replica_1", "replica_2"}


@pytest.fixture(autouse=True)
def replicas() -> Iterator[None]:
    """Two replicas that nobody probes, and a request's scope."""
    options = {"REPLICA_WEIGHTS": {"replica_1": 1, "replica_2": 1}, "PRIMARY_APPS": ["billing"]}
    connection.close()
    with override_settings(DJANGO_SCALE=options):
        replica_pool.cache_clear()
        current.set(Scope())
        yield
        current.set(None)
        connection.close()
        connection.execute_wrappers.clear()
    replica_pool.cache_clear()


@pytest.fixture(params=[DatabaseRouter, LoadBalancedDatabaseRouter])
def router(request: pytest.FixtureRequest) -> DatabaseRouter:
    return request.param()


def _model(label: str) -> Any:
    return SimpleNamespace(_meta=SimpleNamespace(app_label=label))


def test_reads_go_to_replicas_and_writes_to_the_primary(router: DatabaseRouter) -> None:
    found: set[str | None] = set()
    for _ in range(50):
        current.set(Scope())
        found.add(router.db_for_read(ContentType))
    assert found == REPLICAS
    assert router.db_for_write(ContentType) == "default"


def test_some_applications_stay_on_the_primary(router: DatabaseRouter) -> None:
    assert router.db_for_read(Session) == "default"
    assert router.db_for_read(_model("admin")) == "default"
    assert router.db_for_read(_model("billing")) == "default"
    assert LoadBalancedDatabaseRouter().db_for_read(User) == "default"


def test_reads_in_a_transaction_and_in_using_primary_stay_on_the_primary(router: DatabaseRouter) -> None:
    with transaction.atomic():
        assert router.db_for_read(ContentType) == "default"
    with using_primary(), using_primary():
        assert router.db_for_read(ContentType) == "default"
    assert router.db_for_read(ContentType) in REPLICAS


def test_using_primary_decorates_functions_and_coroutines(router: DatabaseRouter) -> None:
    @using_primary()
    def plain() -> str | None:
        return router.db_for_read(ContentType)

    @using_primary()
    async def waiting() -> str | None:
        await asyncio.sleep(0)
        return router.db_for_read(ContentType)

    assert plain() == "default"
    assert asyncio.run(waiting()) == "default"
    assert router.db_for_read(ContentType) in REPLICAS


def test_relations_and_migrations(router: DatabaseRouter) -> None:
    def of(alias: str) -> Any:
        return SimpleNamespace(_state=SimpleNamespace(db=alias))

    assert router.allow_relation(of("default"), of("replica_1")) is True
    assert router.allow_relation(of("replica_1"), of("replica_2")) is True
    assert router.allow_relation(of("default"), of("warehouse")) is None
    assert router.allow_migrate("default", "articles") is None
    assert router.allow_migrate("replica_1", "articles") is False
    assert router.allow_migrate("warehouse", "articles") is None


def test_one_request_has_one_replica() -> None:
    router = LoadBalancedDatabaseRouter()
    assert len({router.db_for_read(ContentType) for _ in range(50)}) == 1


def test_an_ejected_replica_is_left_in_the_middle_of_a_request() -> None:
    router = LoadBalancedDatabaseRouter()
    first = router.db_for_read(ContentType)
    assert first is not None
    replica_pool().eject(first, "test")
    assert {router.db_for_read(ContentType)} == REPLICAS - {first}


def test_after_a_write_the_request_stays_on_the_primary() -> None:
    router = LoadBalancedDatabaseRouter()
    assert router.db_for_read(ContentType) in REPLICAS
    ContentType.objects.using("default").filter(pk=0).delete()
    ContentType.objects.using("default").create(app_label="written", model="now")
    assert router.db_for_read(ContentType) == "default"
    ContentType.objects.using("default").filter(app_label="written").delete()


def test_what_is_rolled_back_was_not_written() -> None:
    router = LoadBalancedDatabaseRouter()
    with transaction.atomic():
        ContentType.objects.using("default").create(app_label="rolled", model="back")
        transaction.set_rollback(True)
    assert router.db_for_read(ContentType) in REPLICAS


def test_a_thousand_writes_of_a_transaction_are_one_hook() -> None:
    with transaction.atomic():
        for number in range(20):
            ContentType.objects.using("default").create(app_label="many", model=str(number))
        assert len(connection.run_on_commit) == 1
    assert LoadBalancedDatabaseRouter().db_for_read(ContentType) == "default"
    with unrecorded():
        ContentType.objects.using("default").filter(app_label="many").delete()


def test_a_cache_row_binds_nobody() -> None:
    router = LoadBalancedDatabaseRouter()
    with unrecorded():
        ContentType.objects.using("default").filter(pk=0).update(model="x")
    assert router.db_for_read(ContentType) in REPLICAS


def test_a_write_that_sql_does_not_show_can_be_told() -> None:
    note_write()
    assert LoadBalancedDatabaseRouter().db_for_read(ContentType) == "default"


def test_threads_choose_for_themselves() -> None:
    router = LoadBalancedDatabaseRouter()

    def choose(_: int) -> str | None:
        current.set(Scope())
        return router.db_for_read(ContentType)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(choose, range(64))) == REPLICAS


@pytest.mark.parametrize(
    ("sql", "write"),
    [
        ("SELECT 1", False),
        ("  (SELECT 1) UNION (SELECT 2)", False),
        ("select * from a", False),
        ("EXPLAIN SELECT 1", False),
        ("SAVEPOINT x", False),
        ("WITH a AS (SELECT 1) SELECT * FROM a", False),
        ("WITH a AS (INSERT INTO b VALUES (1) RETURNING *) SELECT * FROM a", True),
        ("INSERT INTO a VALUES (1)", True),
        ("UPDATE a SET b = 1", True),
        ("delete from a", True),
        ("TRUNCATE a", True),
        ("CREATE TABLE a ()", True),
        ("SELECTED", True),
        (b"SELECT 1", True),
    ],
)
def test_what_counts_as_a_write(sql: object, write: bool) -> None:
    assert is_write(sql) is write
