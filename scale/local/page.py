"""The system as a web page that draws itself anew each second, on a port of its own."""

from __future__ import annotations

import asyncio
import json
import math
import threading
from bisect import bisect_left
from collections.abc import Sequence
from html import escape
from importlib import resources
from itertools import pairwise

import numpy as np
from aiohttp import web

from scale.local.observer import Observer, Snapshot
from scale.local.servers.ports import free_port
from scale.local.supervisor import Event
from scale.simulate.svg import Axis, Curve, chart, round_step

PATH = "/scale/"
SHOWN_SECONDS = 300
SHOWN_EVENTS = 30

_SCRIPT = """
const stream = new EventSource("events");
stream.onmessage = event => {
  for (const [id, html] of Object.entries(JSON.parse(event.data))) document.getElementById(id).innerHTML = html;
  document.body.className = "live";
};
stream.onerror = () => { document.body.className = "lost"; };
"""


def shell(title: str, about: Sequence[str]) -> str:
    """Return the page that the events fill. It fetches nothing but them."""
    style = (resources.files("scale.simulate") / "page.css").read_text(encoding="utf-8")
    own = (resources.files("scale.local") / "page.css").read_text(encoding="utf-8")
    notes = "".join(f"<p class=note>{escape(each)}</p>" for each in about)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{style}{own}</style></head><body><main><h1>{escape(title)}</h1>"
        '<p class="lead" id="summary">Waiting for the first second.</p><p class="lost-note">The system has ended.</p>'
        '<div id="servers" class="servers" aria-label="servers"></div>'
        '<h3>Load</h3><div id="load"></div><h3>Response time</h3>'
        '<p class="legend"><span><i class="latency"></i>p95</span><span><i class="median"></i>p50</span></p>'
        '<div id="latency"></div><h3>Servers</h3>'
        '<p class="legend"><span><i class="servers"></i>in service</span>'
        '<span><i class="desired"></i>desired</span></p>'
        '<div id="count"></div><h3>Data</h3><div id="data"></div><h3>Events</h3><div id="events"></div>'
        f"{notes}</main><script>{_SCRIPT}</script></body></html>\n"
    )


def parts(history: Sequence[Snapshot], events: Sequence[Event]) -> dict[str, str]:
    """Return what the page shows now: HTML by the identifier of its place."""
    now = history[-1]
    recent = [each for each in history if each.at > now.at - SHOWN_SECONDS]
    start = recent[0].at
    seconds = max(1.0, now.at - start)
    shown = evenly(recent)
    rates = np.array([each.requests_per_second for each in shown])
    p50, p95 = (np.array([_number(each.latency[level]) for each in shown]) for level in ("p50", "p95"))
    serving = np.array([float(sum(s.state == "in service" for s in each.servers)) for each in shown])
    desired = np.array([float(each.desired) for each in shown])
    slowest = float(np.nanmax(p95)) if not np.isnan(p95).all() else 0.0
    most = max(float(serving.max()), float(desired.max()), 1.0)
    return {
        "summary": _summary(now),
        "servers": "".join(_server(now, index) for index in range(len(now.servers))),
        "load": chart(
            "requests a second",
            Axis("requests/s", round_step(max(float(rates.max()), 1.0))),
            [Curve("load", "requests a second", rates, filled=True)],
            start=start,
            seconds=seconds,
        ),
        "latency": chart(
            "response time",
            Axis("ms", round_step(max(slowest, 100.0)), logarithmic=True, bottom=1.0),
            [Curve("latency", "p95", p95), Curve("median", "p50", p50)],
            start=start,
            seconds=seconds,
        ),
        "count": chart(
            "servers",
            Axis("servers", most + 1),
            [Curve("desired", "desired", desired, stepped=True), Curve("servers", "in service", serving, stepped=True)],
            start=start,
            seconds=seconds,
        ),
        "data": _data(now),
        "events": _events(events),
    }


def evenly(history: Sequence[Snapshot]) -> list[Snapshot]:
    """Return, for as many equal spans of the time, what was seen nearest to the middle of each.

    A chart's values are equally far apart; the looks of a busy machine are not.
    """
    at = [each.at for each in history]
    bounds = [(one + next_one) / 2 for one, next_one in pairwise(at)]
    step = (at[-1] - at[0]) / len(at)
    return [history[bisect_left(bounds, at[0] + (place + 0.5) * step)] for place in range(len(at))]


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _summary(now: Snapshot) -> str:
    p95 = now.latency["p95"]
    slow = "" if p95 is None else f", p95 {p95:.0f} ms"
    return f"{now.requests_per_second:.1f} requests a second{slow}, {now.errors_per_second:.1f} errors a second"


def _server(now: Snapshot, index: int) -> str:
    server = now.servers[index]
    width = min(100.0, server.processor_percent)
    return (
        f'<div class="server {server.state.replace(" ", "-")}"><b>{escape(server.name)}</b><span>{server.state}</span>'
        f"<span>{server.requests_per_second:.1f}/s</span>"
        f'<span class="bar" title="{server.processor_percent:.0f} % of a core">'
        f'<i style="width:{width:.0f}%"></i></span></div>'
    )


def _data(now: Snapshot) -> str:
    rows = [("connections to the primary", "-" if now.connections is None else str(now.connections))]
    rows += [
        (f"{name} behind the primary", "away" if lag is None else f"{lag * 1000:.0f} ms")
        for name, lag in now.lag_seconds.items()
    ]
    if now.shards:
        rows.append(("hits of the shared cache", "-" if now.hit_percent is None else f"{now.hit_percent:.0f} %"))
        rows += [(f"{name}", "away") for name, answers in now.shards.items() if not answers]
    cells = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return f"<table class=summary><tbody>{cells}</tbody></table>"


def _events(events: Sequence[Event]) -> str:
    rows = [f"<tr><td>{each.at:%H:%M:%S}</td><td>{escape(each.text)}</td></tr>" for each in reversed(events)]
    return f"<table><tbody>{''.join(rows[:SHOWN_EVENTS])}</tbody></table>" if rows else "<p class=lead>None yet.</p>"


class Page:
    """Serves the page from a thread of its own."""

    def __init__(self, observer: Observer, title: str, about: Sequence[str], port: int | None = None) -> None:
        self._observer, self._title, self._about = observer, title, about
        self.port = port or free_port()
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._serving = threading.Event()
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="page", daemon=True)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}{PATH}"

    def start(self) -> None:
        """Begin to serve. OSError where the port is taken."""
        self._thread.start()
        self._serving.wait()
        if self._failed is not None:
            raise self._failed

    def stop(self) -> None:
        """End."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        application = web.Application()
        application.router.add_get("/", self._home)
        application.router.add_get(PATH, self._shell)
        application.router.add_get(f"{PATH}events", self._events)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", self.port).start()
        except OSError as error:
            self._failed = error
        self._serving.set()
        if self._failed is None:
            await self._ended.wait()
        await runner.cleanup()

    async def _home(self, request: web.Request) -> web.Response:
        raise web.HTTPFound(PATH)

    async def _shell(self, request: web.Request) -> web.Response:
        return web.Response(text=shell(self._title, self._about), content_type="text/html")

    async def _events(self, request: web.Request) -> web.StreamResponse:
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        seen: Snapshot | None = None
        while not self._ended.is_set():
            history = list(self._observer.history)
            if history and history[-1] is not seen:
                seen = history[-1]
                text = json.dumps(parts(history, self._observer.events))
                try:
                    await response.write(f"data: {text}\n\n".encode())
                except ConnectionResetError:
                    break
            await asyncio.sleep(0.2)
        return response
