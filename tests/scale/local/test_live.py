"""What the terminal shows of a moment."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console

from scale.local import live
from scale.local.observer import ServerSeen, Snapshot
from scale.local.supervisor import Event

NOW = datetime(2026, 1, 15, 9, 30, 5, tzinfo=UTC)


def snapshot(**changes: object) -> Snapshot:
    known: dict[str, object] = {
        "at": NOW.timestamp(),
        "requests_per_second": 41.6,
        "errors_per_second": 0.2,
        "latency": {"p50": 12.4, "p95": 88.0, "p99": 240.0},
        "servers": [
            ServerSeen("web-1", "in service", 20.8, 31.0),
            ServerSeen("web-2", "draining", 20.8, 30.0),
        ],
        "lag_seconds": {"reports": 0.004, "reads": None},
        "hit_percent": 71.0,
        "connections": 12,
        "desired": 1,
        "shards": {"cache/master-0": True, "cache/master-1": False},
    }
    return Snapshot(**(known | changes))  # type: ignore[reportArgumentType]


def drawn(found: Snapshot | None, events: Sequence[Event] = ()) -> str:
    out = io.StringIO()
    Console(file=out, width=120).print(live.view("prod", found, events))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def test_the_view_says_what_users_get_who_serves_and_how_the_data_is() -> None:
    assert drawn(snapshot(), [Event(NOW, "web-1 serves again")]) == (
        "prod\n"
        "  41.6 requests/s  p50 / p95 / p99 12 / 88 / 240 ms  0.2 errors/s  1 of 1 servers\n"
        "server  state       requests/s  % of a core\n"
        "web-1   in service        20.8           31\n"
        "web-2   draining          20.8           30\n"
        "12 connections  lag: reports 4 ms, reads away  hits of the shared cache 71 %, away: cache/master-1\n"
        "09:30:05  web-1 serves again"
    )


def test_before_the_first_look_there_is_its_title() -> None:
    assert drawn(None) == "prod"


def test_what_is_not_known_is_not_made_up() -> None:
    nothing = dict.fromkeys(("p50", "p95", "p99"))
    found = drawn(snapshot(latency=nothing, hit_percent=None, connections=None, lag_seconds={}))
    assert "p50 / p95 / p99 - / - / - ms" in found
    assert "\n- connections  hits of the shared cache -, away" in found


def test_a_line_is_the_same_in_one_line_with_the_time_of_day() -> None:
    found = live.line(snapshot())
    assert "\n" not in found
    assert found.endswith("away: cache/master-1")
