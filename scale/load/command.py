"""`scale load`: what it sends and prints, and its exit status."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path as File

from scale.load.arrivals import Arrivals, Replayed, Spacing, Steady
from scale.load.client import Measured, Path, Target, TargetError, drive
from scale.load.report import Outcome, document, text
from scale.local import registry
from scale.simulate.slo import Slo, SloError
from scale.simulate.traces import TraceError, read_trace

CLEAN, FOUND, WRONG, INTERRUPTED = 0, 1, 2, 130
"""The exit status: all answered well; errors or a missed objective; something given is wrong; Ctrl-C."""

DEFAULT_RATE = 10.0


@dataclass(frozen=True)
class Asked:
    """What the user asked for. Times in seconds, `rate` a second, `peak` a minute."""

    target: str
    rate: float | None = None
    seconds: float = 10.0
    trace: File | None = None
    peak: float | None = None
    speed: float = 1.0
    spacing: Spacing = "poisson"
    seed: int = 0
    paths: tuple[str, ...] = ("/",)
    timeout: float = 30.0
    connections: int = 1000
    clients: int = 1
    headers: tuple[str, ...] = ()
    slo: str | None = None
    as_json: bool = False


def run(asked: Asked) -> int:
    """Send, print and return the exit status."""
    try:
        target = target_of(asked)
        arrivals, words = arrivals_of(asked)
        objective = Slo.parse(asked.slo) if asked.slo else None
    except (TargetError, TraceError, SloError) as error:
        print(error, file=sys.stderr)
        return WRONG
    outcome = Outcome(asked.target, words, drive(target, arrivals, _progress()))
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)
    missed = objective is not None and not _met(objective, outcome)
    if asked.as_json:
        extra: dict[str, object] = {} if objective is None else {"objective": str(objective), "met": not missed}
        print(json.dumps({**document(outcome), **extra}, indent=2))
    else:
        print(text(outcome))
        if objective is not None:
            print(f"Objective {objective}: {'missed' if missed else 'met'}.")
    if outcome.measured.interrupted:
        return INTERRUPTED
    return FOUND if outcome.measured.failures or missed else CLEAN


def _met(objective: Slo, outcome: Outcome) -> bool:
    """Return whether enough of the sent requests had a good answer in time."""
    measured = outcome.measured
    late = sum(each > objective.seconds for each in measured.latencies)
    # A failure with a status was answered, perhaps late too: it is one violation.
    failed = sum(
        not (each.kind.startswith("status") and each.seconds > objective.seconds) for each in measured.failures
    )
    total = measured.sent - measured.cut_off
    return late + failed <= total * (1 - objective.level)


def target_of(asked: Asked) -> Target:
    """Return whom to ask. Raises TargetError."""
    headers: dict[str, str] = {}
    for each in asked.headers:
        name, colon, value = each.partition(":")
        if not colon or not name.strip():
            raise TargetError(f"--header: {each!r} is not NAME: VALUE")
        headers[name.strip()] = value.strip()
    url = asked.target
    if "/" not in url:
        running = registry.find(url)
        if running is None:
            raise TargetError(f"{url!r} is neither a URL nor a stack that `scale local` runs here now")
        url = running.url
    return Target(
        url,
        tuple(Path.parse(each) for each in asked.paths),
        timeout_seconds=asked.timeout,
        connections=asked.connections,
        clients=asked.clients,
        headers=headers,
        seed=asked.seed,
    )


def arrivals_of(asked: Asked) -> tuple[Arrivals, str]:
    """Return when requests are to arrive, and that in words. Raises TargetError or TraceError."""
    given = {"--rate": asked.rate, "--duration": asked.seconds, "--peak": asked.peak, "--speed": asked.speed}
    for name, value in given.items():
        if value is not None and not math.isfinite(value):
            raise TargetError(f"{name}: must be a number that ends, is {value}")
    how = f"Poisson arrivals, seed {asked.seed}" if asked.spacing == "poisson" else "even arrivals"
    if asked.trace is None:
        if asked.peak is not None or asked.speed != 1:
            raise TargetError("--peak and --speed are of a --trace")
        rate = asked.rate or DEFAULT_RATE
        return Steady(rate, asked.seconds, asked.spacing, asked.seed), f"{rate:g} requests a second, {how}"
    if asked.rate is not None:
        raise TargetError("--rate and --trace exclude each other; --peak scales a trace")
    trace = read_trace(asked.trace)
    if asked.peak is not None and trace.peak:
        trace = trace.scaled(asked.peak / trace.peak)
    words = f"{trace.name}, {asked.speed:g} times as fast, peak {trace.peak:,.0f} requests a minute, {how}"
    return Replayed(trace, asked.speed, asked.spacing, asked.seed), words


def _progress() -> Callable[[Measured], None] | None:
    """Return what shows a line on a terminal each second; None where there is none."""
    if not sys.stderr.isatty():
        return None

    def show(measured: Measured) -> None:
        line = f"{measured.sent:,} sent, {measured.answered:,} answered, {len(measured.failures):,} errors"
        print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)

    return show
