"""What a user asks of a replay."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Asked:
    """The options that `scale simulate` and `scale tune` share."""

    directory: Path
    stack: str
    trace: Path | None
    slo: str
    peak: float | None
    """Requests a minute to which the trace is scaled."""
    calibration: Path | None
    price: float | None
    """US dollars an instance and hour."""
    seed: int
    as_json: bool
    html: Path | None
