"""Who is started again, and who only waits for one that is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from scale.local.supervisor import Supervisor
from scale.local.system import System
from tests.scale.local.running import until


class Part:
    """A server whose start takes until it is let."""

    running = True

    def __init__(self, name: str) -> None:
        self.folder = Path(name)
        self.well = True
        self.checks = self.starts = 0
        self.let = threading.Event()

    def alive(self) -> bool:
        self.checks += 1
        return self.well

    def kill(self) -> None:
        """Nothing is left of it."""

    def start(self, seconds: float) -> None:
        self.starts += 1
        assert self.let.wait(60)
        self.well = True


@pytest.fixture
def pooler() -> Part:
    return Part("pgbouncer")


@pytest.fixture
def web() -> Part:
    return Part("web-1")


@pytest.fixture
def other() -> Part:
    return Part("web-2")


@pytest.fixture
def supervisor(pooler: Part, web: Part, other: Part) -> Iterator[Supervisor]:
    members = [SimpleNamespace(server=each, state="in service") for each in (web, other)]
    with ThreadPoolExecutor(4) as threads:
        system = SimpleNamespace(fixed=lambda: [pooler], fleet=SimpleNamespace(members=members), threads=threads)
        running = Supervisor(cast("System", system), unhealthy=3, check_seconds=0.0)
        running.start()
        yield running
        running.stop()
        for each in (pooler, web, other):
            each.let.set()


def test_a_server_that_answers_no_more_is_started_again(supervisor: Supervisor, web: Part) -> None:
    web.well = False
    web.let.set()
    until(lambda: [event.text for event in supervisor.events][-1:] == ["web-1 serves again"])
    assert (web.starts, supervisor.restarts) == (1, 1)


def test_one_that_waits_for_a_part_that_is_ill_is_left_alone_until_that_is_well(
    supervisor: Supervisor, pooler: Part, web: Part
) -> None:
    pooler.well = False
    until(lambda: pooler.starts == 1)
    web.well = False
    before = web.checks
    until(lambda: web.checks > before + 2 * supervisor.unhealthy)
    assert web.starts == 0
    pooler.let.set()
    until(lambda: web.starts == 1)
    assert [event.text for event in supervisor.events] == [
        "pgbouncer has not answered 3 checks; it is started again",
        "pgbouncer serves again",
        "web-1 has not answered 3 checks; it is started again",
    ]


def test_one_that_has_another_s_requests_too_is_left_alone_until_that_serves_again(
    supervisor: Supervisor, web: Part, other: Part
) -> None:
    web.well = False
    until(lambda: web.starts == 1)
    other.well = False
    before = other.checks
    until(lambda: other.checks > before + 2 * supervisor.unhealthy)
    assert other.starts == 0
    web.let.set()
    until(lambda: other.starts == 1)
