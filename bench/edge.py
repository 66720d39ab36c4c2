"""What the rendered nginx and HAProxy cost beside bare ones: `python -m bench.edge`.

The same servers behind all four, on the same machine. The bare ones pass requests on, by a `proxy_pass` and a `server`
line, with connections to the servers kept, which nobody would leave out, and log as they do where nothing is said:
nginx to a file, HAProxy not at all. The rendered ones have everything on: limits (too high to refuse), the client's
address from a trusted proxy, retries, headers, buffering, compression, a log of JSON.

Three kinds of servers: the example application, asked for its lightest page (an article as JSON, from the process's own
cache); gunicorn with a page that does nothing; and, as the worst case that no application is, an nginx that answers by
itself, so that the balancers alone are what is measured. Rounds are interleaved and the order within a
round turns; figures are medians of rounds, and ratios are those of a round's two figures. The balancer's processor time
for a request counts all its processes, and is the steadiest figure where other work shares the machine. Needs wrk
(Debian's package of that name).
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.applications import Example, Gunicorn
from bench.machine import machine
from bench.table import table
from model.traffic import RateLimit, TrafficPolicy
from render.haproxy import haproxy_cfg
from render.nginx import nginx_conf
from render.places import Edge, Site, StaticFiles, Upstream, networks
from scale.local.servers import Haproxy, Nginx, Primary, Server, free_port

COMMAND = ["wrk", "--latency", "-t1", "-c32"]
HEADERS = ["-H", "X-Forwarded-For: 198.51.100.7", "-H", "X-Forwarded-Proto: https"]
KINDS = {
    "django": "the example application",
    "gunicorn": "gunicorn with a page that does nothing",
    "nginx": "an nginx that answers by itself",
}
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}
TICKS = os.sysconf("SC_CLK_TCK")

_OWN_FILES = """
worker_processes {workers};
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
"""
ANSWERING = (
    _OWN_FILES
    + """
    access_log off;
    keepalive_requests 1000000;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{ default_type text/html; return 200 "{body}"; }}
    }}
}}
"""
)
BARE_NGINX = (
    _OWN_FILES
    + """
    access_log {folder}/access.log;
    upstream django {{ server {backend}; keepalive 32; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://django; proxy_http_version 1.1; proxy_set_header Connection ""; }}
    }}
}}
"""
)
BARE_HAPROXY = """
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend web
    bind 127.0.0.1:{port}
    default_backend django
backend django
    server web {backend}
"""


@dataclass(frozen=True)
class Figures:
    """Requests a second, the milliseconds within which 99 % were answered, the balancer's processor time for each."""

    rate: float
    p99: float
    microseconds: float


def policy() -> TrafficPolicy:
    """Everything on, and limits that refuse nothing: one client here asks more than settings let any client ask."""
    found = TrafficPolicy(connections_per_client=65_535)
    limits = {
        role: RateLimit.model_construct(path=limit.path, per_minute=600_000_000, burst=100_000)
        for role, limit in found.limits.items()
    }
    return found.model_copy(update=limits)


