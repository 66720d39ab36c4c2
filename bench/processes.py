"""Measure whole processes: time on the clock, time on the processors, memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

MIB = 2**20

# A user's second plan finds Python's compiled files; a machine that is told to keep none would measure the compiler.
_ENVIRONMENT = {"PYTHONDONTWRITEBYTECODE": ""}


@dataclass(frozen=True)
class Command:
    """A process to run: its arguments, and what it has in its environment besides this one's."""

    arguments: Sequence[str]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Sample:
    """One run of a process with all its children."""

    wall_seconds: float
    cpu_seconds: float
    peak_mib: float
    """Resident memory of the largest process at its largest."""


def measure(command: Command) -> Sample:
    """Run a process to its end. Raises CalledProcessError, with what it wrote on standard error, where it fails."""
    started = time.perf_counter()
    with subprocess.Popen(  # noqa: S603 # the arguments are this benchmark's own
        command.arguments,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, **_ENVIRONMENT, **command.environment},
    ) as process:
        # Read to its end first: a full pipe would hold the process up.
        errors = process.stderr.read() if process.stderr else b""
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command.arguments), stderr=errors)
    # Linux counts ru_maxrss in KiB (getrusage(2)).
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / MIB)


def interleave(
    commands: Mapping[str, Command], runs: int, take: Callable[[Command], Sample] = measure
) -> dict[str, list[Sample]]:
    """Run every command once, unmeasured, and then all of them in turn `runs` times, so that a load meets them all."""
    samples: dict[str, list[Sample]] = {name: [] for name in commands}
    for command in commands.values():
        take(command)
    for _ in range(runs):
        for name, command in commands.items():
            samples[name].append(take(command))
    return samples


def median(samples: Sequence[Sample]) -> Sample:
    """Return the median of each figure by itself."""
    return Sample(
        statistics.median(sample.wall_seconds for sample in samples),
        statistics.median(sample.cpu_seconds for sample in samples),
        statistics.median(sample.peak_mib for sample in samples),
    )


def difference(samples: Sequence[Sample], others: Sequence[Sample]) -> Sample:
    """Return the median of what each run took on top of the other run of its round."""
    return median(
        [
            Sample(
                sample.wall_seconds - other.wall_seconds,
                sample.cpu_seconds - other.cpu_seconds,
                sample.peak_mib - other.peak_mib,
            )
            for sample, other in zip(samples, others, strict=True)
        ]
    )
