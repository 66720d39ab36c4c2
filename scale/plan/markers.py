"""Plaintexts that stand for secrets during a plan, so that each can be found again wherever it ends up."""

from __future__ import annotations

import hashlib

_HEAD = "Mk7"
SHORTEST = 12
"""Characters below which a marker could be met by chance."""


def marker(origin: str, length: int = 40) -> str:
    """Return the marker of a secret that comes from `origin`: letters and digits, upper and lower, as many as asked.

    A marker is never shorter than `SHORTEST`, and it is the same in every run.
    """
    digits = hashlib.sha512(origin.encode()).hexdigest()
    return (_HEAD + digits)[: max(length, SHORTEST)].ljust(length, "0")
