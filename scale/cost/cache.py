"""Prices that were asked for, kept in a file of the user's cache folder, by region."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from scale.cost.prices import Price, Rate

KEPT = timedelta(days=7)
"""How long a price is taken without asking again: AWS publishes most lists a few times a month."""


@dataclass
class Cache:
    """Prices by rate, with the time of each; None for a rate that the list does not have."""

    path: Path
    entries: dict[Rate, tuple[datetime, Price | None]] = field(
        default_factory=dict[Rate, "tuple[datetime, Price | None]"]
    )

    def fresh(self, rate: Rate, now: datetime) -> bool:
        """Return whether a rate was asked for, at most `KEPT` ago."""
        entry = self.entries.get(rate)
        return entry is not None and timedelta() <= now - entry[0] <= KEPT

    def price(self, rate: Rate) -> Price | None:
        """Return the price that was found, whenever that was."""
        entry = self.entries.get(rate)
        return entry[1] if entry else None

    def put(self, rate: Rate, price: Price | None, now: datetime) -> None:
        """Note an answer."""
        self.entries[rate] = (now, price)

    def write(self) -> None:
        """Write the file, whole or not at all. Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        data = [
            {
                "kind": rate.kind,
                "subject": rate.subject,
                "asked": asked.isoformat(),
                "price": price.document() if price else None,
            }
            for rate, (asked, price) in sorted(self.entries.items())
        ]
        partial = self.path.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps({"prices": data}, indent=1), encoding="utf-8")
        partial.replace(self.path)


def folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the project's folder in the user's cache folder."""
    if "XDG_CACHE_HOME" in environment:
        return Path(environment["XDG_CACHE_HOME"]) / "django-scale"
    home = Path(environment.get("HOME", "~")).expanduser()
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "django-scale"


def read(path: Path) -> Cache:
    """Return what a file keeps; nothing for a file that is missing, or is not one of ours."""
    cache = Cache(path)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        for entry in cast("list[dict[str, Any]]", data["prices"]):
            price = Price.read(entry["price"]) if entry["price"] is not None else None
            asked = datetime.fromisoformat(entry["asked"])
            cache.entries[Rate(entry["kind"], entry["subject"])] = (asked.astimezone(UTC), price)
    except FileNotFoundError:
        return cache
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Cache(path)
    return cache
