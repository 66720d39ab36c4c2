"""Outcomes for a terminal and as one JSON document."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Group as Lines
from rich.table import Table
from rich.text import Text

from scale.simulate.outcome import Outcome, Percentiles
from scale.simulate.plant.service import ASSUMED
from scale.simulate.run import Run

_LAST_DECISIONS = 8


def stamp(seconds: float) -> str:
    """Return a time in seconds since 1970 as people read it, UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def length(seconds: float) -> str:
    """Return a length of time as people say it."""
    return f"{seconds / 86400:.1f} days" if seconds >= 86400 else f"{seconds / 3600:.1f} hours"


def document(pairs: Sequence[tuple[Run, Outcome]], further: Sequence[str] = ()) -> dict[str, object]:
    """Return everything as plain data: the trace, and each policy's outcome and decisions."""
    run = pairs[0][0]
    return {
        "trace": {
            "name": run.trace.name,
            "start": stamp(run.trace.start),
            "minutes": round(run.trace.seconds / 60),
            "peak_requests_a_minute": run.trace.peak,
            "gaps": run.trace.gaps,
        },
        "policies": [
            {
                **outcome.document(),
                **_settings(each, outcome),
                "decisions_made": [
                    {"at": stamp(one.at), "from": one.before, "to": one.after, "policy": one.policy, "why": one.reason}
                    for one in each.decisions
                ],
            }
            for each, outcome in pairs
        ],
        "notes": [*notes(run, pairs[0][1]), *further],
    }


def _settings(run: Run, outcome: Outcome) -> dict[str, object]:
    """Return the policy of servers; pods have an HPA, which is not in a run."""
    if outcome.unit == "pod":
        return {}
    return {"settings": run.scenario.policy.model_dump(mode="json", exclude_defaults=True)}


def summary(pairs: Sequence[tuple[Run, Outcome]], further: Sequence[str] = ()) -> Lines:
    """Return the terminal's view: one column a policy, what to know about it, `further` notes, the last decisions."""
    run, outcome = pairs[0]
    trace = run.trace
    head = Text(
        f"{trace.name}: {length(trace.seconds)} from {stamp(trace.start)} UTC, peak {trace.peak:,.0f} requests a minute"
    )
    parts: list[Text | Table] = [head, _table([each for _, each in pairs])]
    parts += [Text(note, style="yellow") for note in [*notes(run, outcome), *further]]
    if len(pairs) == 1:
        parts += _decisions(run, outcome)
    return Lines(*parts)


def rows(outcomes: Sequence[Outcome]) -> list[tuple[str, list[str]]]:
    """Return the table's rows: what, and its value for each policy."""
    return [
        ("objective " + outcomes[0].slo, ["met" if each.met else "missed" for each in outcomes]),
        ("requests", [f"{each.requests:,.0f}" for each in outcomes]),
        ("violating", [f"{each.violating:,.0f} ({each.violating_percent:.2f} %)" for each in outcomes]),
        ("minutes missed", [f"{each.missed_minutes:,.0f}" for each in outcomes]),
        ("dropped, timed out", [f"{each.dropped:,.0f}, {each.timed_out:,.0f}" for each in outcomes]),
        ("p50 / p95 / p99", [_times(each.response) for each in outcomes]),
        (f"{outcomes[0].unit} hours", [f"{each.instance_hours:,.1f}" for each in outcomes]),
        ("cost", ["unknown" if each.cost is None else f"${each.cost:,.2f}" for each in outcomes]),
        (f"most {counted(outcomes[0])}", [str(each.largest) for each in outcomes]),
        (
            "clairvoyant, regret",
            [f"{each.clairvoyant_hours:,.1f}, {each.regret_hours:,.1f}" for each in outcomes],
        ),
        (
            "under-provisioned",
            [
                f"{each.elasticity.under_accuracy:.1f} % ({each.elasticity.under_time:.0f} % of time)"
                for each in outcomes
            ],
        ),
        (
            "over-provisioned",
            [f"{each.elasticity.over_accuracy:.1f} % ({each.elasticity.over_time:.0f} % of time)" for each in outcomes],
        ),
        (
            "instability, jitter",
            [f"{each.elasticity.instability:.1f} %, {each.elasticity.jitter:+.3f}/min" for each in outcomes],
        ),
        ("decisions", [", ".join(f"{n} {name}" for name, n in each.decisions.items()) or "none" for each in outcomes]),
    ]


def notes(run: Run, outcome: Outcome) -> list[str]:
    """Return what a reader must know before believing the numbers."""
    found: list[str] = []
    if outcome.source == ASSUMED:
        plant = run.scenario.plant
        found.append(
            f"Service times are {ASSUMED}: {plant.service.mean_seconds * 1000:.0f} ms, {plant.cpu_share:.0%} of it on "
            "the processor. Give measured ones with --calibration."
        )
    if outcome.cost is None and outcome.unit == "instance":
        found.append(f"The price of {run.scenario.servers.instance_type} is not known here; give it with --price.")
    if outcome.silent:
        found.append(f"Never acted: {', '.join(outcome.silent)}.{_why_silent(run, outcome)}")
    if outcome.connection_limited_minutes:
        found.append(f"The database's connections limited the fleet in {outcome.connection_limited_minutes} minutes.")
    if outcome.gaps:
        found.append(f"{outcome.gaps} steps have no record; they are not judged, and the controllers saw no data.")
    return found


def _why_silent(run: Run, outcome: Outcome) -> str:
    held = run.scenario.plant.connections_per_server * run.scenario.servers.max
    connections = run.scenario.policy.database_connections
    if "database-connections" in outcome.silent and connections is not None and held <= connections.above:
        return f" All servers hold {held} connections at most, and the alarm waits for more than {connections.above}."
    return ""


def _times(response: Percentiles) -> str:
    values = (response.p50, response.p95, response.p99)
    if max(values) < 10:
        return " / ".join(f"{each * 1000:.0f}" for each in values) + " ms"
    return " / ".join(f"{each:.1f}" for each in values) + " s"


def _table(outcomes: Sequence[Outcome]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    for each in outcomes:
        table.add_column(each.name, justify="right", overflow="fold")
    for name, values in rows(outcomes):
        table.add_row(name, *values)
    return table


def _decisions(run: Run, outcome: Outcome) -> list[Text | Table]:
    if not run.decisions:
        return []
    table = Table(box=None, pad_edge=False, title="Last decisions", title_justify="left", title_style="bold")
    for name in ("when (UTC)", counted(outcome), "policy", "why"):
        table.add_column(name)
    for each in run.decisions[-_LAST_DECISIONS:]:
        table.add_row(stamp(each.at), f"{each.before} -> {each.after}", each.policy, each.reason)
    return [table]


def counted(outcome: Outcome) -> str:
    """Return what runs, as people call it."""
    return "pods" if outcome.unit == "pod" else "servers"
