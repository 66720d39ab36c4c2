"""The processes of this machine, as proc(5) shows them."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A process as the kernel shows it: who began it, its session, and the processor time that it has used, in
    seconds."""

    parent: int
    session: int
    processor_seconds: float


_TICK = os.sysconf("SC_CLK_TCK")


def processes() -> dict[int, Process]:
    """Every process of the machine that has not ended, by its identifier."""
    found: dict[int, Process] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            # proc(5): state, ppid, pgrp, session are fields 3 to 6, utime and stime 14 and 15.
            fields = stat.read_text().rpartition(")")[2].split()
            if fields[0] not in "ZX":
                seconds = (int(fields[11]) + int(fields[12])) / _TICK
                found[int(stat.parent.name)] = Process(int(fields[1]), int(fields[3]), seconds)
    return found
