"""The commands `scale simulate`, `scale tune` and `scale trace`."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.console import Console
from rich.progress import Progress

from model.errors import SettingsError
from model.settings import Settings
from scale.plan.stackfile import ProgramError
from scale.simulate import cloudwatch, page, prices, report, stacks
from scale.simulate import tune as tuning
from scale.simulate.controllers.scheduled import CronError, calendar
from scale.simulate.kubernetes import cluster_of, simulate_cluster
from scale.simulate.outcome import Outcome, judge
from scale.simulate.plant.service import CalibrationError, Plant, plant_of
from scale.simulate.policies import AWS_DEFAULTS, CHAPTER, read_policy
from scale.simulate.run import STEP_SECONDS, Run, Scenario, simulate
from scale.simulate.slo import Slo, SloError
from scale.simulate.traces import Trace, TraceError, moment, read_trace

STANDARD = {"guide": CHAPTER, "AWS defaults": AWS_DEFAULTS}
SHIPPED_TRACE = "worldcup98-june-8-9.csv"

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
    policy: Annotated[
        list[Path] | None, typer.Option("--policy", help="Beside the policy in this file, as tune --output writes it.")
    ] = None,
    refresh_at: Annotated[
        str | None, typer.Option("--refresh-at", help="Deploy then (ISO 8601, UTC): an instance refresh begins.")
    ] = None,
    kubernetes: Annotated[bool, typer.Option("--kubernetes", help="The guide's HPA on pods, instead.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write one self-contained page.")] = None,
    directory: DirectoryOption = Path(),
) -> None:
    """Replay traffic against the stack's own scaling policy. Exit status 2 where something given is wrong."""
    settings, plant, traffic, objective = _given(directory, stack, trace, slo, peak, calibration)
    if kubernetes:
        _on_kubernetes(settings, plant, traffic, objective, seed, as_json=as_json, html=html)
        return
    policies = {stack: (settings.scaling, settings.servers)}
    if compare:
        policies |= {name: (each, settings.servers) for name, each in STANDARD.items()}
    try:
        policies |= {path.stem: read_policy(path, settings) for path in policy or ()}
    except SettingsError as error:
        raise _refusal(str(error)) from error
    begins = None if refresh_at is None else moment(refresh_at)
    if refresh_at is not None and begins is None:
        raise _refusal(f"--refresh-at: {refresh_at!r} is not a time such as 1998-06-08T12:00")
    cost = price if price is not None else prices.hourly(settings.region, settings.servers.instance_type)
    pairs: list[tuple[Run, Outcome]] = []
    for name, (scaling, servers) in policies.items():
        run = simulate(Scenario(name, scaling, servers, plant, seed, refresh_at=begins), traffic)
        pairs.append((run, _judged(run, objective, cost)))
    show(pairs, as_json=as_json, html=html)


def _on_kubernetes(
    settings: Settings, plant: Plant, traffic: Trace, objective: Slo, seed: int, *, as_json: bool, html: Path | None
) -> None:
    try:
        found = simulate_cluster(cluster_of(settings, plant, seed=seed), traffic)
        outcome = judge(found.run, objective, unit="pod")
    except (SloError, TraceError, ValueError) as error:
        raise _refusal(str(error)) from error
    show([(found.run, outcome)], as_json=as_json, html=html, further=found.notes())


