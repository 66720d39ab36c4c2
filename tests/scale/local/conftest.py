"""The servers that the tests of `scale local` need, and one worker for all of these tests: they share a system."""

from __future__ import annotations

import pytest

from tests.render.needs import need

HERE = "tests/scale/local/"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Two cores carry one system at a time."""
    for item in items:
        if item.nodeid.startswith(HERE):
            item.add_marker(pytest.mark.xdist_group("local"))


@pytest.fixture(scope="session")
def programs() -> None:
    """What a system consists of."""
    for name in ("postgres", "pg_basebackup", "pgbouncer", "redis-server", "nginx", "haproxy"):
        need(name)
