"""The commands `scale simulate`, `scale tune` and `scale trace`.

What they do is imported when they are called: numpy and the SDK would slow every other command down.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scale.simulate.asked import Asked

StackArgument = Annotated[str, typer.Argument(help="The stack, as in Pulumi.<stack>.yaml.")]
TraceOption = Annotated[
    Path | None,
    typer.Option("--trace", help="CSV, one rate a line, or a CloudWatch export; by default two days that ship."),
]
SloOption = Annotated[str, typer.Option("--slo", help="The objective, such as p95<500ms.")]
PeakOption = Annotated[
    float | None, typer.Option("--peak", min=0, help="Scale the trace to this peak, in requests a minute.")
]
CalibrationOption = Annotated[Path | None, typer.Option("--calibration", help="Measured service times, JSON.")]
PriceOption = Annotated[
    float | None, typer.Option("--price", min=0, help="US dollars an hour, of an instance or a node.")
]
SeedOption = Annotated[int, typer.Option("--seed", help="The same seed gives the same run.")]
DirectoryOption = Annotated[Path, typer.Option("--cwd", help="The project's directory.")]


JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document.")]
HtmlOption = Annotated[Path | None, typer.Option("--html", help="Write one self-contained page.")]
CompareOption = Annotated[
    bool, typer.Option("--compare", help="Beside the guide's policy and AWS's, or Kubernetes', defaults.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the `scale` command."""
    app.command("simulate")(simulate_command)
    app.command("tune")(tune_command)
    app.command("trace")(trace_command)


def simulate_command(
    stack: StackArgument,
    trace: TraceOption = None,
    slo: SloOption = "p95<500ms",
    peak: PeakOption = None,
    calibration: CalibrationOption = None,
    price: PriceOption = None,
    seed: SeedOption = 0,
    compare: CompareOption = False,
    policy: Annotated[
        list[Path] | None, typer.Option("--policy", help="Beside the policy in this file, as tune --output writes it.")
    ] = None,
    refresh_at: Annotated[
        str | None, typer.Option("--refresh-at", help="Deploy then (ISO 8601, UTC): an instance refresh begins.")
    ] = None,
    kubernetes: Annotated[bool, typer.Option("--kubernetes", help="The stack's pods and their HPA, instead.")] = False,
    as_json: JsonOption = False,
    html: HtmlOption = None,
    cwd: DirectoryOption = Path(),
) -> None:
    """Replay traffic against the stack's own scaling policy. Exit status 2 where something given is wrong."""
    from scale.simulate import commands

    asked = Asked(cwd, stack, trace, slo, peak, calibration, price, seed, as_json, html)
    commands.simulate_stack(asked, compare=compare, policies=policy or (), refresh_at=refresh_at, kubernetes=kubernetes)


def tune_command(
    stack: StackArgument,
    trace: TraceOption = None,
    slo: SloOption = "p95<500ms",
    peak: PeakOption = None,
    calibration: CalibrationOption = None,
    price: PriceOption = None,
    seed: SeedOption = 0,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Rounds of the search.")] = 6,
    each: Annotated[int, typer.Option("--each", min=2, help="Policies tried in a round.")] = 24,
    compare: CompareOption = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the settings to this file.")] = None,
    as_json: JsonOption = False,
    html: HtmlOption = None,
    cwd: DirectoryOption = Path(),
) -> None:
    """Search for a better policy on 70 % of the trace, and report on the rest. Exit status 2 for anything wrong."""
    from scale.simulate import commands

    asked = Asked(cwd, stack, trace, slo, peak, calibration, price, seed, as_json, html)
    commands.tune_stack(asked, rounds=rounds, each=each, compare=compare, output=output)


def trace_command(
    stack: StackArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="The CSV to write.")] = Path("trace.csv"),
    days: Annotated[int, typer.Option("--days", min=1, max=455, help="How far back.")] = 14,
    cwd: DirectoryOption = Path(),
) -> None:
    """Record the requests of the stack's live load balancer from CloudWatch. Exit status 1 where it has none."""
    from scale.simulate import commands

    commands.record_stack(cwd, stack, days=days, output=output)
