"""The health endpoints, without a server."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import RequestFactory, override_settings
from django_scale.health import HealthMiddleware, checks, draining


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(checks, "readiness", checks.Readiness())
    with override_settings(DJANGO_SCALE={"HEALTH_TIMEOUT": 0.5}):
        yield


def ask(path: str) -> Any:
    return HealthMiddleware(lambda _: HttpResponse("page"))(RequestFactory().get(path))


@pytest.mark.parametrize("path", ["/health/", "/health", "/health/live", "/health/live/"])
def test_live_needs_nothing(path: str) -> None:
    checks.readiness.checks = {"database": _must_not_run}
    assert (ask(path).status_code, ask(path).content) == (200, b"ok\n")


def _must_not_run() -> None:
    raise AssertionError("live does no I/O")


def test_other_pages_pass() -> None:
    assert ask("/healthy").content == b"page"


def test_ready() -> None:
    answer = ask("/health/ready")
    assert answer.status_code == 200
    assert json.loads(answer.content)["checks"]["database"] == "ok"
    assert answer["Cache-Control"] == "no-store"


def _broken() -> None:
    raise OperationalError("host db.internal refused")


@pytest.mark.parametrize(
    ("name", "status"), [("database", 503), ("migrations", 503), ("cache", 200), ("replicas", 200)]
)
def test_what_makes_a_server_unready_and_what_degrades(name: str, status: int) -> None:
    checks.readiness.checks[name] = _broken
    answer = ask("/health/ready")
    assert answer.status_code == status
    assert json.loads(answer.content)["checks"][name] == "OperationalError"
    assert b"db.internal" not in answer.content


def test_which_checks_are_required_can_be_changed() -> None:
    checks.readiness.checks["cache"] = _broken
    with override_settings(DJANGO_SCALE={"HEALTH_REQUIRED": ["cache"]}):
        assert ask("/health/ready").status_code == 503


def test_a_check_that_hangs_is_given_up_and_not_asked_twice() -> None:
    calls, go_on = [], threading.Event()

    def hang() -> None:
        calls.append(1)
        go_on.wait(10)

    checks.readiness.checks = {"database": hang}
    with override_settings(DJANGO_SCALE={"HEALTH_TIMEOUT": 0.2, "HEALTH_CACHE_SECONDS": 0}):
        began = time.monotonic()
        answers = [ask("/health/ready") for _ in range(3)]
        assert time.monotonic() - began < 2
        assert [answer.status_code for answer in answers] == [503] * 3
        assert len(calls) == 1
        go_on.set()
        time.sleep(0.05)
        assert ask("/health/ready").status_code == 200


def test_many_at_once_are_one_run_and_remembered_for_a_second() -> None:
    calls: list[int] = []

    def count() -> None:
        calls.append(1)
        time.sleep(0.1)

    checks.readiness.checks = {"database": count}
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: ask("/health/ready").status_code, range(32)))
    assert answers == [200] * 32
    assert len(calls) == 1
    time.sleep(1.05)
    ask("/health/ready")
    assert len(calls) == 2


def test_a_draining_server_is_live_and_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    told = threading.Event()
    told.set()
    monkeypatch.setattr(draining, "_draining", told)
    assert ask("/health/ready").status_code == 503
    assert ask("/health/live").status_code == 200


def test_async() -> None:
    async def page(_: Any) -> HttpResponse:
        return HttpResponse("page")

    async def serve(path: str) -> Any:
        middleware: Any = HealthMiddleware(page)
        return await middleware(RequestFactory().get(path))

    assert asyncio.run(serve("/health/ready")).status_code == 200
    assert asyncio.run(serve("/health/live")).content == b"ok\n"
    assert asyncio.run(serve("/other")).content == b"page"
