"""Ends what is left of a system when the process that started it is gone, however it went.

Run by its path with the folder of the system. Its standard input is a pipe that only the system's process holds open:
`+SESSION` and `-SESSION` lines say what runs, `keep` that the folder is to stay. At the pipe's end it kills every
process of the sessions that are left, and every PostgreSQL process that works in the folder: these leave their session.
With the option `--remove` it deletes the folder then. Standard library only, so that it starts at once.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path

_SECONDS = 20.0


def left(folder: Path, sessions: set[int]) -> list[int]:
    """Return the processes of the system that have not ended."""
    found: list[int] = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            name, _, rest = (place / "stat").read_text().partition("(")[2].rpartition(")")
            fields = rest.split()
            ours = int(fields[3]) in sessions or (name == "postgres" and _inside(place / "cwd", folder))
            if ours and fields[0] not in "ZX":
                found.append(int(place.name))
    return found


def _inside(link: Path, folder: Path) -> bool:
    # A deleted folder's name is followed by " (deleted)".
    return link.readlink().as_posix().startswith(f"{folder}/")


def sweep(folder: Path, sessions: set[int], seconds: float = _SECONDS) -> list[int]:
    """Kill what is left until nothing is; return what could not be killed within `seconds`."""
    deadline = time.monotonic() + seconds
    while rest := left(folder, sessions):
        for pid in rest:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            return rest
        time.sleep(0.02)
    return []


def main() -> None:
    """Wait, then sweep."""
    folder, remove = Path(sys.argv[1]), "--remove" in sys.argv[2:]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    sessions: set[int] = set()
    for line in sys.stdin:
        word = line.strip()
        if word == "keep":
            remove = False
        elif word[:1] == "+":
            sessions.add(int(word[1:]))
        elif word[:1] == "-":
            sessions.discard(int(word[1:]))
    rest = sweep(folder, sessions)
    if remove:
        shutil.rmtree(folder, ignore_errors=True)
    raise SystemExit(1 if rest else 0)


if __name__ == "__main__":
    main()
