"""A server process: started, frozen, thawed, killed, ended."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, Self

from scale.local.servers.errors import ServerError
from scale.local.servers.ports import free_port
from scale.local.servers.process_table import processes


def unprivileged_user() -> str | None:
    """Whom to run a server as that refuses root; None when this process is not root."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise ServerError("neither a user postgres nor nobody")


def own(path: Path, user: str | None) -> None:
    """Give a folder to `user`."""
    if user is not None:
        for place in (path, *path.rglob("*")):
            shutil.chown(place, user)


def run_as(user: str | None, command: Sequence[str]) -> list[str]:
    """The command line that runs `command`, as `user` where one is given, until the thread that begins it ends."""
    # setpriv and not a function of ours between fork and exec, which may hang in a process of several threads.
    line = ["setpriv", "--pdeathsig=KILL"]
    if user is not None:
        line += [f"--reuid={user}", f"--regid={pwd.getpwnam(user).pw_gid}", "--clear-groups"]
    return [*line, *command]


class Guard(Protocol):
    """Who ends a server's processes should this process not come to it."""

    def began(self, session: int, *, brief: bool = False) -> None:
        """A server has begun, or a tool, which is `brief`, in a session of its own.

        ServerError where none may begin any more.
        """
        ...

    def ended(self, session: int) -> None:
        """It has ended, with all its processes."""
        ...


TOOL_SECONDS = 120.0
"""The longest that a tool may take, on a slow machine."""


def run_tool(
    command: Sequence[str],
    user: str | None = None,
    env: Mapping[str, str] | None = None,
    guard: Guard | None = None,
) -> str:
    """Run a tool to its end; gives its output. ServerError with its errors when it fails, or takes too long."""
    process = subprocess.Popen(
        run_as(user, command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
        env={**os.environ, **(env or {})},
        start_new_session=True,
    )
    with process:
        try:
            if guard is not None:
                guard.began(process.pid, brief=True)
            output, errors = process.communicate(timeout=TOOL_SECONDS)
        except subprocess.TimeoutExpired:
            raise ServerError(f"{command[0]} takes longer than {TOOL_SECONDS:g} s") from None
        finally:
            process.kill()
            if guard is not None:
                guard.ended(process.pid)
    if process.returncode:
        raise ServerError(f"{command[0]} failed: {errors or output}")
    return output


class Server:
    """A server process. As a context manager it runs inside the block and is ended after it, whatever happens."""

    stop_signal = signal.SIGTERM
    stop_seconds = 10.0

    def __init__(self, folder: Path, port: int | None = None, *, user: str | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.user = user
        self.host = "127.0.0.1"
        self.guard: Guard | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """host:port."""
        return f"{self.host}:{self.port}"

    def command(self) -> list[str]:
        """The command line of the server, in the foreground."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        """Variables of the server beside those it inherits."""
        return {}

    def inherited(self) -> Mapping[str, str]:
        """Variables of this process that the server gets too."""
        return os.environ

    def prepare(self) -> None:
        """Write what the server needs before its first start."""

    def ready(self) -> bool:
        """Whether the server serves."""
        with socket.socket() as probe:
            probe.settimeout(0.5)
            return probe.connect_ex((self.host, self.port)) == 0

    def alive(self) -> bool:
        """Whether the server answers for itself, whatever the state of those it depends on. Takes 5 s at most."""
        return self.ready()

    @property
    def pid(self) -> int:
        """The process identifier; ServerError when it does not run."""
        if self._process is None:
            raise ServerError(f"{self.folder.name} does not run")
        return self._process.pid

    @property
    def session(self) -> int | None:
        """The session of its processes, None before its start and after its end."""
        process = self._process
        return process.pid if process is not None else None

    @property
    def running(self) -> bool:
        """Whether it was started, and has not ended."""
        process = self._process
        return process is not None and process.poll() is None

    def log(self) -> str:
        """The end of what the server has written."""
        path = self.folder / "log"
        return path.read_text(errors="replace")[-3000:] if path.exists() else ""

    def start(self, seconds: float = 20.0) -> Self:
        """Start, and wait until it serves."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "log").exists():
            self.prepare()
        self._forget()
        with (self.folder / "log").open("ab") as log:
            process = self._process = subprocess.Popen(
                run_as(self.user, self.command()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={**self.inherited(), **self.environment()},
                start_new_session=True,
            )
        if self.guard is not None:
            try:
                self.guard.began(process.pid)
            except ServerError:
                self.kill()
                raise
        wait_for(self._serves, seconds, f"{self.folder.name} did not start", self.log)
        return self

    def _serves(self) -> bool:
        if not self.running:
            raise ServerError(f"{self.folder.name} ended at once: {self.log()}")
        return self.ready()

    def freeze(self) -> None:
        """Stop it without ending it: its connections stay, and nothing answers."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal_all(signal.SIGCONT)

    def kill(self) -> None:
        """End it like a power cut."""
        self._signal_all(signal.SIGKILL)
        self._forget()

    def stop(self) -> None:
        """Ask it to end, then insist."""
        process = self._process
        if process is None:
            return
        self._signal_all(signal.SIGCONT)
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(self.stop_signal)
        try:
            process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            self._signal_all(signal.SIGKILL)
        self._forget()

    def _forget(self) -> None:
        """Take note of its end, and end what is left of it: workers whose master was killed go on serving."""
        process = self._process
        if process is None:
            return
        process.wait(10)
        self._signal_all(signal.SIGKILL)
        if self.guard is not None:
            self.guard.ended(process.pid)
        self._process = None

    def _signal_all(self, number: signal.Signals) -> None:
        for pid in self.members():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def members(self) -> list[int]:
        """Its processes: those of its session, and all below them (PostgreSQL makes a session a connection)."""
        process = self._process
        if process is None:
            return []
        known, leader = processes(), process.pid
        found = [pid for pid, each in known.items() if leader in (pid, each.session)]
        for pid in found:
            found += [child for child, each in known.items() if each.parent == pid and child not in found]
        return found

    def __enter__(self) -> Self:
        """Start."""
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()


def wait_for(condition: Callable[[], bool], seconds: float, message: str, detail: Callable[[], str] = str) -> None:
    """Wait until `condition()`; ServerError with `message` when it takes longer than `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            raise ServerError(f"{message} in {seconds} s: {detail()}")
        time.sleep(0.05)
