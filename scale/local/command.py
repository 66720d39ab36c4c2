"""`scale local`: what it starts and shows, how it ends, and its exit status."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
import time
from collections.abc import Generator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import FrameType
from typing import Any, TextIO, cast

import psycopg
import redis
from rich.console import Console
from rich.live import Live

from model.errors import SettingsError
from scale.load.client import Path as RequestPath
from scale.local import faults, live, registry
from scale.local.asked import Asked, folder_of, paths_of, shape_of
from scale.local.guard import Reaper
from scale.local.observer import Observer
from scale.local.page import Page
from scale.local.project import ProjectError
from scale.local.scaler import Clock, Scaler
from scale.local.servers import MissingBinaryError
from scale.local.servers.process import ServerError
from scale.local.supervisor import Supervisor
from scale.local.system import System
from scale.plan.stackfile import ProgramError
from scale.simulate.controllers.scheduled import Bounds

ENDED, FAILED, WRONG = 0, 1, 2
"""The exit status: ended as asked; a part did not start, or a request failed for no known reason; something given is
wrong or missing."""

LINE_SECONDS = 10.0
"""Between two lines where there is no terminal."""


@dataclass
class _Signals:
    """What signals have asked for. Their handlers do nothing but say so here: an exception that a handler raises may
    come while a lock is taken, and be lost with the lock held."""

    end: bool = False
    deploy: bool = False


class _Output:
    """Standard output. Where nobody reads it any more, as after a terminal is closed, that asks for the end."""

    def __init__(self, stream: TextIO, signals: _Signals) -> None:
        self._stream, self._signals = stream, signals

    def write(self, text: str) -> int:
        """Write, as long as somebody reads."""
        try:
            return self._stream.write(text)
        except OSError:
            self._lost()
            return len(text)

    def flush(self) -> None:
        """Hand over what was written."""
        try:
            self._stream.flush()
        except OSError:
            self._lost()

    def _lost(self) -> None:
        self._signals.end = True
        # What is still in the buffer would fail once more at the very end.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        """Be the stream in all else."""
        return getattr(self._stream, name)


def run(asked: Asked) -> int:
    """Run the system until it is to end; return the exit status."""
    try:
        shape = shape_of(asked)
        paths = paths_of(asked)
        shape.check()
        folder, remove = folder_of(asked, shape)
    except (ProgramError, SettingsError, ProjectError, MissingBinaryError) as error:
        print(error, file=sys.stderr)
        return WRONG
    signals, unexpected = _Signals(), False
    console = Console(file=cast("TextIO", _Output(sys.stdout, signals)))
    with _handling(signals), Reaper(folder, remove=remove) as reaper:
        try:
            with System(shape, folder, reaper) as system:
                starting = system.threads.submit(system.start, partial(_say, console))
                if _wait_for(starting, signals):
                    unexpected = _serve(asked, system, console, signals, paths)
        except (ServerError, psycopg.Error, redis.RedisError, OSError) as error:
            reaper.keep()
            print(f"{error}\nWhat the servers have written is in {folder}.", file=sys.stderr)
            return FAILED
    console.print("Ended.", style="dim")
    return FAILED if unexpected else ENDED


def _say(console: Console, text: str) -> None:
    console.print(f"Starting {text} ...", style="dim", highlight=False)


def _wait_for(work: Future[Any], signals: _Signals) -> bool:
    """Return whether work was done, with its error raised; false where a signal asks for the end before."""
    while not work.done():
        if signals.end:
            return False
        time.sleep(0.05)
    work.result()
    return True


@contextmanager
def _handling(asked: _Signals) -> Generator[None]:
    """Let SIGINT, SIGTERM and SIGHUP ask for the end, and SIGUSR1 for a deployment. nohup's wish is kept."""

    def end(number: int, frame: FrameType | None) -> None:
        asked.end = True

    def deploy(number: int, frame: FrameType | None) -> None:
        asked.deploy = True

    ends = [signal.SIGINT, signal.SIGTERM]
    ends += [signal.SIGHUP] if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN else []
    before = {each: signal.signal(each, end) for each in ends}
    before[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, deploy)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _serve(asked: Asked, system: System, console: Console, signals: _Signals, paths: Sequence[RequestPath]) -> bool:
    """Watch, scale and show until a signal, or for as long as was asked, or try the faults.

    Return whether requests failed for no known reason.
    """
    check = system.shape.settings.traffic.health_check
    supervisor = Supervisor(system, unhealthy=check.unhealthy, timeout_seconds=min(5.0, float(check.timeout_seconds)))
    # A minute's values need several looks, or one would have two looks' requests and the next one none.
    period = min(1.0, asked.minute_seconds / 4) if asked.scale else 1.0
    observer = Observer(system, supervisor, period_seconds=period)
    about = _about(asked, system)
    page = Page(observer, f"{asked.stack} on this machine", about)
    scaler = _scaler(asked, system, observer, supervisor) if asked.scale else None
    entry = registry.Running(asked.stack, system.url, page.url, os.getpid(), str(system.folder))
    parts = [part for part in (supervisor, observer, scaler, page) if part is not None]
    begun: list[Supervisor | Observer | Scaler | Page] = []
    try:
        for part in parts:
            part.start()
            begun.append(part)
        registry.enter(entry)
        console.print(
            f"{asked.stack} is at {system.url}", f"its page at {page.url}", sep=", ", highlight=False, soft_wrap=True
        )
        for text in about:
            console.print(text, highlight=False, markup=False, soft_wrap=True)
        if asked.faults:
            trying = system.threads.submit(_try_faults, asked, supervisor, console, paths)
            return trying.result() if _wait_for(trying, signals) else False
        deadline = time.monotonic() + asked.seconds if asked.seconds is not None else float("inf")
        _show(f"{asked.stack} at {system.url}, page {page.url}", observer, console, signals, deadline)
    finally:
        registry.leave(entry)
        for part in reversed(begun):
            part.stop()
    return False


