"""The system on a terminal: a view that is drawn anew each second, or a plain line now and then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scale.local.observer import Snapshot
from scale.local.supervisor import Event

SHOWN_EVENTS = 8
_STATES = {"in service": "green", "starting": "yellow", "draining": "yellow"}


def view(title: str, snapshot: Snapshot | None, events: Sequence[Event]) -> RenderableType:
    """Return the whole view."""
    parts: list[RenderableType] = [Text(title, style="bold")]
    if snapshot is not None:
        parts += [Text(summary(snapshot)), _servers(snapshot), Text(_data(snapshot))]
    parts += [Text(f"{event.at:%H:%M:%S}  {event.text}", style="dim") for event in list(events)[-SHOWN_EVENTS:]]
    return Group(*parts)


def line(snapshot: Snapshot) -> str:
    """Return one line for a log."""
    when = datetime.fromtimestamp(snapshot.at).astimezone()
    return f"{when:%H:%M:%S}  {summary(snapshot)}  {_data(snapshot)}"


def summary(snapshot: Snapshot) -> str:
    """Return what users get."""
    serving = sum(server.state == "in service" for server in snapshot.servers)
    times = " / ".join("-" if value is None else f"{value:.0f}" for value in snapshot.latency.values())
    return (
        f"{snapshot.requests_per_second:6.1f} requests/s  p50 / p95 / p99 {times} ms  "
        f"{snapshot.errors_per_second:.1f} errors/s  {serving} of {snapshot.desired} servers"
    )


def _servers(snapshot: Snapshot) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name, side in (("server", "left"), ("state", "left"), ("requests/s", "right"), ("% of a core", "right")):
        table.add_column(name, justify="right" if side == "right" else "left")
    for server in snapshot.servers:
        table.add_row(
            server.name,
            Text(server.state, style=_STATES[server.state]),
            f"{server.requests_per_second:.1f}",
            f"{server.processor_percent:.0f}",
        )
    return table


def _data(snapshot: Snapshot) -> str:
    lags = ", ".join(
        f"{name} {'away' if seconds is None else f'{seconds * 1000:.0f} ms'}"
        for name, seconds in snapshot.lag_seconds.items()
    )
    parts = [f"{'-' if snapshot.connections is None else snapshot.connections} connections"]
    parts += [f"lag: {lags}"] if lags else []
    if snapshot.shards:
        away = [name for name, answers in snapshot.shards.items() if not answers]
        hits = "-" if snapshot.hit_percent is None else f"{snapshot.hit_percent:.0f} %"
        parts.append(f"hits of the shared cache {hits}" + (f", away: {', '.join(away)}" if away else ""))
    return "  ".join(parts)
