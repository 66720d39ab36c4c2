"""A server that is told what to do by one rendered file, and reads it again while it serves."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from scale.local.servers.process import Server


class RenderedServer(Server):
    """`text` is the whole of its configuration."""

    file: ClassVar[str]
    reload_signal: ClassVar[signal.Signals]

    def __init__(self, folder: Path, text: str, port: int) -> None:
        super().__init__(folder, port)
        self._text = text

    @property
    def configuration(self) -> Path:
        """The file."""
        return self.folder / self.file

    def prepare(self) -> None:
        """Write the configuration."""
        self.configuration.write_text(self._text, encoding="utf-8")

    def write(self, text: str) -> None:
        """Begin with this configuration at the next start."""
        self._text = text
        self.folder.mkdir(parents=True, exist_ok=True)
        self.prepare()

    def check(self, text: str | None = None) -> str:
        """Return what the program says of a configuration, or of its own. Raises ServerError where it refuses it."""
        return self._try(self._text if text is None else text)

    def _try(self, text: str) -> str:
        raise NotImplementedError

    def reload(self, text: str | None = None) -> None:
        """Go over to a new configuration, or to the same one: no connection is refused, and what runs is finished.

        Raises ServerError, and leaves the old one in force, where the program refuses the new one.
        """
        if text is not None:
            self.check(text)
            self._text = text
            self.prepare()
        os.kill(self.pid, self.reload_signal)


@contextmanager
def on_trial(folder: Path, file: str, text: str) -> Generator[Path]:
    """Keep a configuration in a file of its own for as long as it is tried."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{file}.new"
    path.write_text(text, encoding="utf-8")
    try:
        yield path
    finally:
        path.unlink()
