"""One application server: gunicorn, as in the container, on a port of its own."""

from __future__ import annotations

import http.client
import os
from collections.abc import Mapping
from pathlib import Path

from model.environment import is_written
from scale.local.project import Project
from scale.local.servers.process import Server

LIVE = "/health/live"


class Application(Server):
    """gunicorn with a project; `variables` are those of the stack, made local.

    Its temporary folder is its own, so that it counts its metrics as a host of its own.
    """

    stop_seconds = 40.0

    def __init__(
        self, folder: Path, project: Project, variables: Mapping[str, str], *, graceful_seconds: int = 30
    ) -> None:
        super().__init__(folder)
        self.project = project
        self._graceful = graceful_seconds
        self._variables = {**variables, "PORT": str(self.port), "TMPDIR": str(folder)}

    @property
    def name(self) -> str:
        """Its name."""
        return self.folder.name

    def command(self) -> list[str]:
        """Its configuration is the runtime's own, but for the address."""
        config = ["-c", "python:django_scale.gunicorn", "--bind", self.address]
        config += ["--graceful-timeout", str(self._graceful)]
        return [self.project.python, "-m", "gunicorn", *config, self.project.wsgi]

    def inherited(self) -> Mapping[str, str]:
        """None of the contract's variables: the stack's are the only ones."""
        return {name: value for name, value in os.environ.items() if not is_written(name)}

    def environment(self) -> Mapping[str, str]:
        """The stack's variables."""
        return self.project.environment(self._variables)

    def manage(self, *arguments: str) -> str:
        """The output of a management command with the same variables."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.project.manage(self._variables, *arguments, guard=self.guard)

    def ready(self) -> bool:
        """Whether it answers."""
        return self.status(LIVE, 5.0) == 200

    def status(self, path: str, seconds: float) -> int:
        """The status of an answer; 0 where there is none within `seconds`."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=seconds)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()
