"""The process that outlives `scale local` by the moment it takes to end what it has started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Self

from scale.local import reaper
from scale.local.servers.process import ServerError


class Reaper:
    """Starts the reaper and tells it which sessions run. As a context manager it sweeps at the end of the block.

    Where `remove`, the folder is deleted at the end, unless `keep` is called.
    """

    def __init__(self, folder: Path, *, remove: bool) -> None:
        self._folder = folder
        self._sessions: set[int] = set()
        self._tools: set[int] = set()
        self._lock = threading.Lock()
        self.refusing = False
        options = ["--remove"] if remove else []
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", reaper.__file__, str(folder), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            # Out of the terminal's reach: Ctrl-C goes to a whole foreground group.
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The reaper's process."""
        return self._process.pid

    def began(self, session: int, *, brief: bool = False) -> None:
        """A server has begun, or a tool, which is `brief`, in a session of its own.

        ServerError after `refuse`: what has begun is to be ended.
        """
        with self._lock:
            (self._tools if brief else self._sessions).add(session)
        self._tell(f"+{session}")
        if self.refusing:
            raise ServerError("the system is ending")

    def refuse(self) -> None:
        """Let nothing begin any more, and end the tools that run."""
        self.refusing = True
        with self._lock:
            tools = set(self._tools)
        for tool in tools:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(tool, signal.SIGKILL)

    def ended(self, session: int) -> None:
        """It has ended, with all its processes."""
        with self._lock:
            self._tools.discard(session)
            self._sessions.discard(session)
        self._tell(f"-{session}")

    def keep(self) -> None:
        """Let the folder stay."""
        self._tell("keep")

    def _tell(self, line: str) -> None:
        pipe = self._process.stdin
        with self._lock, contextlib.suppress(BrokenPipeError, ValueError):
            if pipe is not None:
                pipe.write(f"{line}\n".encode())
                pipe.flush()

    def close(self) -> None:
        """Let it sweep. Should it have been killed, this process does."""
        with contextlib.suppress(BrokenPipeError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        if self._process.wait() != 0:
            reaper.sweep(self._folder, self._sessions | self._tools)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Sweep."""
        self.close()
