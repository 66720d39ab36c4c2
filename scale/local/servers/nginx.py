"""nginx with a rendered configuration."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

from scale.local.servers.binaries import find_binary
from scale.local.servers.process import ServerError
from scale.local.servers.rendered import RenderedServer, on_trial


class Nginx(RenderedServer):
    """nginx in the foreground. `text` is the whole of nginx.conf, with `folder` as the place of what it writes."""

    file = "nginx.conf"
    reload_signal = signal.SIGHUP

    def command(self) -> list[str]:
        """In the foreground. Should this process die, the master is asked to end: killed, it leaves its workers."""
        return ["setpriv", "--pdeathsig=TERM", *_nginx(self.folder, self.configuration), "-g", "daemon off;"]

    def _try(self, text: str) -> str:
        return check_nginx(self.folder, text)


def check_nginx(folder: Path, text: str) -> str:
    """What `nginx -t` says of a configuration, warnings among it. ServerError where it refuses it."""
    with on_trial(folder, Nginx.file, text) as path:
        done = subprocess.run([*_nginx(folder, path), "-t"], capture_output=True, text=True, check=False, cwd="/")
    if done.returncode:
        raise ServerError(f"nginx refuses its configuration: {done.stderr}")
    return done.stderr


def _nginx(folder: Path, configuration: Path) -> list[str]:
    return [str(find_binary("nginx")), "-p", str(folder), "-e", "stderr", "-c", str(configuration)]
