"""AWS on loopback: moto's server for identities, and a price list of our own, which moto has not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scale.cost.pricelist import PriceList
from tests.scale.operate.conftest import aws, endpoint, identity, no_identity

__all__ = ["aws", "endpoint", "identity", "no_identity"]


@pytest.fixture
def price_list(aws: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[PriceList]:
    """An empty price list at the address to which AWS_ENDPOINT_URL_PRICING leads, and an empty cache folder."""
    with PriceList() as served:
        monkeypatch.setenv("AWS_ENDPOINT_URL_PRICING", served.address)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        yield served