class Bench:
    """The four balancers of one run, and what is behind them."""

    def __init__(self, folder: Path, stack: ExitStack, kind: str) -> None:
        self._folder, self._stack = folder, stack
        self._backend = stack.enter_context(self._application(kind)).address
        self.balancers: dict[str, Server] = {
            "nginx, bare": self._bare_nginx(),
            "nginx, rendered": self._nginx(),
            "HAProxy, bare": self._bare_haproxy(),
            "HAProxy, rendered": self._haproxy(),
        }

    def _application(self, kind: str) -> Server:
        place, port = self._make("backend"), free_port()
        if kind == "django":
            database = self._stack.enter_context(Primary(self._folder / "database"))
            database.create_database()
            return Example(place, port, database)
        if kind == "gunicorn":
            return Gunicorn(place, port)
        return Nginx(place, ANSWERING.format(folder=place, port=port, workers=1, body="x" * 2000), port)

    def _make(self, name: str) -> Path:
        place = self._folder / name
        place.mkdir()
        place.chmod(0o755)
        return place

    def _bare_nginx(self) -> Server:
        place, port = self._make("bare-nginx"), free_port()
        text = BARE_NGINX.format(folder=place, port=port, workers="auto", backend=self._backend)
        return self._stack.enter_context(Nginx(place, text, port))

    def _bare_haproxy(self) -> Server:
        place, port = self._make("bare-haproxy"), free_port()
        return self._stack.enter_context(Haproxy(place, BARE_HAPROXY.format(port=port, backend=self._backend), port))

    def _nginx(self) -> Server:
        place, port = self._make("nginx"), free_port()
        log = str(place / "access.log")
        files: dict[str, Any] = {"run": str(place), "temp": str(place), "access_log": log, "error_log": "stderr"}
        return self._stack.enter_context(Nginx(place, nginx_conf(policy(), Site(**self._front(port), **files)), port))

    def _haproxy(self) -> Server:
        place, port = self._make("haproxy"), free_port()
        edge = Edge(**self._front(port), run=str(place), log="stdout", stats=None)
        return self._stack.enter_context(Haproxy(place, haproxy_cfg(policy(), edge), port))

    def _front(self, port: int) -> dict[str, Any]:
        backend = Upstream("web", self._backend)
        return {
            "servers": (backend,),
            "http": f"127.0.0.1:{port}",
            "trusted_proxies": networks(["127.0.0.0/8"]),
            "static": StaticFiles(31_536_000, 300, None, (backend,)),
        }

    def measure(self, name: str, seconds: int) -> Figures:
        """Ask one of them for a while."""
        balancer = self.balancers[name]
        before = _processor_microseconds(balancer.pid)
        command = [*COMMAND, *HEADERS, f"-d{seconds}s", f"http://{balancer.address}/api/articles/1/"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603
        spent = _processor_microseconds(balancer.pid) - before
        counted, p99 = re.search(r"(\d+) requests in ([\d.]+)s", said), re.search(r"99%\s+([\d.]+)(us|ms|s)", said)
        if counted is None or p99 is None or "Non-2xx" in said or "Socket errors" in said:
            raise SystemExit(f"{name}: requests failed\n{said}")
        number = int(counted[1])
        return Figures(number / float(counted[2]), float(p99[1]) * UNITS[p99[2]], spent / number)


def _processor_microseconds(master: int) -> float:
    """Return the processor time that a process and its children have used."""
    used = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(stat.parent.name) == master or int(fields[1]) == master:
            used += int(fields[11]) + int(fields[12])
    return used / TICKS * 1e6


def report(rounds: list[dict[str, Figures]]) -> str:
    """Return the table of medians, and of the ratios of each round."""
    rows: list[tuple[str, ...]] = []
    for kind in ("nginx", "HAProxy"):
        bare, ours = ([each[f"{kind}, {what}"] for each in rounds] for what in ("bare", "rendered"))
        ratio = statistics.median(mine.rate / plain.rate for mine, plain in zip(ours, bare, strict=True))
        for what, figures in (("bare", bare), ("rendered", ours)):
            middle = [statistics.median(getattr(each, field) for each in figures) for field in Figures.__annotations__]
            shown = f"{ratio:.1%}" if what == "rendered" else ""
            rows.append((f"{kind}, {what}", f"{middle[0]:,.0f}", shown, f"{middle[1]:.2f}", f"{middle[2]:.1f}"))
    return table(("balancer", "requests/s", "of bare", "p99 ms", "processor us"), rows)


def run(kind: str, rounds: int, seconds: int) -> str:
    """Measure before one kind of servers, and return the table."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="django-scale-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)
        bench = Bench(folder, stack, kind)
        names, found = list(bench.balancers), list[dict[str, Figures]]()
        for number in range(rounds + 1):
            turned = names[number % len(names) :] + names[: number % len(names)]
            found.append({name: bench.measure(name, seconds) for name in turned})
    # The first warms up.
    return report(found[1:])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--kind", choices=KINDS, action="append", help="the servers behind; by default each kind")
    given = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed: apt-get install wrk")
    print(f"{machine()}\nMedian of {given.rounds} interleaved rounds of {given.seconds} s, wrk -t1 -c32.")
    for kind in given.kind or KINDS:
        print(f"\nBefore {KINDS[kind]}:\n\n{run(kind, given.rounds, given.seconds)}")


if __name__ == "__main__":
    main()
