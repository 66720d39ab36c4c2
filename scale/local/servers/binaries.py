"""Finds the servers' programs where Debian and other systems put them."""

from __future__ import annotations

import shutil
from pathlib import Path

_PLACES = ("/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin")
# The newest PostgreSQL first; Valkey speaks Redis's protocol and takes its options.
_NAMES = {"redis-server": ("redis-server", "valkey-server")}


class MissingBinaryError(FileNotFoundError):
    """A program is not installed; tools/install-servers installs it."""


def find_binary(name: str) -> Path:
    """The path of a program. MissingBinaryError when there is none."""
    versions = sorted(Path("/usr/lib/postgresql").glob("[0-9]*/bin"), key=lambda p: int(p.parent.name), reverse=True)
    for candidate in _NAMES.get(name, (name,)):
        for place in versions:
            if (place / candidate).exists():
                return place / candidate
        found = shutil.which(candidate) or next(
            (f"{p}/{candidate}" for p in _PLACES if Path(p, candidate).exists()), None
        )
        if found:
            return Path(found)
    raise MissingBinaryError(f"{name} is not installed (tools/install-servers installs it)")
