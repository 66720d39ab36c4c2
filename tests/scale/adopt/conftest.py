"""AWS on loopback, with what a team would have built by hand."""

from __future__ import annotations

import pytest

from tests.scale.adopt.byhand import ByHand
from tests.scale.operate.conftest import aws, endpoint, identity, no_identity

__all__ = ["aws", "endpoint", "identity", "no_identity"]


@pytest.fixture
def built(aws: str) -> ByHand:
    """An environment as the guide's script builds it, with a database, a cache and buckets beside."""
    return ByHand.build()
