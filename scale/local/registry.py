"""Which stacks `scale local` runs on this machine now, so that `scale load STACK` finds them."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Running:
    """A system that runs: its stack, the address of its balancer and of its page, its process and its folder."""

    stack: str
    url: str
    page: str
    pid: int
    folder: str


def _path(stack: str) -> Path:
    folder = Path(tempfile.gettempdir()) / f"django-scale-local-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / f"{stack}.json"


def enter(running: Running) -> None:
    """Let others find it."""
    _path(running.stack).write_text(json.dumps(asdict(running)), encoding="utf-8")


def leave(running: Running) -> None:
    """Take it out, unless another has taken its place."""
    if _read(running.stack) == running:
        _path(running.stack).unlink(missing_ok=True)


def find(stack: str) -> Running | None:
    """Return the system of a stack; None where none runs."""
    found = _read(stack)
    return found if found is not None and Path(f"/proc/{found.pid}").exists() else None


def _read(stack: str) -> Running | None:
    try:
        return Running(**json.loads(_path(stack).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
