"""`scale local` as its user runs it, in a process of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scale.local.servers.process_table import processes
from tests.scale.projects import ROOT

COMMAND = (sys.executable, "-c", "from scale.cli import main; main()", "local")


def until(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    """Wait for a condition; fail where it takes too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


def below(pid: int) -> set[int]:
    """Return the processes that a process has begun, and those that these have, whatever session they are in."""
    known, found = processes(), {pid}
    while more := {each for each, process in known.items() if process.parent in found} - found:
        found |= more
    return found - {pid}


def alive(pids: set[int]) -> set[int]:
    """Return those that have not ended."""
    return pids & set(processes())


@dataclass
class Command:
    """The command, its standard output, and the folder in which it makes its temporary ones."""

    process: subprocess.Popen[str]
    temporary: Path
    printed: Path

    @property
    def output(self) -> str:
        """What it has printed so far, to either stream."""
        return self.printed.read_text(encoding="utf-8")

    def address(self, pattern: str = r" is at (http://\S+),") -> str:
        """Return the address that it prints once all runs."""
        until(lambda: self.process.poll() is not None or re.search(pattern, self.output) is not None)
        found = re.search(pattern, self.output)
        assert found is not None, self.output
        return found[1]

    def end(self, number: signal.Signals) -> int:
        """Send a signal; return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(120)


@contextmanager
def temporary_folder() -> Generator[Path]:
    """A folder for temporary ones, which other users may enter."""
    made = Path(tempfile.mkdtemp(prefix="local-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@contextmanager
def scale_local(*arguments: str) -> Generator[Command]:
    """Run `scale local`; kill it at the end of the block, should it still run."""
    command = [*COMMAND, *arguments]
    with temporary_folder() as temporary:
        printed = temporary / "printed"
        environment = {**os.environ, "TMPDIR": str(temporary)}
        with (
            printed.open("w", encoding="utf-8") as output,
            subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output, text=True) as process,
        ):
            try:
                yield Command(process, temporary, printed)
            finally:
                if process.poll() is None:
                    process.kill()


def get(url: str) -> tuple[int, dict[str, str], str]:
    """Return the status, the headers by their small names and the text. HTTPError for a status of 400 or more."""
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - of this machine
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return answer.status, headers, answer.read().decode()
