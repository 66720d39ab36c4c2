"""The commands `scale simulate`, `scale tune` and `scale trace`."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from model.errors import SettingsError
from model.settings import Settings
from scale.plan.stackfile import ProgramError
from scale.simulate import page, prices, report, stacks
from scale.simulate.outcome import Outcome, judge
from scale.simulate.plant.service import CalibrationError, Plant, plant_of
from scale.simulate.policies import AWS_DEFAULTS, CHAPTER
from scale.simulate.run import Run, Scenario, simulate
from scale.simulate.slo import Slo, SloError
from scale.simulate.traces import Trace, TraceError, read_trace

SHIPPED_TRACE = "worldcup98-june-8-9.csv"

StackArgument = Annotated[str, typer.Argument(help="The stack, as in Pulumi.<stack>.yaml.")]
TraceOption = Annotated[
    Path | None, typer.Option("--trace", help="CSV, one rate a line, or a CloudWatch export; by default two days that ship.")
]
SloOption = Annotated[str, typer.Option("--slo", help="The objective, such as p95<500ms.")]
PeakOption = Annotated[
    float | None, typer.Option("--peak", min=0, help="Scale the trace to this peak, in requests a minute.")
]
CalibrationOption = Annotated[Path | None, typer.Option("--calibration", help="Measured service times, JSON.")]
PriceOption = Annotated[float | None, typer.Option("--price", min=0, help="US dollars an instance and hour.")]
SeedOption = Annotated[int, typer.Option("--seed", help="The same seed gives the same run.")]
DirectoryOption = Annotated[Path, typer.Option("--directory", "-C", help="The project's folder.")]


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
    compare: Annotated[bool, typer.Option("--compare", help="Beside the guide's policy and AWS's defaults.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write one self-contained page.")] = None,
    directory: DirectoryOption = Path(),
) -> None:
    """Replay traffic against the stack's own scaling policy. Exit status 2 where something given is wrong."""
    settings, plant, traffic, objective = _given(directory, stack, trace, slo, peak, calibration)
    policies = {stack: settings.scaling}
    if compare:
        policies |= {"guide": CHAPTER, "AWS defaults": AWS_DEFAULTS}
    cost = price if price is not None else prices.hourly(settings.region, settings.servers.instance_type)
    pairs: list[tuple[Run, Outcome]] = []
    for name, policy in policies.items():
        run = simulate(Scenario(name, policy, settings.servers, plant, seed), traffic)
        pairs.append((run, _judged(run, objective, cost)))
    show(pairs, as_json=as_json, html=html)


def show(pairs: list[tuple[Run, Outcome]], *, as_json: bool, html: Path | None) -> None:
    """Print the outcomes, and write the page where one is asked for."""
    if html is not None:
        html.write_text(page.render(pairs), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(report.document(pairs), indent=2))
        return
    Console(soft_wrap=False).print(report.summary(pairs))
    if html is not None:
        typer.echo(f"The page is in {html}.")


def _judged(run: Run, objective: Slo, cost: float | None) -> Outcome:
    try:
        return judge(run, objective, price=cost)
    except SloError as error:
        raise _refusal(str(error)) from error


def _given(
    directory: Path, stack: str, trace: Path | None, slo: str, peak: float | None, calibration: Path | None
) -> tuple[Settings, Plant, Trace, Slo]:
    """Read what the user named; every wrong thing is a message and exit status 2."""
    try:
        settings = stacks.load(directory, stack)
        plant = plant_of(settings, calibration)
        traffic = read_trace(trace) if trace else shipped_trace()
        objective = Slo.parse(slo)
    except (ProgramError, SettingsError, CalibrationError, TraceError, SloError) as error:
        raise _refusal(str(error)) from error
    if peak is not None and traffic.peak:
        traffic = traffic.scaled(peak / traffic.peak)
    return settings, plant, traffic, objective


def shipped_trace() -> Trace:
    """Return the trace that comes with the project."""
    with resources.as_file(resources.files("scale.simulate") / "data" / SHIPPED_TRACE) as path:
        return read_trace(path)


def _refusal(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(2)
