"""The application servers that `scale local` runs: how many, how many requests each serves at once, what they use.

Read from proc(5): what is measured is the processes that answer, whatever settings they were begun with.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from scale.local.servers.process_table import processes


class ServersError(RuntimeError):
    """There is nothing to measure; the text says why."""


@dataclass(frozen=True)
class Servers:
    """gunicorn servers that are alike, and the processes that they are."""

    count: int
    threads: int
    """A server's: workers x threads of a worker."""
    pids: frozenset[int]

    def processor_seconds(self) -> float:
        """Return what all their processes have used until now. Raises ServersError where one has ended: what it has
        used is not known any more."""
        known = processes()
        if not self.pids <= known.keys():
            raise ServersError(
                "a process of the servers ended meanwhile, as after gunicorn's max_requests: measure again"
            )
        return sum(known[pid].processor_seconds for pid in self.pids)


def find(folder: Path) -> Servers:
    """Return the servers whose own folders are in `folder`. Raises ServersError where there is none."""
    homes: dict[str, tuple[int, int]] = {}
    pids: set[int] = set()
    for pid in processes():
        variables = _environment(pid)
        home = variables.get("TMPDIR", "")
        if not _is_gunicorn(pid) or Path(home).parent != folder:
            continue
        pids.add(pid)
        homes[home] = int(variables["WEB_CONCURRENCY"]), int(variables["GUNICORN_THREADS"])
    if not homes:
        raise ServersError(f"no gunicorn runs in {folder}")
    workers, threads = next(iter(homes.values()))
    return Servers(len(homes), workers * threads, frozenset(pids))


def _is_gunicorn(pid: int) -> bool:
    return b"gunicorn" in _read(pid, "cmdline").split(b"\0")


def _environment(pid: int) -> dict[str, str]:
    entries = (each.partition(b"=") for each in _read(pid, "environ").split(b"\0") if b"=" in each)
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in entries}


def _read(pid: int, name: str) -> bytes:
    """Return a file of a process; nothing of one that has ended or is another user's."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""
