"""Servers of the application, and nginx or HAProxy in front of them."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from scale.local.servers import MissingBinaryError, find_binary
from scale.local.servers.process import run_tool
from tests.render.edge.backend import Backend
from tests.render.edge.fronts import KINDS, Front, Kind, front, upstreams

Start = Callable[..., Front]
"""Runs the balancer until the test ends: `start(backends, policy, weights=..., backups=..., **places)`."""


def need(binary: str) -> None:
    """Skip a test whose server is not installed; where CI is true, fail it."""
    try:
        find_binary(binary)
    except MissingBinaryError as missing:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(str(missing))
        pytest.skip(str(missing))


def until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
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


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Where they keep their files; nginx's workers are another user than root, and must reach it."""
    made = Path(tempfile.mkdtemp(prefix="django-scale-edge-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def backends() -> Iterator[list[Backend]]:
    """Four servers of the application."""
    with ExitStack() as stack:
        yield [stack.enter_context(Backend(f"web{number}")) for number in range(1, 5)]


@pytest.fixture
def web(backends: list[Backend]) -> list[Backend]:
    """The servers, all of them well, with nothing asked so far."""
    for backend in backends:
        backend.broken, backend.delay = False, 0.0
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


@pytest.fixture(scope="session")
def certificate(folder: Path) -> str:
    """A certificate for localhost, its key in the same file."""
    need("openssl")
    path = folder / "localhost.pem"
    run_tool(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", str(folder / "key.pem"), "-out", str(path)),
        ]
    )
    path.write_bytes(path.read_bytes() + (folder / "key.pem").read_bytes())
    return str(path)
