"""The Django project that is run: its folder, its WSGI application, the commands that fill its database."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scale.local.servers.process import Guard, run_tool

ROOT = Path(__file__).resolve().parents[2]


class ProjectError(ValueError):
    """A project that cannot be run; the text says what is missing."""


@dataclass(frozen=True)
class Project:
    """A folder with `manage.py` and a WSGI module. `fill` are management commands to run after migrations.

    `variables` are set for it besides those of the stack.
    """

    folder: Path
    wsgi: str
    fill: Sequence[Sequence[str]] = ()
    python: str = sys.executable
    variables: Mapping[str, str] = field(default_factory=lambda: dict[str, str]())

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Return `variables` with those that the project needs besides."""
        return {"PYTHONPATH": str(self.folder), **variables, **self.variables}

    def manage(self, variables: Mapping[str, str], *arguments: str, guard: Guard | None = None) -> str:
        """Run a management command; return its output. ServerError with its errors where it fails."""
        command = [self.python, str(self.folder / "manage.py"), *arguments]
        return run_tool(command, env=self.environment(variables), guard=guard)


def example() -> Project:
    """Return the project that comes with this one. Raises ProjectError where this one was installed without it."""
    if not (ROOT / "example" / "manage.py").is_file():
        raise ProjectError(f"--project: name the folder of your manage.py; the example is not in {ROOT}")
    return Project(ROOT / "example", "project.wsgi", fill=(("demo_data",),))


def project_in(folder: Path, wsgi: str | None = None, fill: Sequence[str] = (), python: str | None = None) -> Project:
    """Return a user's project; its WSGI module is found where there is one. Raises ProjectError."""
    folder = folder.resolve()
    if not (folder / "manage.py").is_file():
        raise ProjectError(f"--project: there is no manage.py in {folder}")
    if wsgi is None:
        found = sorted(folder.glob("*/wsgi.py"))
        if len(found) != 1:
            raise ProjectError(f"--wsgi: there are {len(found)} modules */wsgi.py in {folder}; name one, as shop.wsgi")
        wsgi = f"{found[0].parent.name}.wsgi"
    return Project(folder, wsgi, [shlex.split(each) for each in fill], python or sys.executable)
