"""What the user of `scale local` asks for, and what of it is wrong."""

from __future__ import annotations

import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

from model.settings import Settings
from scale.load.client import Path as RequestPath
from scale.load.client import TargetError
from scale.local.project import ProjectError, example, project_in
from scale.local.servers.process import unprivileged_user
from scale.local.system import BalancerName, Shape
from scale.simulate import stacks

EXAMPLE_PATHS = ("/", "/articles/{1-200}/", "/api/articles/{1-200}/")
"""A page that changes, cached pages and an API."""


@dataclass(frozen=True)
class Asked:
    """What the user asked for."""

    stack: str
    directory: Path = Path()
    servers: int | None = None
    most: int = 4
    workers: int = 2
    balancer: str | None = None
    pgbouncer: bool | None = None
    scale: bool = False
    minute_seconds: float = 60.0
    port: int | None = None
    folder: Path | None = None
    project: Path | None = None
    wsgi: str | None = None
    fill: tuple[str, ...] = ()
    python: str | None = None
    seconds: float | None = None
    faults: bool = False
    rate: float = 30.0
    """Requests a second, with faults."""
    paths: tuple[str, ...] = ()


def shape_of(asked: Asked) -> Shape:
    """Return what of the stack is to run. Raises ProgramError, SettingsError or ProjectError."""
    settings = stacks.load(asked.directory, asked.stack)
    if asked.balancer is not None and asked.balancer not in get_args(BalancerName):
        raise ProjectError(f"--balancer: must be nginx or haproxy, is {asked.balancer!r}")
    if asked.scale and not settings.compute.servers:
        raise ProjectError("--scale: it runs the policies of the EC2 fleet, and compute.servers is false in this stack")
    if asked.scale and asked.faults:
        raise ProjectError("--faults: it needs a fleet that stays as it is, without --scale")
    servers = asked.servers or min(max(_least(settings), 2 if asked.faults else 1), asked.most)
    if asked.faults and servers < 2:
        raise ProjectError("--faults: it needs two servers at least, one to fail and one to answer")
    check_port(asked.port)
    by_policy = "haproxy" if settings.traffic.balancer == "haproxy" else "nginx"
    return Shape(
        settings,
        example() if asked.project is None else project_in(asked.project, asked.wsgi, asked.fill, asked.python),
        cast("BalancerName", asked.balancer or by_policy),
        servers=servers,
        workers=min(settings.application.workers, asked.workers),
        pooled=settings.database.pooling == "pgbouncer" if asked.pgbouncer is None else asked.pgbouncer,
        port=asked.port,
    )


def paths_of(asked: Asked) -> list[RequestPath]:
    """Return what is asked for while faults happen. Raises ProjectError."""
    try:
        return [RequestPath.parse(text) for text in asked.paths or (EXAMPLE_PATHS if asked.project is None else ("/",))]
    except TargetError as error:
        raise ProjectError(str(error)) from error


def _least(settings: Settings) -> int:
    """Return how many servers, or pods where there are none, the stack has at least: one of them here in any case."""
    kubernetes = settings.compute.kubernetes
    pods = kubernetes.web.min if kubernetes is not None and not settings.compute.servers else settings.servers.min
    return max(1, pods)


def folder_of(asked: Asked, shape: Shape) -> tuple[Path, bool]:
    """Return the system's folder, and whether it is removed at the end. Raises ProjectError."""
    try:
        if asked.folder is None:
            _check_folder(Path(tempfile.gettempdir()) / "scale-local-12345678", shape)
            folder = Path(tempfile.mkdtemp(prefix="scale-local-"))
        else:
            asked.folder.mkdir(parents=True, exist_ok=True)
            folder = asked.folder.resolve()
            if any(folder.iterdir()):
                # What another system works in, or what a run before has left to be read.
                raise ProjectError(f"--folder: must be a new or an empty folder, {asked.folder} has files in it")
            _check_folder(folder, shape)
    except OSError as error:
        raise ProjectError(f"--folder: {error}") from error
    return folder, asked.folder is None


_LONGEST_SOCKET = 97
"""Characters of the path of a socket that HAProxy takes (its own message)."""


def _check_folder(folder: Path, shape: Shape) -> None:
    """Raise ProjectError for a folder that a server could not work in."""
    longest = _LONGEST_SOCKET - len("/haproxy/haproxy.sock")
    if shape.balancer == "haproxy" and len(str(folder)) > longest:
        raise ProjectError(f"--folder: must have a path of at most {longest} characters for HAProxy, is {folder}")
    user = unprivileged_user()
    closed = [parent for parent in folder.parents if user is not None and not parent.stat().st_mode & 0o001]
    if closed:
        raise ProjectError(
            f"--folder: PostgreSQL, as the user {user}, must get to {folder}; it may not enter {closed[0]}"
        )


def check_port(port: int | None) -> None:
    """Raise ProjectError where the balancer could not listen."""
    if port is None:
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ProjectError(f"--port: 127.0.0.1:{port}: {error.strerror}") from error
