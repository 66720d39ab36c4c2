"""A replay as one self-contained page: what to put before a team that is to decide."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib import resources

import numpy as np

from scale.simulate import report
from scale.simulate.clairvoyant import VIOLATION_HOURS
from scale.simulate.outcome import Outcome, schedule, step_percentile
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
    tops = _tops(pairs)
    for each, judged in pairs:
        body += _section(each, judged, tops, alone=len(pairs) == 1)
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


def _tops(pairs: Sequence[tuple[Run, Outcome]]) -> tuple[float, float]:
    """Return the upper ends of the load's and the servers' axes, the same for every policy."""
    load = max(_most(_capacity(run)) for run, _ in pairs)
    load = min(load, 3 * max(run.trace.peak for run, _ in pairs))
    servers = max(_most(run.desired) for run, _ in pairs)
    return (max(load, pairs[0][0].trace.peak) * 1.05 or 1.0, servers * 1.15 or 1.0)


def _most(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    known = values[~np.isnan(values)]
    return float(known.max(initial=0.0))


def _capacity(run: Run) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return rates(run.scenario.plant, run.in_service) * 60


def _section(run: Run, outcome: Outcome, tops: tuple[float, float], *, alone: bool) -> list[str]:
    slo = Slo.parse(outcome.slo)
    trace, start, seconds = run.trace, run.trace.start, run.trace.seconds
    policies = list(outcome.decisions)
    best = schedule(run, slo, VIOLATION_HOURS).servers
    load = Curve("load", "requests a minute", trace.counts * 60 / run.trace.step_seconds, filled=True)
    able = Curve("capacity", "what the servers in service can do", _capacity(run), np.nanmin, stepped=True)
    in_service = Curve("servers", "in service", run.in_service, stepped=True)
    desired = Curve("desired", "desired", run.desired, stepped=True)
    needed = Curve("clairvoyant", "clairvoyant", best, stepped=True)
    p95 = step_percentile(run, 0.95) * 1000
    p50 = step_percentile(run, 0.5) * 1000
    highest = round_step(max(_most(p95), slo.seconds * 2000))
    marks = [
        Mark(
            int((each.at - start) / run.trace.step_seconds),
            each.after,
            f"mark k{policies.index(each.policy) % _KINDS}",
            f"{report.stamp(each.at)}: {each.before} to {each.after}, {each.policy}: {each.reason}",
        )
        for each in run.decisions
    ]
    steps = len(trace.counts)
    heading = [] if alone else [f"<h2>{escape(outcome.name)}</h2>"]
    return [
        *heading,
        "<h3>Load against capacity</h3>",
        _legend([("load", "requests a minute"), ("capacity", "capacity in service")]),
        chart("load against capacity", Axis("requests/min", tops[0]), [load, able], start=start, seconds=seconds),
        "<h3>Servers, and each decision by the policy that caused it</h3>",
        _legend(
            [
                ("servers", "in service"),
                ("desired", "desired"),
                ("clairvoyant", "clairvoyant schedule"),
                *((f"mark k{place % _KINDS}", name) for place, name in enumerate(policies)),
            ]
        ),
        chart(
            "servers",
            Axis("servers", tops[1]),
            [needed, desired, in_service],
            start=start,
            seconds=seconds,
            marks=marks,
            steps=steps,
        ),
        "<h3>Response time</h3>",
        _legend([("latency", "p95"), ("median", "p50")]),
        chart(
            "response time",
            Axis("ms", highest, logarithmic=True, bottom=10.0),
            [Curve("latency", "p95", p95), Curve("median", "p50", p50)],
            start=start,
            seconds=seconds,
            level=(slo.seconds * 1000, outcome.slo),
        ),
        _decisions(run),
    ]


def _legend(items: Sequence[tuple[str, str]]) -> str:
    return (
        "<p class=legend>"
        + "".join(f'<span><i class="{style}"></i>{escape(name)}</span>' for style, name in items)
        + "</p>"
    )


def _decisions(run: Run) -> str:
    shown = run.decisions[:MOST_DECISIONS]
    lines = [
        f"<tr><td>{report.stamp(each.at)}</td><td>{each.before} → {each.after}</td><td>{escape(each.policy)}</td>"
        f"<td>{escape(each.reason)}</td></tr>"
        for each in shown
    ]
    cut = "" if len(shown) == len(run.decisions) else f", the first {MOST_DECISIONS} of"
    return (
        f"<details><summary>Decisions{cut} ({len(run.decisions)})</summary><table><thead><tr><th>when (UTC)</th>"
        f"<th>servers</th><th>policy</th><th>why</th></tr></thead><tbody>{''.join(lines)}</tbody></table></details>"
    )
