"""Programs that a test needs."""

from __future__ import annotations

import os

import pytest

from scale.local.servers import MissingBinaryError, find_binary


def need(binary: str) -> None:
    """Skip a test whose server is not installed; where CI is true, fail it."""
    try:
        find_binary(binary)
    except MissingBinaryError as missing:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(str(missing))
        pytest.skip(str(missing))
