"""Positions in PostgreSQL's write-ahead log, and the token that carries one from request to request."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.core.signing import BadSignature, Signer

CURRENT_LSN = "SELECT pg_current_wal_insert_lsn()::text"


def parse_lsn(text: str) -> int:
    """Bytes since the start of the log, from PostgreSQL's `16/B374D848`. ValueError when it is none."""
    high, slash, low = text.partition("/")
    if not slash:
        raise ValueError(f"{text!r} is no LSN")
    return (int(high, 16) << 32) + int(low, 16)


@dataclass(frozen=True)
class Token:
    """What a session has written: up to `lsn`, or, where LSNs cannot be had, pinned until `until` (Unix seconds)."""

    lsn: int = 0
    until: float = 0.0

    def sign(self) -> str:
        """The token for a cookie: a client that could forge one could send all its reads to the primary."""
        return _signer().sign(f"{self.lsn:x}.{int(self.until)}")

    @classmethod
    def read(cls, signed: str) -> Token | None:
        """The token of a cookie, or None when it is missing or not ours."""
        try:
            lsn, _, until = _signer().unsign(signed).partition(".")
            return cls(int(lsn, 16), float(until))
        except (BadSignature, ValueError):
            return None

    def merge(self, other: Token | None) -> Token:
        """The later of both."""
        return self if other is None else Token(max(self.lsn, other.lsn), max(self.until, other.until))

    @property
    def pinned(self) -> bool:
        """True while reads must go to the primary whatever the replicas have replayed."""
        return self.until > time.time()


def _signer() -> Signer:
    return Signer(salt="django_scale.db")
