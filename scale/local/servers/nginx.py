"""nginx with a rendered configuration."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from scale.local.servers.binaries import find_binary
from scale.local.servers.process import Server, ServerError


class Nginx(Server):
    """nginx in the foreground. `text` is the whole of nginx.conf, with `folder` as the place of what it writes."""

    def __init__(self, folder: Path, text: str, port: int) -> None:
        super().__init__(folder, port)
        self._text = text

    @property
    def configuration(self) -> Path:
        """The file."""
        return self.folder / "nginx.conf"

    def command(self) -> list[str]:
        """In the foreground. Should this process die, the master is asked to end: killed, it leaves its workers."""
        return ["setpriv", "--pdeathsig=TERM", *_nginx(self.folder, self.configuration), "-g", "daemon off;"]

    def prepare(self) -> None:
        """Write the configuration."""
        self.configuration.write_text(self._text, encoding="utf-8")

    def write(self, text: str) -> None:
        """Begin with this configuration at the next start."""
        self._text = text
        self.folder.mkdir(parents=True, exist_ok=True)
        self.prepare()

    def check(self) -> str:
        """What `nginx -t` says. ServerError where it refuses the configuration."""
        return check_nginx(self.folder, self._text)

    def reload(self, text: str | None = None) -> None:
        """Go over to a new configuration, or to the same one: no connection is refused, and what runs is finished.

        Raises ServerError, and leaves the old one in force, where nginx refuses the new one.
        """
        if text is not None:
            check_nginx(self.folder, text)
            self._text = text
            self.prepare()
        os.kill(self.pid, signal.SIGHUP)


def check_nginx(folder: Path, text: str) -> str:
    """What `nginx -t` says of a configuration, warnings among it. ServerError where it refuses it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "nginx.conf.new"
    path.write_text(text, encoding="utf-8")
    try:
        done = subprocess.run([*_nginx(folder, path), "-t"], capture_output=True, text=True, check=False, cwd="/")
    finally:
        path.unlink()
    if done.returncode:
        raise ServerError(f"nginx refuses its configuration: {done.stderr}")
    return done.stderr


def _nginx(folder: Path, configuration: Path) -> list[str]:
    return [str(find_binary("nginx")), "-p", str(folder), "-e", "stderr", "-c", str(configuration)]
