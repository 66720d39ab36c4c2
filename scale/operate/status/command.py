"""`scale status`: what it prints, once or again and again, and its exit status."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import FrameType

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from scale.operate.asking import finder as find
from scale.operate.find import Finder
from scale.operate.status import cluster, data, fleet, traffic
from scale.operate.status.screen import render
from scale.operate.status.section import Reader, Section, read_all

WIDTH = 120
"""Columns of a screen that is not a terminal's."""


@dataclass(frozen=True)
class Request:
    """What the user asked for; `every` is the pause between two screens, `seconds` the time limit of one."""

    stack: str
    directory: Path
    outputs: Path | None = None
    as_json: bool = False
    watch: bool = False
    every: float = 10.0
    seconds: float = 30.0


def run(request: Request) -> int:
    """Print the status. The exit status is 0 whatever it says: `scale verify` is what judges."""
    stack, finder = find(request.directory, request.stack, request.outputs)
    head = f"{stack.settings.prefix} in {finder.account.region}, account {finder.account.id}"
    if request.as_json:
        _print_json(finder, request)
        return 0
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    if not request.watch:
        console.print(render(head, read(finder, request.seconds), datetime.now(UTC)))
        return 0
    _watch(finder, head, console, request)
    return 0


def _watch(finder: Finder, head: str, console: Console, request: Request) -> None:
    """Show the status again and again until Ctrl-C."""
    # A flag and no KeyboardInterrupt, which is lost where it meets a finalizer.
    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    before = signal.signal(signal.SIGINT, end)
    try:
        with _showing(console) as show:
            show(Text(f"{head}  being read"))
            while not ended.is_set():
                # A finder remembers what it found: a group that was built since must be found too.
                fresh = Finder(finder.account, finder.settings, finder.outputs)
                reading: Future[list[Section]] = Future()
                threading.Thread(target=_fulfil, args=(reading, fresh, request.seconds), daemon=True).start()
                while not reading.done() and not ended.wait(0.05):
                    pass
                if reading.done():
                    show(render(head, reading.result(), datetime.now(UTC)))
                    ended.wait(request.every)
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _showing(console: Console) -> Generator[Callable[[RenderableType], None]]:
    """Give what shows a screen: in place of the last one on a terminal, below it in a file or a pipe."""
    if not console.is_terminal:
        yield console.print
        return
    with Live(console=console, screen=True, auto_refresh=False) as live:
        yield partial(live.update, refresh=True)


def _fulfil(reading: Future[list[Section]], finder: Finder, seconds: float) -> None:
    try:
        reading.set_result(read(finder, seconds))
    except BaseException as error:  # noqa: BLE001 # raised where the result is asked for
        reading.set_exception(error)


def read(finder: Finder, seconds: float) -> list[Section]:
    """Return all sections, read at once, in the order of the screen."""
    return read_all(readers(finder), seconds)


def readers(finder: Finder) -> Mapping[str, Reader]:
    """Return what reads each section, by title."""
    functions = {
        "servers": fleet.servers,
        "scaling activities": fleet.activities,
        "targets": traffic.targets,
        "alarms": traffic.alarms,
        "database": data.databases,
        "cache": data.caches,
        "kubernetes": cluster.workloads,
    }
    return {title: partial(function, finder) for title, function in functions.items()}


def _print_json(finder: Finder, request: Request) -> None:
    sections = read(finder, request.seconds)
    document = {
        "stack": request.stack,
        "environment": finder.settings.prefix,
        "account": finder.account.id,
        "region": finder.account.region,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "sections": {section.title: section.document() for section in sections},
    }
    json.dump(document, sys.stdout, indent=2)
    sys.stdout.write("\n")
