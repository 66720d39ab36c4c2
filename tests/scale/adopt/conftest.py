"""AWS on loopback, with what a team would have built by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from tests.scale.adopt.byhand import ByHand
from tests.scale.operate.conftest import aws, endpoint, identity, no_identity


def identify(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Set credentials that moto accepts, and none beside them."""
    for variable in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION"):
        patch.delenv(variable, raising=False)
    patch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "an-example-and-no-key")
    patch.setenv("AWS_CONFIG_FILE", str(folder))
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder))


__all__ = ["aws", "endpoint", "identity", "no_identity"]


@pytest.fixture
def empty(aws: str) -> None:
    """An account in which nobody has built anything."""
    requests.post(f"{aws}/moto-api/reset", timeout=10).raise_for_status()


@pytest.fixture
def built(empty: None) -> ByHand:
    """An environment as the guide's script builds it, with a database, a cache and buckets beside."""
    return ByHand.build()
