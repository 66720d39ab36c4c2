"""Routing in Celery tasks, by Celery's own signals."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import override_settings
from django_scale.db import LoadBalancedDatabaseRouter, note_write, tasks
from django_scale.db.lsn import Token
from django_scale.db.pool import replica_pool
from django_scale.db.scope import Scope, current

Celery: Any = import_module("celery").Celery
REPLICAS = {"replica_1", "replica_2"}


@pytest.fixture(autouse=True)
def request_scope() -> Iterator[Scope]:
    with override_settings(DJANGO_SCALE={"REPLICA_WEIGHTS": {"replica_1": 1, "replica_2": 1}}):
        replica_pool.cache_clear()
        scope = Scope()
        current.set(scope)
        yield scope
        current.set(None)
    replica_pool.cache_clear()
    connection.close()


@pytest.fixture
def app() -> Any:
    made = Celery("routing", broker="memory://")
    made.conf.task_always_eager = True
    return made


def _read() -> str | None:
    return LoadBalancedDatabaseRouter().db_for_read(ContentType)


def test_a_task_is_a_scope_of_its_own(app: Any, request_scope: Scope) -> None:
    @app.task
    def writes() -> list[str | None]:
        before = _read()
        note_write()
        return [before, _read()]

    before, after = writes.delay().get()
    assert before in REPLICAS
    assert after == "default"
    assert current.get() is request_scope, "a task that runs where it is sent gives the request its scope back"
    assert _read() in REPLICAS


def test_what_the_publisher_wrote_goes_along_with_the_task(request_scope: Scope) -> None:
    headers: dict[str, Any] = {}
    tasks.publish(headers=headers)
    assert headers == {}, "nothing was written"
    request_scope.token = Token(lsn=4711)
    tasks.publish(headers=headers)
    assert Token.read(headers[tasks.HEADER]) == Token(lsn=4711)


def test_a_task_reads_where_its_publishers_write_is(app: Any) -> None:
    @app.task(bind=True)
    def reads(self: Any) -> str | None:
        return _read()

    signed = Token(lsn=2**40).sign()
    assert reads.apply(headers={tasks.HEADER: signed}).get() == "default"
    assert reads.apply().get() in REPLICAS


def test_every_message_is_signed(request_scope: Scope) -> None:
    request_scope.token = Token(lsn=4711)
    sent: list[dict[str, Any]] = []
    app = Celery("signed", broker="memory://")

    @app.task(name="signed.task")
    def task() -> None:
        raise AssertionError("never runs here")

    before_task_publish: Any = import_module("celery.signals").before_task_publish

    def see(headers: dict[str, Any], **_: Any) -> None:
        sent.append(dict(headers))

    before_task_publish.connect(see)
    task.delay()
    before_task_publish.disconnect(see)
    assert [Token.read(headers[tasks.HEADER]) for headers in sent] == [Token(lsn=4711)]
