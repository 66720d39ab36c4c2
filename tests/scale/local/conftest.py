"""The servers that the tests of `scale local` need, and a system that they share, on one worker."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path as Folder

import pytest

from scale.load.client import Path
from scale.local.asked import EXAMPLE_PATHS
from scale.local.faults import settle
from scale.local.guard import Reaper
from scale.local.project import example
from scale.local.supervisor import Supervisor
from scale.local.system import Shape, System
from tests.model.parsing import parse
from tests.render.needs import need


@pytest.fixture(scope="session")
def programs() -> None:
    """What a system consists of."""
    for name in ("postgres", "pg_basebackup", "pgbouncer", "redis-server", "nginx", "haproxy"):
        need(name)


SETTINGS = parse(
    servers={"min": 1, "max": 3},
    # So few that even a machine with much else to do answers more.
    scaling={"cpu_percent": None, "requests_per_target": 72, "warmup_seconds": 60},
    traffic={"draining_seconds": 5},
    database={"pooling": "pgbouncer", "replicas": [{}]},
    cache={"data": {"shards": 1, "replicas": 0}, "sessions": None},
)


@pytest.fixture(scope="session")
def system(programs: None) -> Iterator[System]:
    """Two application servers behind nginx, PgBouncer, a primary with a replica, and a cache."""
    folder = Folder(tempfile.mkdtemp(prefix="local-system-"))
    shape = Shape(SETTINGS, example(), "nginx", servers=2, workers=1, pooled=True)
    with Reaper(folder, remove=True) as reaper, System(shape, folder, reaper) as running:
        running.start()
        assert settle(running, [Path.parse(path) for path in EXAMPLE_PATHS]).failures == []
        yield running
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def supervisor(system: System) -> Iterator[Supervisor]:
    """What starts its servers again."""
    running = Supervisor(system)
    running.start()
    yield running
    running.stop()
