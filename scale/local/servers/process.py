"""A server process: started, frozen, thawed, killed, ended."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_given: set[int] = set()


class ServerError(RuntimeError):
    """A server did not start or a tool failed; the message ends with its log."""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens at, below the range of outgoing connections; none is given twice."""
    for port in range(20_000 + os.getpid() % 100 * 100, 32_000):
        if port in _given:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _given.add(port)
            return port
    raise ServerError("no free port")


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
    """The command line that runs `command` as `user`."""
    if user is None:
        return list(command)
    return [
        "setpriv",
        "--pdeathsig=KILL",
        f"--reuid={user}",
        f"--regid={pwd.getpwnam(user).pw_gid}",
        "--clear-groups",
        *command,
    ]


def run_tool(command: Sequence[str], user: str | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run a tool to its end; gives its output. ServerError with its errors when it fails."""
    done = subprocess.run(
        run_as(user, command),
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        timeout=120,
        env={**os.environ, **(env or {})},
    )
    if done.returncode:
        raise ServerError(f"{command[0]} failed: {done.stderr or done.stdout}")
    return done.stdout


def _die_with_parent() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Server:
    """A server process. As a context manager it runs inside the block and is ended after it, whatever happens."""

    stop_signal = signal.SIGTERM
    stop_seconds = 10.0

    def __init__(self, folder: Path, port: int | None = None, *, user: str | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.user = user
        self.host = "127.0.0.1"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """host:port."""
        return f"{self.host}:{self.port}"

    def command(self) -> list[str]:
        """The command line of the server, in the foreground."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        """Variables of the server beside this process's own."""
        return {}

    def prepare(self) -> None:
        """Write what the server needs before its first start."""

    def ready(self) -> bool:
        """Whether the server serves."""
        with socket.socket() as probe:
            probe.settimeout(0.5)
            return probe.connect_ex((self.host, self.port)) == 0

    @property
    def pid(self) -> int:
        """The process identifier; ServerError when it does not run."""
        if self._process is None:
            raise ServerError(f"{self.folder.name} does not run")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it was started, and has not ended."""
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        """The end of what the server has written."""
        path = self.folder / "log"
        return path.read_text(errors="replace")[-3000:] if path.exists() else ""

    def start(self, seconds: float = 20.0) -> Self:
        """Start, and wait until it serves."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "log").exists():
            self.prepare()
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                run_as(self.user, self.command()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={**os.environ, **self.environment()},
                start_new_session=True,
                preexec_fn=_die_with_parent,  # only a system call
            )
        wait_for(self._serves, seconds, f"{self.folder.name} did not start", self.log)
        return self

    def _serves(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
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
        if self._process is None:
            return
        self._signal_all(signal.SIGCONT)
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            self._signal_all(signal.SIGKILL)
        self._forget()

    def _forget(self) -> None:
        if self._process is not None:
            self._process.wait(10)
            self._process = None

    def _signal_all(self, number: signal.Signals) -> None:
        """To the whole session of the server: PostgreSQL is a process a connection, each in a group of its own."""
        for pid in self._members():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _members(self) -> list[int]:
        if self._process is None:
            return []
        found, parents = [self._process.pid], _parents()
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid and child not in found]
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


def _parents() -> dict[int, int]:
    found: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            found[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    return found


def wait_for(condition: Callable[[], bool], seconds: float, message: str, detail: Callable[[], str] = str) -> None:
    """Wait until `condition()`; ServerError with `message` when it takes longer than `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            raise ServerError(f"{message} in {seconds} s: {detail()}")
        time.sleep(0.05)
