"""A replay as one self-contained page: what to put before a team that is to decide."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib import resources

import numpy as np

from scale.simulate import report
from scale.simulate.clairvoyant import VIOLATION_HOURS
from scale.simulate.outcome import Outcome, schedule, step_percentile
from scale.simulate.plant.service import Floats
from scale.simulate.run import Run, rates
from scale.simulate.slo import Slo
from scale.simulate.svg import Axis, Curve, Mark, chart, round_step

MOST_DECISIONS = 400
"""Rows of a policy's table; a longer list is cut, and the page says so."""

_KINDS = 6


def render(pairs: Sequence[tuple[Run, Outcome]], further: Sequence[str] = ()) -> str:
    """Return the page as HTML, with `further` notes. It fetches nothing."""
    run, outcome = pairs[0]
    style = (resources.files("scale.simulate") / "page.css").read_text(encoding="utf-8")
    trace = run.trace
    body = [
        f"<h1>{escape(outcome.name)} under {escape(trace.name)}</h1>",
        f"<p class=lead>{report.length(trace.seconds)} from {report.stamp(trace.start)} UTC, peak "
        f"{trace.peak:,.0f} requests a minute; {_fleet(run, outcome)}. Objective {escape(outcome.slo)}.</p>",
        _table([each for _, each in pairs]),
        *(f"<p class=note>{escape(note)}</p>" for note in [*report.notes(run, outcome), *further]),
    ]
    best = [schedule(each, Slo.parse(judged.slo), VIOLATION_HOURS).servers for each, judged in pairs]
    tops = _tops(pairs, best)
    for (each, judged), schedule_of in zip(pairs, best, strict=True):
        body += _section(each, judged, schedule_of, tops, alone=len(pairs) == 1)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(outcome.name)}: simulated scaling</title><style>{style}</style>"
        f"<main>{''.join(body)}</main></html>\n"
    )


def _fleet(run: Run, outcome: Outcome) -> str:
    servers = run.scenario.servers
    if outcome.unit == "pod":
        return f"{servers.min} to {servers.max} pods"
    return f"{servers.min} to {servers.max} servers of {escape(servers.instance_type)}"


def _table(outcomes: Sequence[Outcome]) -> str:
    head = "".join(f"<th>{escape(each.name)}</th>" for each in outcomes)
    lines = [
        f"<tr><th>{escape(name)}</th>{''.join(_cell(value) for value in values)}</tr>"
        for name, values in report.rows(outcomes)
    ]
    return f"<table class=summary><thead><tr><th></th>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _cell(value: str) -> str:
    kind = f" class={value}" if value in ("met", "missed") else ""
    return f"<td{kind}>{escape(value)}</td>"


def _tops(pairs: Sequence[tuple[Run, Outcome]], best: Sequence[Floats]) -> tuple[float, float]:
    """Return the upper ends of the load's and the servers' axes, the same for every policy."""
    load = max(_most(_capacity(run)) for run, _ in pairs)
    load = min(load, 3 * max(run.trace.peak for run, _ in pairs))
    servers = max(*(_most(run.desired) for run, _ in pairs), *(_most(each) for each in best))
    return (max(load, pairs[0][0].trace.peak) * 1.05 or 1.0, servers * 1.15 or 1.0)


def _most(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.max(initial=0.0))


def _capacity(run: Run) -> Floats:
    return rates(run.scenario.plant, run.in_service) * 60


def _section(run: Run, outcome: Outcome, best: Floats, tops: tuple[float, float], *, alone: bool) -> list[str]:
    """Return one policy's charts and its decisions; `best` is the clairvoyant schedule."""
    heading = [] if alone else [f"<h2>{escape(outcome.name)}</h2>"]
    return [
        *heading,
        *_load(run, tops[0]),
        *_servers(run, outcome, best, tops[1]),
        *_latency(run, outcome),
        _decisions(run, report.counted(outcome)),
    ]


def _load(run: Run, top: float) -> list[str]:
    load = Curve("load", "requests a minute", run.trace.counts * 60 / run.trace.step_seconds, filled=True)
    able = Curve("capacity", "what the servers in service can do", _capacity(run), np.nanmin, stepped=True)
    return [
        "<h3>Load against capacity</h3>",
        _legend([("load", "requests a minute"), ("capacity", "capacity in service")]),
        _chart(run, "load against capacity", Axis("requests/min", top), [load, able]),
    ]


def _servers(run: Run, outcome: Outcome, best: Floats, top: float) -> list[str]:
    policies = list(outcome.decisions)
    kinds = {name: f"mark k{place % _KINDS}" for place, name in enumerate(policies)}
    what = report.counted(outcome)
    curves = [
        Curve("clairvoyant", "clairvoyant schedule", best, stepped=True),
        Curve("desired", "desired", run.desired, stepped=True),
        Curve("servers", "in service", run.in_service, stepped=True),
    ]
    marks = [
        Mark(
            int((each.at - run.trace.start) / run.trace.step_seconds),
            each.after,
            kinds[each.policy],
            f"{report.stamp(each.at)}: {each.before} to {each.after}, {each.policy}: {each.reason}",
        )
        for each in run.decisions
    ]
    return [
        f"<h3>{what.capitalize()}, and each decision by the policy that caused it</h3>",
        _legend(
            [*((curve.style, curve.name) for curve in reversed(curves)), *((kinds[name], name) for name in policies)]
        ),
        _chart(run, what, Axis(what, top), curves, marks=marks),
    ]


def _latency(run: Run, outcome: Outcome) -> list[str]:
    slo = Slo.parse(outcome.slo)
    curves = [
        Curve(style, f"p{level * 100:g}", step_percentile(run, level) * 1000)
        for style, level in (("latency", 0.95), ("median", 0.5))
    ]
    top = round_step(max(_most(curves[0].values), slo.seconds * 2000))
    axis = Axis("ms", top, logarithmic=True, bottom=10.0)
    return [
        "<h3>Response time</h3>",
        _legend([(curve.style, curve.name) for curve in curves]),
        _chart(run, "response time", axis, curves, level=(slo.seconds * 1000, outcome.slo)),
    ]


def _chart(
    run: Run,
    title: str,
    axis: Axis,
    curves: Sequence[Curve],
    *,
    marks: Sequence[Mark] = (),
    level: tuple[float, str] | None = None,
) -> str:
    trace = run.trace
    return chart(
        title, axis, curves, start=trace.start, seconds=trace.seconds, marks=marks, level=level, steps=len(trace.counts)
    )


def _legend(items: Sequence[tuple[str, str]]) -> str:
    return (
        "<p class=legend>"
        + "".join(f'<span><i class="{style}"></i>{escape(name)}</span>' for style, name in items)
        + "</p>"
    )


def _decisions(run: Run, what: str) -> str:
    shown = run.decisions[:MOST_DECISIONS]
    lines = [
        f"<tr><td>{report.stamp(each.at)}</td><td>{each.before} → {each.after}</td><td>{escape(each.policy)}</td>"
        f"<td>{escape(each.reason)}</td></tr>"
        for each in shown
    ]
    cut = "" if len(shown) == len(run.decisions) else f"the first {MOST_DECISIONS} of "
    return (
        f"<details><summary>Decisions ({cut}{len(run.decisions)})</summary><table><thead><tr><th>when (UTC)</th>"
        f"<th>{what}</th><th>policy</th><th>why</th></tr></thead><tbody>{''.join(lines)}</tbody></table></details>"
    )
