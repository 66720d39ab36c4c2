"""What holds for every test: how long one takes says nothing, and those that share servers share a process."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")

SHARING = ("tests/runtime/", "tests/scale/local/", "tests/scale/operate/", "tests/scale/adopt/")
"""Folders whose tests have servers, or a system, that are started once for all of them."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of each such folder in one of several processes, and spread all others.

    xdist's own groups do nothing under pytest 9.2, whose items have no `_nodeid` for xdist 3.8 to change.
    """
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[reportMissingTypeStubs]

    class ByFolder(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next((folder for folder in SHARING if nodeid.startswith(folder)), nodeid)

    return ByFolder(config, log) if config.getoption("dist") == "loadscope" else None
