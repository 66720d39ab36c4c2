"""HAProxy with a rendered configuration."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from scale.local.servers.binaries import find_binary
from scale.local.servers.process import Server, run_tool


class Haproxy(Server):
    """HAProxy under its master process. `text` is the whole of haproxy.cfg."""

    def __init__(self, folder: Path, text: str, port: int, *, environment: Mapping[str, str] | None = None) -> None:
        super().__init__(folder, port)
        self._text = text
        self._environment = dict(environment or {})

    @property
    def configuration(self) -> Path:
        """The file."""
        return self.folder / "haproxy.cfg"

    def command(self) -> list[str]:
        """A master that reads the file again when it is told to, and its worker."""
        return [str(find_binary("haproxy")), "-W", "-db", "-f", str(self.configuration)]

    def environment(self) -> Mapping[str, str]:
        """What the configuration takes from the environment."""
        return self._environment

    def prepare(self) -> None:
        """Write the configuration."""
        self.configuration.write_text(self._text, encoding="utf-8")

    def write(self, text: str) -> None:
        """Begin with this configuration at the next start."""
        self._text = text
        self.folder.mkdir(parents=True, exist_ok=True)
        self.prepare()

    def check(self) -> str:
        """What `haproxy -c -dW` says, to which a warning is an error. ServerError where it refuses the file."""
        return check_haproxy(self.folder, self._text)

    def reload(self, text: str | None = None) -> None:
        """Go over to a new configuration, or to the same one: no connection is refused, and what runs is finished.

        Raises ServerError, and leaves the old one in force, where HAProxy refuses the new one.
        """
        if text is not None:
            check_haproxy(self.folder, text)
            self._text = text
            self.prepare()
        os.kill(self.pid, signal.SIGUSR2)


def check_haproxy(folder: Path, text: str) -> str:
    """What `haproxy -c -dW` says of a configuration. ServerError where it refuses it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "haproxy.cfg.new"
    path.write_text(text, encoding="utf-8")
    try:
        return run_tool([str(find_binary("haproxy")), "-c", "-dW", "-f", str(path)])
    finally:
        path.unlink()


def hashed_password(password: str) -> str:
    """The crypt(3) hash by which HAProxy knows a password, made by openssl. ServerError where it fails."""
    done = subprocess.run(
        [str(find_binary("openssl")), "passwd", "-6", "-stdin"],
        input=password,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()
