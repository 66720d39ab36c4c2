"""The command `scale calibrate`. What it does is imported when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the `scale` command."""
    app.command("calibrate")(calibrate_command)


def calibrate_command(
    stack: Annotated[str, typer.Argument(help="The stack that `scale local` runs on this machine.")],
    path: Annotated[
        list[str] | None, typer.Option("--path", help="WEIGHT:/path, where {1-200} is a number drawn; repeatable.")
    ] = None,
    requests: Annotated[int, typer.Option("--requests", min=20, help="How many to measure.")] = 400,
    check: Annotated[
        bool, typer.Option("--check", help="Then load it to 30, 50, 70 and 85 % and compare with the model.")
    ] = False,
    duration: Annotated[float, typer.Option("--duration", min=1, help="Seconds at each load of --check.")] = 30.0,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same arrivals.")] = 0,
    output: Annotated[Path, typer.Option("--output", help="The file to write.")] = Path("calibration.json"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Measure the service times of the application that `scale local` runs, for `scale simulate --calibration`.

    Exit status 0: measured; 1: requests failed; 2: something given is wrong; 130: interrupted.
    """
    from scale.calibrate import command

    asked = command.Asked(stack, tuple(path or ("/",)), requests, check, duration, seed, output, as_json)
    raise typer.Exit(command.run(asked))
