"""`scale local`: what it starts and shows, how it ends, and its exit status."""

from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import cast, get_args

import psycopg
import redis
from rich.console import Console
from rich.live import Live

from model.errors import SettingsError
from model.settings import Settings
from scale.local import live, registry
from scale.local.guard import Reaper
from scale.local.observer import Observer
from scale.local.page import Page
from scale.local.project import ProjectError, example, project_in
from scale.local.scaler import Clock, Scaler
from scale.local.servers import MissingBinaryError
from scale.local.servers.process import ServerError
from scale.local.supervisor import Supervisor
from scale.local.system import BalancerName, Shape, System
from scale.plan.stackfile import ProgramError
from scale.simulate import stacks
from scale.simulate.controllers.scheduled import Bounds

ENDED, FAILED, WRONG = 0, 1, 2
"""The exit status: ended as asked; a part did not start; something given is wrong or missing."""

LINE_SECONDS = 10.0
"""Between two lines where there is no terminal."""


@dataclass(frozen=True)
class Asked:
    """What the user asked for."""

    stack: str
    directory: Path = Path()
    servers: int | None = None
    most: int = 4
    workers: int = 2
    balancer: str | None = None
    pgbouncer: bool | None = None
    scale: bool = False
    minute_seconds: float = 60.0
    port: int | None = None
    folder: Path | None = None
    project: Path | None = None
    wsgi: str | None = None
    fill: tuple[str, ...] = ()
    python: str | None = None
    seconds: float | None = None


class _Ended(Exception):  # noqa: N818 - it is no error
    """A signal asks for the end."""


def run(asked: Asked) -> int:
    """Run the system until it is to end; return the exit status."""
    try:
        shape = shape_of(asked)
        shape.check()
        folder, remove = _folder(asked)
    except (ProgramError, SettingsError, ProjectError, MissingBinaryError) as error:
        print(error, file=sys.stderr)
        return WRONG
    console = Console()
    try:
        with _signals() as deploys, Reaper(folder, remove=remove) as reaper:
            try:
                with System(shape, folder, reaper) as system:
                    system.start(lambda text: console.print(f"Starting {text} ...", style="dim", highlight=False))
                    _serve(asked, system, console, deploys)
            except (ServerError, psycopg.Error, redis.RedisError, OSError) as error:
                reaper.keep()
                print(f"{error}\nWhat the servers have written is in {folder}.", file=sys.stderr)
                return FAILED
    except _Ended:
        pass
    console.print("Ended.", style="dim")
    return ENDED


def shape_of(asked: Asked) -> Shape:
    """Return what of the stack is to run. Raises ProgramError, SettingsError or ProjectError."""
    settings = stacks.load(asked.directory, asked.stack)
    if asked.balancer is not None and asked.balancer not in get_args(BalancerName):
        raise ProjectError(f"--balancer: must be nginx or haproxy, is {asked.balancer!r}")
    if asked.scale and not settings.compute.servers:
        raise ProjectError("--scale: it runs the policies of the EC2 fleet, and compute.servers is false in this stack")
    _check_port(asked.port)
    by_policy = "haproxy" if settings.traffic.balancer == "haproxy" else "nginx"
    return Shape(
        settings,
        example() if asked.project is None else project_in(asked.project, asked.wsgi, asked.fill, asked.python),
        cast("BalancerName", asked.balancer or by_policy),
        servers=asked.servers or min(_least(settings), asked.most),
        workers=min(settings.application.workers, asked.workers),
        pooled=settings.database.pooling == "pgbouncer" if asked.pgbouncer is None else asked.pgbouncer,
        port=asked.port,
    )


def _least(settings: Settings) -> int:
    """Return how many servers, or pods where there are none, the stack has at least: one of them here in any case."""
    kubernetes = settings.compute.kubernetes
    pods = kubernetes.web.min if kubernetes is not None and not settings.compute.servers else settings.servers.min
    return max(1, pods)


def _folder(asked: Asked) -> tuple[Path, bool]:
    """Return the system's folder, and whether it is removed at the end. Raises ProjectError."""
    try:
        if asked.folder is None:
            return Path(tempfile.mkdtemp(prefix="scale-local-")), True
        asked.folder.mkdir(parents=True, exist_ok=True)
        if any(asked.folder.iterdir()):
            # What another system works in, or what a run before has left to be read.
            raise ProjectError(f"--folder: must be a new or an empty folder, {asked.folder} has files in it")
    except OSError as error:
        raise ProjectError(f"--folder: {error}") from error
    return asked.folder.resolve(), False


def _check_port(port: int | None) -> None:
    """Raise ProjectError where the balancer could not listen."""
    if port is None:
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ProjectError(f"--port: 127.0.0.1:{port}: {error.strerror}") from error


@contextmanager
def _signals() -> Generator[threading.Event]:
    """Turn SIGINT, SIGTERM and SIGHUP into _Ended, once; SIGUSR1 sets the event that is given."""
    deploys = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        # While it ends, a second signal changes nothing: what has begun to stop is waited for.
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        raise _Ended

    before = {each: signal.signal(each, end) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    before[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, lambda number, frame: deploys.set())
    try:
        yield deploys
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _serve(asked: Asked, system: System, console: Console, deploys: threading.Event) -> None:
    """Watch, scale and show until a signal, or for as long as was asked."""
    check = system.shape.settings.traffic.health_check
    supervisor = Supervisor(system, unhealthy=check.unhealthy, timeout_seconds=min(5.0, float(check.timeout_seconds)))
    observer = Observer(system, supervisor)
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
            console.print(text, highlight=False, soft_wrap=True)
        deadline = time.monotonic() + asked.seconds if asked.seconds is not None else float("inf")
        _show(f"{asked.stack} at {system.url}, page {page.url}", observer, console, deploys, deadline)
    finally:
        registry.leave(entry)
        for part in reversed(begun):
            part.stop()


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
        "Other than in the cloud:",
        *(f"  {each}" for each in system.local.differences),
    ]
    if asked.scale:
        policy = shape.settings.scaling
        by = [f"CPU {policy.cpu_percent} % of {_cores(asked):.2g} cores"] if policy.cpu_percent else []
        by += [f"{policy.requests_per_target} requests a minute and server"] if policy.requests_per_target else []
        found.append(
            f"Scaling to {asked.most} servers at most by {', '.join([*by, *policy.step_policies()])}. "
            f"A simulated minute is {asked.minute_seconds:g} seconds; rates are real ones. "
            "Scheduled and predictive scaling are not run."
        )
    return found


def _show(title: str, observer: Observer, console: Console, deploys: threading.Event, deadline: float) -> None:
    """Show what happens until a signal raises, or until `deadline` (monotonic)."""
    printed, told = 0.0, 0
    with Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else _nothing() as drawing:
        while time.monotonic() < deadline:
            with observer.changed:
                observer.changed.wait(1.0)
            if deploys.is_set():
                deploys.clear()
                observer.system.threads.submit(_deploy, observer)
            events, latest = observer.events, observer.latest
            if drawing is not None:
                drawing.update(live.view(title, latest, events), refresh=True)
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
