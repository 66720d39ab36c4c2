"""The containers of a server without containers: the same files, the same command, other folders and ports."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from scale.local.servers import Server as Process
from scale.local.servers import find_binary
from scale.local.servers.process import own, unprivileged_user
from tests.render.server import Run, Server


class Contained(Process):
    """What docker was told to run as `run` on a server, as a user without rights, in folders below `folder`.

    `adapted` replaces text of the configuration files that holds in a container alone, such as ports.
    """

    def __init__(self, folder: Path, server: Server, run: Run, port: int, adapted: Mapping[str, str]) -> None:
        super().__init__(folder, port, user=unprivileged_user())
        self._root = server.root
        self._run = run
        self._adapted = adapted
        inside = {place: folder / outside.lstrip("/") for place, outside in run.volumes.items()}
        inside |= {place: folder / place.lstrip("/") for place in (each.split(":")[0] for each in run.all("tmpfs"))}
        # The longer paths first: one may be the beginning of another.
        self._inside = dict(sorted(inside.items(), key=lambda entry: -len(entry[0])))
        self.prepare()

    def prepare(self) -> None:
        """Copy the server's files, and make the folders that docker makes."""
        for inside, place in self._inside.items():
            source = self._root / place.relative_to(self.folder)
            if source.is_file():
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(self._adapt(source.read_text().replace(f"{self._root}/", "/")))
            elif source.is_dir() and inside in self._run.volumes:
                shutil.copytree(source, place, dirs_exist_ok=True)
            else:
                place.mkdir(parents=True, exist_ok=True)
        (self.folder / "log").touch()
        own(self.folder, self.user)

    def _adapt(self, text: str) -> str:
        for inside, place in self._inside.items():
            text = text.replace(inside, str(place))
        for old, new in self._adapted.items():
            text = text.replace(old, new)
        return text

    def command(self) -> list[str]:
        """The container's command."""
        program = str(find_binary(self._run.one("entrypoint")))
        words = [self._adapt(word) for word in self._run.command]
        # nginx looks for its configuration where the package has put it; in the image that is where it is mounted.
        if "nginx.conf" in str(self._inside) and "-c" not in words:
            words += ["-c", str(self._inside["/etc/nginx/nginx.conf"])]
        return [program, *words]

    def environment(self) -> Mapping[str, str]:
        """Nothing of its own."""
        return {"TMPDIR": os.environ.get("TMPDIR", "/tmp")}  # noqa: S108 - where the tests' own files are
