"""HAProxy with a rendered configuration."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from scale.local.servers.binaries import find_binary
from scale.local.servers.process import run_tool
from scale.local.servers.rendered import RenderedServer, on_trial


class Haproxy(RenderedServer):
    """HAProxy under its master process. `text` is the whole of haproxy.cfg."""

    file = "haproxy.cfg"
    reload_signal = signal.SIGUSR2

    def __init__(self, folder: Path, text: str, port: int, *, environment: Mapping[str, str] | None = None) -> None:
        super().__init__(folder, text, port)
        self._environment = dict(environment or {})

    def command(self) -> list[str]:
        """A master that reads the file again when it is told to, and its worker."""
        return [str(find_binary("haproxy")), "-W", "-db", "-f", str(self.configuration)]

    def environment(self) -> Mapping[str, str]:
        """What the configuration takes from the environment."""
        return self._environment

    def _try(self, text: str) -> str:
        return check_haproxy(self.folder, text)


def check_haproxy(folder: Path, text: str) -> str:
    """What `haproxy -c -dW` says of a configuration. ServerError where it refuses it."""
    with on_trial(folder, Haproxy.file, text) as path:
        return run_tool([str(find_binary("haproxy")), "-c", "-dW", "-f", str(path)])


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
