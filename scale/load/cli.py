"""The command `scale load`. What it does is imported when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the `scale` command."""
    app.command("load")(load_command)


def load_command(
    target: Annotated[str, typer.Argument(help="A URL, or the stack that `scale local` runs on this machine.")],
    rate: Annotated[float | None, typer.Option("--rate", min=0.001, help="Requests a second; 10 by default.")] = None,
    duration: Annotated[float, typer.Option("--duration", min=0.1, help="Seconds, with a rate.")] = 10.0,
    trace: Annotated[Path | None, typer.Option("--trace", help="Arrivals as in this trace, as simulate reads.")] = None,
    peak: Annotated[
        float | None, typer.Option("--peak", min=0, help="Scale the trace to this peak, in requests a minute.")
    ] = None,
    speed: Annotated[
        float, typer.Option("--speed", min=0.001, help="Replay the trace that much faster; its rates stay.")
    ] = 1.0,
    even: Annotated[bool, typer.Option("--even", help="Evenly spaced arrivals, instead of Poisson's.")] = False,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same arrivals.")] = 0,
    path: Annotated[
        list[str] | None, typer.Option("--path", help="WEIGHT:/path, where {1-200} is a number drawn; repeatable.")
    ] = None,
    timeout: Annotated[float, typer.Option("--timeout", min=0.01, help="Seconds from the intended arrival.")] = 30.0,
    connections: Annotated[int, typer.Option("--connections", min=1, help="Open at once, at most.")] = 1000,
    clients: Annotated[
        int, typer.Option("--clients", min=1, max=2**24, help="Clients told apart by X-Forwarded-For.")
    ] = 1,
    header: Annotated[list[str] | None, typer.Option("--header", help="NAME: VALUE of each request.")] = None,
    slo: Annotated[str | None, typer.Option("--slo", help="An objective such as p95<500ms.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Send open-loop traffic and print percentiles and errors. Ctrl-C prints what was measured.

    Exit status 0: all was answered well; 1: there were errors, or the objective was missed; 2: something given is
    wrong; 130: interrupted.
    """
    from scale.load import command

    asked = command.Asked(
        target,
        rate=rate,
        seconds=duration,
        trace=trace,
        peak=peak,
        speed=speed,
        spacing="even" if even else "poisson",
        seed=seed,
        paths=tuple(path or ("/",)),
        timeout=timeout,
        connections=connections,
        clients=clients,
        headers=tuple(header or ()),
        slo=slo,
        as_json=as_json,
    )
    raise typer.Exit(command.run(asked))