def _try_faults(asked: Asked, supervisor: Supervisor, console: Console, paths: Sequence[RequestPath]) -> bool:
    """Let one fault after another happen and print what each did; return whether requests failed for no reason."""
    system = supervisor.system
    out = partial(console.print, highlight=False, soft_wrap=True, markup=False)
    if first := faults.settle(system, paths).failures:
        raise ServerError(f"before any fault, requests fail: {first[0].path} with {first[0].kind}")
    out(f"\n{asked.rate:g} requests a second, by {system.shape.balancer}:\n\n{faults.head()}")
    reasons: list[str] = []
    unexpected = False
    for fault in faults.faults_of(system):
        began = datetime.now().astimezone()
        with console.status(fault.name):
            row = faults.run(system, fault, rate=asked.rate, paths=paths)
        if row.failures and fault.reason is not None and fault.reason not in reasons:
            reasons.append(fault.reason)
        out(faults.line(row, reasons.index(fault.reason) + 1 if fault.reason in reasons else None))
        if row.unexpected:
            unexpected = True
            # A machine that is too busy for the rate has its servers found ill: that is seen here.
            for event in [each for each in supervisor.events if each.at >= began]:
                out(f"  {event.at:%H:%M:%S}  {event.text}")
    for number, reason in enumerate(reasons, start=1):
        out("\n" + textwrap.fill(f"({number}) {reason}", 110, subsequent_indent="    "))
    return unexpected


def _scaler(asked: Asked, system: System, observer: Observer, supervisor: Supervisor) -> Scaler:
    servers = system.shape.settings.servers
    begin = system.shape.servers
    bounds = Bounds(min(servers.min, begin), max(begin, min(servers.max, asked.most)), begin)
    return Scaler(system, observer, supervisor, clock=Clock(asked.minute_seconds), bounds=bounds, cores=_cores(asked))


def _cores(asked: Asked) -> float:
    """Return the cores that count as a server's: all servers together have the machine."""
    return (os.cpu_count() or 1) / asked.most


def _about(asked: Asked, system: System) -> list[str]:
    """Return what is to be known of this run, in sentences."""
    shape = system.shape
    found = [
        f"{system.folder} holds its files. Ctrl-C ends it; `kill -USR1 {os.getpid()}` deploys the code anew.",
        "\n  ".join(["Other than in the cloud:", *system.local.differences]),
    ]
    if asked.scale:
        policy = shape.settings.scaling
        by = [f"CPU {policy.cpu_percent} % of {_cores(asked):.2g} cores"] if policy.cpu_percent else []
        by += [f"{policy.requests_per_target} requests a minute and server"] if policy.requests_per_target else []
        found.append(
            f"Scaling to {asked.most} servers at most by {', '.join([*by, *policy.step_policies()])}. "
            f"A simulated minute takes {asked.minute_seconds:g} s; rates are real ones. "
            "Scheduled and predictive scaling are not run."
        )
    return found


def _show(title: str, observer: Observer, console: Console, signals: _Signals, deadline: float) -> None:
    """Show what happens until a signal asks for the end, or until `deadline` (monotonic)."""
    printed, told, drawn = 0.0, 0, None
    with Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else _nothing() as drawing:
        while not signals.end and time.monotonic() < deadline:
            with observer.changed:
                observer.changed.wait(0.2)
            if signals.deploy:
                signals.deploy = False
                observer.system.threads.submit(_deploy, observer)
            events, latest = observer.events, observer.latest
            if drawing is not None:
                if latest is not drawn:
                    drawing.update(live.view(title, latest, events), refresh=True)
                drawn = latest
                continue
            for event in events[told:]:
                console.print(f"{event.at:%H:%M:%S}  {event.text}", highlight=False, soft_wrap=True)
            told = len(events)
            if latest is not None and time.monotonic() - printed >= LINE_SECONDS:
                printed = time.monotonic()
                console.print(live.line(latest), highlight=False, soft_wrap=True)


def _deploy(observer: Observer) -> None:
    observer.supervisor.say("deploying")
    try:
        observer.system.deploy()
        observer.supervisor.say("deployed")
    except ServerError as error:
        observer.supervisor.say(f"the deployment has failed: {str(error).splitlines()[0]}")


@contextmanager
def _nothing() -> Generator[None]:
    yield None
