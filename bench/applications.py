"""Applications to stand behind a balancer: a page that does nothing, and the example."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from scale.local.servers import Primary, Server
from scale.local.servers.postgresql import DATABASE, PASSWORD, USER
from scale.local.servers.process import run_tool

ROOT = Path(__file__).parents[1]


class Gunicorn(Server):
    """The lightest page, by as many workers as there are cores."""

    def command(self) -> list[str]:
        """As the runtime's own settings have it: threads, and connections that are kept."""
        workers = ["--workers", str(os.cpu_count()), "--worker-class", "gthread", "--threads", "4"]
        place = ["--chdir", str(ROOT), "--bind", self.address, "--worker-tmp-dir", str(self.folder)]
        return [sys.executable, "-m", "gunicorn", *workers, "--keep-alive", "75", *place, "bench.page:application"]


class Example(Server):
    """The example application with its database, by as many workers as there are cores, as a stack configures it."""

    def __init__(self, folder: Path, port: int, database: Primary) -> None:
        super().__init__(folder, port)
        self._database = database

    def command(self) -> list[str]:
        """With the configuration that the runtime brings."""
        config = ["-c", "python:django_scale.gunicorn", "--bind", self.address, "--graceful-timeout", "3"]
        return [sys.executable, "-m", "gunicorn", *config, "project.wsgi"]

    def environment(self) -> Mapping[str, str]:
        """What a stack's servers have. A bare nginx names its group of servers as the host."""
        return {
            "DJANGO_SCALE_ENVIRONMENT": "bench",
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "DJANGO_SECRET_KEY": "a secret of the bench",
            "DJANGO_ALLOWED_HOSTS": "127.0.0.1,django",
            "LOG_LEVEL": "WARNING",
            "DB_HOST": self._database.host,
            "DB_PORT": str(self._database.port),
            "DB_NAME": DATABASE,
            "DB_USER": USER,
            "DB_PASSWORD": PASSWORD,
            "DB_SSLMODE": "disable",
            "DB_POOLING": "direct",
            "PORT": str(self.port),
            "WEB_CONCURRENCY": str(os.cpu_count()),
            "GUNICORN_THREADS": "4",
            "TMPDIR": str(self.folder),
            "PYTHONPATH": f"{ROOT}:{ROOT / 'example'}",
        }

    def prepare(self) -> None:
        """Make its tables and articles."""
        for command in (["migrate", "-v0"], ["demo_data", "--articles", "20"]):
            run_tool([sys.executable, str(ROOT / "example" / "manage.py"), *command], env=self.environment())
