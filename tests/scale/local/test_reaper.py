"""What is left of a system when the process that started it is killed: nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from scale.local.servers.process_table import processes

# A server whose child, like nginx's workers, would go on without it.
SERVER = "import subprocess, sys, time; subprocess.Popen(['sleep', '600']); time.sleep(600)"
STARTER = f"""
import subprocess, sys, time
from pathlib import Path
from scale.local.guard import Reaper

reaper = Reaper(Path(sys.argv[1]), remove=sys.argv[2] == "remove")
server = subprocess.Popen([sys.executable, "-c", {SERVER!r}], start_new_session=True)
reaper.began(server.pid)
print(server.pid, flush=True)
time.sleep(600)
"""


def started(folder: Path, what: str) -> tuple[subprocess.Popen[str], int]:
    command = [sys.executable, "-c", STARTER, str(folder), what]
    starter = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    session = int(starter.stdout.readline())
    until(lambda: len(members(session)) == 2)
    return starter, session


def members(session: int) -> list[int]:
    return [pid for pid, process in processes().items() if process.session == session]


def until(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_killed_it_leaves_neither_processes_nor_a_temporary_folder(tmp_path: Path) -> None:
    folder = tmp_path / "system"
    folder.mkdir()
    starter, session = started(folder, "remove")
    with starter:
        os.kill(starter.pid, signal.SIGKILL)
        until(lambda: not members(session))
        until(lambda: not folder.exists())


def test_a_folder_of_the_user_s_stays(tmp_path: Path) -> None:
    folder = tmp_path / "system"
    folder.mkdir()
    starter, session = started(folder, "keep")
    with starter:
        os.kill(starter.pid, signal.SIGKILL)
        until(lambda: not members(session))
    assert folder.exists()
