"""How our own part of a plan grows with what is in a stack: `python -m bench.growth`, or `make bench`.

The settings are bounded as AWS bounds a database (15 replicas) and a replication group (90 nodes), so 10 and 100 times
the replicas, shards and alarms of prod are as many components of prod's own size: 10 and 100 databases with two
replicas and groups of three shards, in one program. Each size is a process of its own, that has imported the SDK and
run the program once before the clock starts. Measured are both passes, the checks and the report, each by itself.
"""

from __future__ import annotations

import argparse
import gc
import io
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.machine import machine
from bench.table import table

ROOT = Path(__file__).parent.parent
SIZES = (1, 10, 100)
PARTS = ("preview", "update", "checks", "report")
_SUBNETS = ("subnet-1", "subnet-2", "subnet-3")
_ZONES = ("eu-west-1a", "eu-west-1b", "eu-west-1c")


def main() -> None:
    """Measure every size and print the table."""
    parser = argparse.ArgumentParser(description="Measure how a plan grows.")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--one", type=int, help="Measure this size in this process and print the figures.")
    options = parser.parse_args()
    os.chdir(ROOT)
    if options.one:
        print(json.dumps(measure(options.one)))
        return
    print(f"{machine()}\nMedian of {options.runs} interleaved runs, seconds of the processor.\n", flush=True)
    taken: dict[int, list[dict[str, float]]] = {size: [] for size in SIZES}
    for _ in range(options.runs):
        for size in SIZES:
            taken[size].append(_in_process(size))
    print(table(("size", "resources", *PARTS, "all", "ms a resource"), [_row(size, taken[size]) for size in SIZES]))


def _in_process(size: int) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.growth", "--one", str(size)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)  # noqa: S603 # its own


def _row(size: int, runs: list[dict[str, float]]) -> list[str]:
    figures = {part: statistics.median(run[part] for run in runs) for part in (*PARTS, "resources")}
    whole = sum(figures[part] for part in PARTS)
    shown = [f"{figures[part]:.2f}" for part in PARTS]
    resources = figures["resources"]
    return [f"{size}x", f"{resources:.0f}", *shown, f"{whole:.2f}", f"{whole / resources * 1000:.2f}"]


def measure(size: int) -> dict[str, float]:
    """Return the seconds of each part, for a program `size` times prod's databases and caches, and its resources."""
    gc.disable()
    from scale.plan import report
    from scale.plan.checks import check
    from scale.plan.findings import ordered
    from scale.plan.plan import Plan
    from scale.plan.program import Passes
    from scale.plan.stackfile import read
    from scale.testing import run

    run(lambda: build(1))
    seconds: dict[str, float] = {}

    def timed(part: str, work: Callable[[], Any]) -> Any:
        started = time.process_time()
        result = work()
        seconds[part] = time.process_time() - started
        return result

    preview = timed("preview", lambda: run(lambda: build(size), "preview"))
    update = timed("update", lambda: run(lambda: build(size), "update"))
    findings = timed("checks", lambda: check(preview, update))
    plan = Plan(Passes(read(ROOT, "prod"), preview, update), tuple(ordered(findings)), None)
    sys.stdout, shown = io.StringIO(), sys.stdout
    timed("report", lambda: report.write(plan, full=True))
    sys.stdout = shown
    return {**seconds, "resources": len(update.resources)}


def build(size: int) -> None:
    """Register `size` times the databases and caches of prod."""
    from components.cache import Cache
    from components.database import Database
    from scale.plan.capacity import settings_of
    from scale.plan.stackfile import read

    settings = settings_of(read(ROOT, "prod"))
    if settings is None:
        raise ValueError("prod's configuration holds no settings of django-scale")
    data, sessions = settings.cache.data, settings.cache.sessions
    for index in range(size):
        Database(
            f"shop-{index}-db",
            settings.database,
            subnet_ids=_SUBNETS,
            security_group_id="sg-database",
            zone_names=_ZONES,
            alarm_topic="arn:aws:sns:eu-west-1:123456789012:alarms",
        )
        for role, group in (("cache", data), ("sessions", sessions)):
            if group is not None:
                Cache(
                    f"shop-{index}-{role}",
                    group,
                    engine=settings.cache.engine,
                    engine_version=settings.cache.engine_version,
                    evicts=role == "cache",
                    subnet_ids=_SUBNETS,
                    security_group_id="sg-cache",
                    alarm_topic="arn:aws:sns:eu-west-1:123456789012:alarms",
                )


if __name__ == "__main__":
    main()
