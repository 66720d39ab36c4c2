"""What the commands `scale simulate`, `scale tune` and `scale trace` do."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import typer
import yaml
from rich.console import Console
from rich.progress import Progress

from model.errors import SettingsError
from model.scaling import ScalingPolicy
from model.servers import Servers
from model.settings import Settings
from scale.plan import stackfile
from scale.plan.stackfile import ProgramError
from scale.simulate import cloudwatch, page, pods, prices, report, stacks
from scale.simulate import tune as tuning
from scale.simulate.asked import Asked
from scale.simulate.controllers.nodes import FitError
from scale.simulate.controllers.scheduled import CronError, calendar
from scale.simulate.outcome import Outcome, judge
from scale.simulate.plant.queue import table_of
from scale.simulate.plant.service import CalibrationError, Plant, plant_of
from scale.simulate.policies import AWS_DEFAULTS, CHAPTER, read_policy
from scale.simulate.run import STEP_SECONDS, Run, Scenario, simulate
from scale.simulate.slo import Slo, SloError
from scale.simulate.traces import Trace, TraceError, moment, read_trace

STANDARD = {"guide": CHAPTER, "AWS defaults": AWS_DEFAULTS}
SHIPPED_TRACE = "worldcup98-june-8-9.csv"


def simulate_stack(
    asked: Asked, *, compare: bool, policies: Sequence[Path], refresh_at: str | None, kubernetes: bool
) -> None:
    """Replay traffic against a stack's own scaling policy, and others beside it. Exits with 2 for anything wrong."""
    _check_places({"--html": asked.html})
    settings, plant, traffic, objective = _given(asked)
    begins = _refresh_at(refresh_at, traffic)
    others: dict[str, tuple[ScalingPolicy, Servers]] = {}
    try:
        for path in policies:
            taken = path.stem in {asked.stack, *STANDARD, *others}
            others[str(path) if taken else path.stem] = read_policy(path, settings)
    except SettingsError as error:
        raise _refusal(str(error)) from error
    if kubernetes or not settings.compute.servers:
        if begins is not None:
            raise _refusal("--refresh-at: is of servers; pods are replaced by their Deployment")
        _on_kubernetes(asked, settings, plant, traffic, objective, compare=compare, others=others)
        return
    chosen = {asked.stack: (settings.scaling, settings.servers)}
    if compare:
        chosen |= {name: (each, settings.servers) for name, each in STANDARD.items()}
    cost = _price(asked, settings)
    pairs: list[tuple[Run, Outcome]] = []
    for name, (scaling, servers) in (chosen | others).items():
        run = simulate(Scenario(name, scaling, servers, plant, asked.seed, refresh_at=begins), traffic)
        pairs.append((run, _judged(run, objective, cost)))
    _show(asked, pairs)


def _refresh_at(text: str | None, traffic: Trace) -> float | None:
    """Return when an instance refresh begins, in seconds since 1970."""
    if text is None:
        return None
    begins = moment(text)
    if begins is None:
        raise _refusal(f"--refresh-at: {text!r} is not a time such as 1998-06-08T12:00")
    if not traffic.start <= begins < traffic.start + traffic.seconds:
        whole = f"{report.stamp(traffic.start)} to {report.stamp(traffic.start + traffic.seconds)} UTC"
        raise _refusal(f"--refresh-at: {text!r} is not within the trace, {whole}")
    return begins


def _price(asked: Asked, settings: Settings) -> float | None:
    return asked.price if asked.price is not None else prices.hourly(settings.region, settings.servers.instance_type)


def _on_kubernetes(
    asked: Asked,
    settings: Settings,
    plant: Plant,
    traffic: Trace,
    objective: Slo,
    *,
    compare: bool,
    others: Mapping[str, tuple[ScalingPolicy, Servers]],
) -> None:
    try:
        found = pods.replay(
            settings,
            plant,
            traffic,
            objective,
            name=asked.stack,
            seed=asked.seed,
            price=asked.price,
            compare=compare,
            policies={name: scaling for name, (scaling, _) in others.items()},
        )
    except (SloError, TraceError, FitError) as error:
        raise _refusal(str(error)) from error
    _show(asked, found.pairs, found.notes, {"hpas": found.hpas})


def _check_places(places: Mapping[str, Path | None]) -> None:
    """Refuse a place that cannot be written to before there is anything to write."""
    for option, path in places.items():
        if path is not None and path.is_dir():
            raise _refusal(f"{option}: {path} is a folder")
        if path is not None and not path.parent.is_dir():
            raise _refusal(f"{option}: {path.parent} is not a folder")


