"""`scale calibrate`: what it measures, writes and prints, and its exit status."""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path as File

from scale.calibrate import report
from scale.calibrate.measure import FailedError, Row, StoppedError, compare, plant, service_times
from scale.calibrate.servers import Servers, ServersError, find
from scale.load.client import Path, Target, TargetError
from scale.local import registry
from scale.simulate.plant.service import CalibrationError, read_calibration

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130

CLIENTS = 2**16
"""Told apart by X-Forwarded-For, so that no limit on one client is met."""


@dataclass(frozen=True)
class Asked:
    """What the user asked for. `duration` is in seconds."""

    stack: str
    paths: tuple[str, ...] = ("/",)
    requests: int = 400
    check: bool = False
    duration: float = 30.0
    seed: int = 0
    output: File = File("calibration.json")
    as_json: bool = False


def run(asked: Asked) -> int:
    """Measure, write, print and return the exit status."""
    try:
        _check_output(asked.output)
        target, servers = _system(asked)
    except (TargetError, ServersError, CalibrationError) as error:
        print(error, file=sys.stderr)
        return WRONG
    say = _silent if asked.as_json else print
    rows: list[Row] = []
    try:
        service = service_times(target, servers, asked.requests, asked.seed, _source(asked))
        model = plant(service, servers)
        asked.output.write_text(json.dumps(report.file(service.calibration), indent=1) + "\n", encoding="utf-8")
        say(f"{report.measured(service, servers, model)}\n{asked.output} holds it, for `scale simulate --calibration`.")
        if asked.check:
            say(f"\n{report.HEADER}\n{report.BELOW}")
            for row in compare(target, servers, model, asked.duration, asked.seed):
                rows.append(row)
                say(report.line(row))
            say(report.agreement(rows))
    except (FailedError, ServersError) as error:
        print(error, file=sys.stderr)
        return FAILED
    except StoppedError:
        return INTERRUPTED
    if asked.as_json:
        print(json.dumps(report.document(service, servers, model, rows), indent=2))
    return DONE


def _system(asked: Asked) -> tuple[Target, Servers]:
    """Return the running system's address and its servers. Raises TargetError or ServersError."""
    running = registry.find(asked.stack)
    if running is None:
        raise TargetError(f"`scale local` does not run {asked.stack!r} here now: start it first")
    paths = tuple(Path.parse(each) for each in asked.paths)
    return Target(running.url, paths, clients=CLIENTS), find(File(running.folder))


def _check_output(path: File) -> None:
    """Refuse to replace a file that is no calibration."""
    if path.exists():
        try:
            read_calibration(path)
        except CalibrationError as error:
            raise CalibrationError(f"--output: is there already, and is no calibration: {error}") from error
    elif not path.parent.is_dir():
        raise CalibrationError(f"--output: {path.parent} is not a folder")


def _source(asked: Asked) -> str:
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    return f"scale local {asked.stack} on {platform.machine()}, {' '.join(asked.paths)}, {when}"


def _silent(_: str) -> None:
    pass