def show(pairs: list[tuple[Run, Outcome]], *, as_json: bool, html: Path | None, further: Sequence[str] = ()) -> None:
    """Print the outcomes, and write the page where one is asked for."""
    if html is not None:
        html.write_text(page.render(pairs, further), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(report.document(pairs, further), indent=2))
        return
    Console(soft_wrap=False).print(report.summary(pairs, further))
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
        traffic.resampled(STEP_SECONDS)
        objective = Slo.parse(slo)
        calendar(settings.scaling.scheduled, traffic.start, traffic.start)
    except (ProgramError, SettingsError, CalibrationError, TraceError, SloError, CronError) as error:
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
    compare: Annotated[bool, typer.Option("--compare", help="Beside the guide's policy and AWS's defaults.")] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the settings to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write one self-contained page.")] = None,
    directory: DirectoryOption = Path(),
) -> None:
    """Search for a better policy on 70 % of the trace, and report on the rest. Exit status 2 for anything wrong."""
    settings, plant, traffic, objective = _given(directory, stack, trace, slo, peak, calibration)
    train, held_out = tuning.split(traffic)
    problem = tuning.Problem(settings.scaling, settings.servers, plant, train, held_out, objective, seed)
    cost = price if price is not None else prices.hourly(settings.region, settings.servers.instance_type)
    try:
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("policies tried", total=rounds * each)
            tuned = tuning.tune(
                problem, rounds=rounds, each=each, progress=lambda done, of: bar.update(task, completed=done, total=of)
            )
    except (SloError, ValueError) as error:
        raise _refusal(str(error)) from error
    runs = [tuned.own[0], tuned.best[0]]
    if compare:
        runs += [
            simulate(Scenario(name, each_, settings.servers, plant, seed), held_out) for name, each_ in STANDARD.items()
        ]
    pairs = [(run, judge(run, objective, price=cost)) for run in runs]
    found = tuning.settings(problem, tuned.candidate)
    if output is not None:
        output.write_text(_settings_text(found), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps({**report.document(pairs), "settings": found, "tried": tuned.tried}, indent=2))
    else:
        typer.echo(f"Tried {tuned.tried} policies on {train.seconds / 86400:.1f} days; below, the days kept aside.")
        show(pairs, as_json=False, html=None)
        typer.echo(_verdict(pairs[0][1], pairs[1][1]))
        typer.echo(_to_paste(stack, found))
    if html is not None:
        html.write_text(page.render(pairs), encoding="utf-8")


def _verdict(own: Outcome, best: Outcome) -> str:
    if not best.met:
        also = "as the stack's own does" if not own.met else "which the stack's own meets"
        return f"The tuned policy misses the objective on the days kept aside, {also}: tune it on a longer trace."
    saved = own.instance_hours - best.instance_hours
    than = "fewer" if saved >= 0 else "more"
    return f"On the days kept aside it meets the objective with {abs(saved):,.1f} instance hours {than}."


def _to_paste(stack: str, found: dict[str, object]) -> str:
    if not found:
        return "None was better than the stack's own."
    return f"Into Pulumi.{stack}.yaml, under config:\n" + textwrap.indent(_settings_text(found), "  ").rstrip()


def _settings_text(found: dict[str, object]) -> str:
    return yaml.safe_dump({f"django-scale:{key}": value for key, value in found.items()}, sort_keys=False)


def trace_command(
    stack: StackArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="The CSV to write.")] = Path("trace.csv"),
    days: Annotated[int, typer.Option("--days", min=1, max=455, help="How far back.")] = 14,
    directory: DirectoryOption = Path(),
) -> None:
    """Record the requests of the stack's live load balancer from CloudWatch. Exit status 1 where it has none."""
    try:
        settings = stacks.load(directory, stack)
    except (ProgramError, SettingsError) as error:
        raise _refusal(str(error)) from error
    tags = {"Application": settings.application.name, "Environment": stack}
    try:
        balancer = cloudwatch.find_balancer(cloudwatch.client("resourcegroupstaggingapi", settings.region), tags)
        recording = cloudwatch.record(
            cloudwatch.client("cloudwatch", settings.region),
            balancer,
            end=datetime.now(UTC).replace(second=0, microsecond=0),
            length=timedelta(days=days),
        )
    except cloudwatch.RecordError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    output.write_text(recording.csv(), encoding="utf-8")
    typer.echo(f"{len(recording.points)} steps of {recording.step_seconds} seconds of {balancer} are in {output}.")