def _write(option: str, path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _refusal(f"{option}: {path}: {error.strerror}") from error


def _show(
    asked: Asked,
    pairs: list[tuple[Run, Outcome]],
    further: Sequence[str] = (),
    also: Mapping[str, object] | None = None,
) -> None:
    """Print the outcomes (`also` joins the JSON document), and write the page where one is asked for."""
    if asked.html is not None:
        _write("--html", asked.html, page.render(pairs, further))
    if asked.as_json:
        typer.echo(json.dumps({**report.document(pairs, further), **(also or {})}, indent=2))
        return
    Console(soft_wrap=False).print(report.summary(pairs, further))
    if asked.html is not None:
        typer.echo(f"The page is in {asked.html}.")


def _judged(run: Run, objective: Slo, cost: float | None) -> Outcome:
    try:
        return judge(run, objective, price=cost)
    except SloError as error:
        raise _refusal(str(error)) from error


def _given(asked: Asked) -> tuple[Settings, Plant, Trace, Slo]:
    """Read what the user named; every wrong thing is a message and exit status 2."""
    try:
        settings = stacks.load(asked.directory, asked.stack)
        plant = plant_of(settings, asked.calibration)
        traffic = read_trace(asked.trace) if asked.trace else shipped_trace()
        traffic.resampled(STEP_SECONDS)
        objective = Slo.parse(asked.slo)
        calendar(settings.scaling.scheduled, traffic.start, traffic.start)
    except (ProgramError, SettingsError, CalibrationError, TraceError, SloError, CronError) as error:
        raise _refusal(str(error)) from error
    for option, value in (("--peak", asked.peak), ("--price", asked.price)):
        if value is not None and not math.isfinite(value):
            raise _refusal(f"{option}: must be a number, is {value}")
    if asked.peak is not None and traffic.peak:
        traffic = traffic.scaled(asked.peak / traffic.peak)
    return settings, plant, traffic, objective


def shipped_trace() -> Trace:
    """Return the trace that comes with the project."""
    with resources.as_file(resources.files("scale.simulate") / "data" / SHIPPED_TRACE) as path:
        return read_trace(path)


def _refusal(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(2)


def tune_stack(asked: Asked, *, rounds: int, each: int, compare: bool, output: Path | None) -> None:
    """Search for a better policy and report on the part of the trace kept aside. Exits with 2 for anything wrong."""
    _check_places({"--html": asked.html, "--output": output})
    settings, plant, traffic, objective = _given(asked)
    if not settings.compute.servers:
        raise _refusal("compute.servers is false: what is tuned is the policy of servers")
    cost = _price(asked, settings)
    try:
        objective.utilization(table_of(plant))
        train, held_out = tuning.split(traffic)
        problem = tuning.Problem(settings.scaling, settings.servers, plant, train, held_out, objective, asked.seed)
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("policies tried", total=rounds * each)
            tuned = tuning.tune(
                problem, rounds=rounds, each=each, progress=lambda done, of: bar.update(task, completed=done, total=of)
            )
    except (SloError, tuning.TuneError) as error:
        raise _refusal(str(error)) from error
    runs = [tuned.own[0], tuned.best[0]]
    if compare:
        runs += [
            simulate(Scenario(name, each_, settings.servers, plant, asked.seed), held_out)
            for name, each_ in STANDARD.items()
        ]
    pairs = [(run, judge(run, objective, price=cost)) for run in runs]
    found = tuning.settings(problem, tuned.candidate)
    file = stackfile.read(asked.directory, asked.stack)
    config = tuning.config(found, file.raw, file.project)
    if output is not None:
        _write("--output", output, _yaml(config))
    if not asked.as_json:
        typer.echo(f"Tried {tuned.tried} policies on {report.length(train.seconds)}; below, the part kept aside.")
    _show(asked, pairs, also={"settings": found, "config": config, "tried": tuned.tried})
    if not asked.as_json:
        typer.echo(_verdict(pairs[0][1], pairs[1][1]))
        typer.echo(_found(file.path.name, config, recommended=pairs[1][1].met or not pairs[0][1].met))


def _verdict(own: Outcome, best: Outcome) -> str:
    if not best.met:
        also = "as the stack's own does" if not own.met else "which the stack's own meets"
        return f"The tuned policy misses the objective on the part kept aside, {also}: tune it on a longer trace."
    saved = own.instance_hours - best.instance_hours
    than = "fewer" if saved >= 0 else "more"
    return f"On the part kept aside it meets the objective with {abs(saved):,.1f} instance hours {than}."


def _found(name: str, config: dict[str, object], *, recommended: bool) -> str:
    if not config:
        return "None was better than the stack's own."
    head = f"Into {name}, under config:, in place of what has these names:" if recommended else _NOT_RECOMMENDED
    return f"{head}\n" + textwrap.indent(_yaml(config), "  ").rstrip()


_NOT_RECOMMENDED = "Found, and not recommended:"


def _yaml(config: dict[str, object]) -> str:
    return yaml.safe_dump(config, sort_keys=False, default_flow_style=None, width=100)


def record_stack(directory: Path, stack: str, *, days: int, output: Path) -> None:
    """Record the requests of a stack's live load balancer. Exits with 1 where there is nothing to record from."""
    from scale.operate.account import open_account, read_stack
    from scale.operate.asking import refusing

    _check_places({"--output": output})
    with refusing():
        found = read_stack(directory, stack)
        account = open_account(found)
        try:
            balancer = cloudwatch.find_balancer(
                account, {"Application": found.settings.application.name, "Environment": stack}
            )
            recording = cloudwatch.record(
                account,
                balancer,
                end=datetime.now(UTC).replace(second=0, microsecond=0),
                length=timedelta(days=days),
            )
        except cloudwatch.RecordError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from error
    _write("--output", output, recording.csv())
    typer.echo(f"{len(recording.points)} steps of {recording.step_seconds} seconds of {balancer} are in {output}.")
