"""Servers of the application, and nginx or HAProxy in front of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.render.edge.backend import Backend
from tests.render.edge.fronts import KINDS, Front, Kind, front, upstreams
from tests.render.needs import need

Start = Callable[..., Front]
"""Runs the balancer until the test ends: `start(backends, policy, weights=..., backups=..., **places)`."""


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for a condition; fail where it takes too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    """The balancer."""
    need(request.param)
    return request.param


@pytest.fixture(scope="module")
def backends() -> Iterator[list[Backend]]:
    """Four servers of the application."""
    with ExitStack() as stack:
        yield [stack.enter_context(Backend(f"web{number}")) for number in range(1, 5)]


@pytest.fixture
def web(backends: list[Backend]) -> list[Backend]:
    """The servers, all of them well, with nothing asked so far."""
    for backend in backends:
        backend.broken = backend.ill = backend.held = False
        backend.forget()
    return backends


@pytest.fixture
def start(kind: Kind, folder: Path) -> Iterator[Start]:
    """What starts the balancer."""
    with ExitStack() as stack:

        def run(servers: list[Backend], found: Any = None, **places: Any) -> Front:
            listed = upstreams(servers, places.pop("weights", ()), places.pop("backups", ()))
            return stack.enter_context(front(kind, folder, listed, found, **places))

        yield run
