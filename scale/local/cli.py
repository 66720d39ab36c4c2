"""The command `scale local`. What it does is imported when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the `scale` command."""
    app.command("local")(local_command)


def local_command(
    stack: Annotated[str, typer.Argument(help="The stack, as in Pulumi.STACK.yaml.")] = "dev",
    servers: Annotated[
        int | None, typer.Option("--servers", min=1, help="Application servers; by default the stack's minimum.")
    ] = None,
    most: Annotated[int, typer.Option("--most", min=1, help="Application servers at most.")] = 4,
    workers: Annotated[int, typer.Option("--workers", min=1, help="gunicorn workers of a server at most.")] = 2,
    balancer: Annotated[
        str | None, typer.Option("--balancer", help="nginx or haproxy; by default as traffic.balancer has it.")
    ] = None,
    pgbouncer: Annotated[
        bool | None, typer.Option("--pgbouncer/--no-pgbouncer", help="By default as database.pooling has it.")
    ] = None,
    scale: Annotated[bool, typer.Option("--scale", help="Run the stack's scaling policy on what is measured.")] = False,
    minute: Annotated[
        float, typer.Option("--minute", min=1, max=60, help="Seconds that a simulated minute takes, with --scale.")
    ] = 60.0,
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, help="The balancer's port.")] = None,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Where everything is kept; by default a temporary folder.")
    ] = None,
    project: Annotated[
        Path | None, typer.Option("--project", help="The folder with your manage.py; by default the example.")
    ] = None,
    wsgi: Annotated[str | None, typer.Option("--wsgi", help="Your WSGI module, as shop.wsgi.")] = None,
    fill: Annotated[
        list[str] | None, typer.Option("--fill", help="A management command to run after the migrations; repeatable.")
    ] = None,
    python: Annotated[str | None, typer.Option("--python", help="The Python that your project runs under.")] = None,
    seconds: Annotated[float | None, typer.Option("--for", min=0, help="End by itself after so many seconds.")] = None,
    faults: Annotated[
        bool, typer.Option("--faults", help="Kill and freeze parts under a load, print which requests fail, and end.")
    ] = False,
    rate: Annotated[float, typer.Option("--rate", min=1, help="Requests a second, with --faults.")] = 30.0,
    path: Annotated[
        list[str] | None, typer.Option("--path", help="What is asked for, with --faults, as scale load takes it.")
    ] = None,
    cwd: Annotated[Path, typer.Option("--cwd", help="The project's directory.")] = Path(),
) -> None:
    """Run a stack's whole system on this machine. Ctrl-C ends it; SIGUSR1 deploys the code anew, server by server.

    Exit status 0: ended as asked; 1: a part did not start, or with --faults a request failed for no known reason;
    2: something given is wrong, or a program is missing.
    """
    from scale.local import command
    from scale.local.asked import Asked

    asked = Asked(
        stack=stack,
        directory=cwd,
        servers=servers,
        most=most,
        workers=workers,
        balancer=balancer,
        pgbouncer=pgbouncer,
        scale=scale,
        minute_seconds=minute,
        port=port,
        folder=folder,
        project=project,
        wsgi=wsgi,
        fill=tuple(fill or ()),
        python=python,
        seconds=seconds,
        faults=faults,
        rate=rate,
        paths=tuple(path or ()),
    )
    raise typer.Exit(command.run(asked))
