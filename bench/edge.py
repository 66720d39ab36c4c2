"""What the rendered nginx and HAProxy cost beside a bare one: `python -m bench.edge`.

The same server behind all four, on the same machine. The bare ones pass requests on: a `proxy_pass` and a `server`
line, with connections to the server kept, which nobody would leave out. The rendered ones have everything on: limits
(too high to refuse), the client's address from a trusted proxy, retries, headers, buffering, compression, a JSON log.
Rounds are interleaved and the order within a round turns; figures are medians of rounds, and ratios are those of a
round's two figures. Needs wrk (Debian's package of that name).
"""

from __future__ import annotations

import argparse
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

from bench.machine import machine
from bench.table import table
from model.traffic import RateLimit, TrafficPolicy
from render.haproxy import haproxy_cfg
from render.nginx import nginx_conf
from render.places import Edge, Site, StaticFiles, Upstream, networks
from scale.local.servers import Haproxy, Nginx, free_port

PATH = "/api/articles/"
CLIENT = "X-Forwarded-For: 198.51.100.7"
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


@dataclass(frozen=True)
class Figures:
    """Requests a second, and the milliseconds within which 99 % of them were answered."""

    rate: float
    p99: float


def policy() -> TrafficPolicy:
    """Everything on, and limits that refuse nothing."""
    return TrafficPolicy(
        api=RateLimit(path="/api/", per_minute=2_000_000, burst=10_000),
        login=RateLimit(path="/auth/login/", per_minute=2_000_000, burst=10_000),
        connections_per_client=65_535,
    )


BACKEND = """
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{ default_type text/html; return 200 "{body}"; }}
    }}
}}
"""
BARE_NGINX = """
worker_processes auto;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
    access_log {log};
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    upstream django {{ server {backend}; keepalive 32; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://django; proxy_http_version 1.1; proxy_set_header Connection ""; }}
    }}
}}
"""
BARE_HAPROXY = """
global
    log {log}
defaults
    mode http
    {httplog}
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend web
    bind 127.0.0.1:{port}
    default_backend django
backend django
    server web {backend}
"""


class Bench:
    """The servers of one run, in one folder."""

    def __init__(self, folder: Path, stack: ExitStack, seconds: int, *, logged: bool) -> None:
        self._folder, self._stack, self._seconds, self._logged = folder, stack, seconds, logged
        port = free_port()
        self._backend = f"127.0.0.1:{port}"
        place = self._make("backend")
        text = BACKEND.format(folder=place, port=port, body="x" * 2000)
        stack.enter_context(Nginx(place, text, port))

    def ports(self) -> dict[str, int]:
        """Start all four; return where they listen."""
        return {
            "nginx, bare": self._bare_nginx(),
            "nginx, rendered": self._nginx(),
            "HAProxy, bare": self._bare_haproxy(),
            "HAProxy, rendered": self._haproxy(),
        }

    def _make(self, name: str) -> Path:
        place = self._folder / name
        place.mkdir()
        place.chmod(0o755)
        return place

    def _bare_nginx(self) -> int:
        place, port = self._make("bare-nginx"), free_port()
        log = place / "access.log" if self._logged else "off"
        text = BARE_NGINX.format(folder=place, port=port, backend=self._backend, log=log)
        self._stack.enter_context(Nginx(place, text, port))
        return port

    def _nginx(self) -> int:
        place, port = self._make("nginx"), free_port()
        site = Site(
            **self._front(port),
            run=str(place),
            temp=str(place),
            access_log=str(place / "access.log"),
            error_log="stderr",
            status=None,
        )
        self._stack.enter_context(Nginx(place, nginx_conf(policy(), site), port))
        return port

    def _bare_haproxy(self) -> int:
        place, port = self._make("bare-haproxy"), free_port()
        log = "stdout format raw local0"
        httplog = "log global\n    option httplog" if self._logged else ""
        text = BARE_HAPROXY.format(port=port, backend=self._backend, log=log, httplog=httplog)
        self._stack.enter_context(Haproxy(place, text, port))
        return port

    def _haproxy(self) -> int:
        place, port = self._make("haproxy"), free_port()
        edge = Edge(**self._front(port), run=str(place), log="stdout", stats=None)
        self._stack.enter_context(Haproxy(place, haproxy_cfg(policy(), edge), port))
        return port

    def _front(self, port: int) -> dict[str, Any]:
        backend = Upstream("web", self._backend)
        return {
            "servers": (backend,),
            "http": f"127.0.0.1:{port}",
            "trusted_proxies": networks(["127.0.0.0/8"]),
            "static": StaticFiles(31_536_000, 300, None, (backend,)),
        }

    def measure(self, port: int) -> Figures:
        """Ask one of them for a while."""
        command = [
            "wrk",
            "--latency",
            "-t1",
            "-c32",
            f"-d{self._seconds}s",
            "-H",
            CLIENT,
            f"http://127.0.0.1:{port}{PATH}",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
        if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
            raise SystemExit(f"requests failed:\n{done.stdout}")
        rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
        p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", done.stdout)
        if rate is None or p99 is None:
            raise SystemExit(f"wrk said what is not understood:\n{done.stdout}")
        return Figures(float(rate[1]), float(p99[1]) * UNITS[p99[2]])


def report(rounds: list[dict[str, Figures]]) -> str:
    """Return the table of medians, and of the ratios of each round."""
    rows: list[tuple[str, ...]] = []
    for kind in ("nginx", "HAProxy"):
        bare, ours = ([each[f"{kind}, {what}"] for each in rounds] for what in ("bare", "rendered"))
        ratios = [mine.rate / plain.rate for mine, plain in zip(ours, bare, strict=True)]
        gained = f"{statistics.median(ratios):.1%}"
        for name, figures, shown in ((f"{kind}, bare", bare, ""), (f"{kind}, rendered", ours, gained)):
            rate, p99 = (statistics.median(getattr(each, field) for each in figures) for field in ("rate", "p99"))
            rows.append((name, f"{rate:,.0f}", f"{p99:.2f}", shown))
    return table(("balancer", "requests/s", "p99 ms", "of bare"), rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--bare-log", action="store_true", help="the bare ones write their own access logs")
    given = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed: apt-get install wrk")
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="django-scale-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)
        bench = Bench(folder, stack, given.seconds, logged=given.bare_log)
        ports = bench.ports()
        names = list(ports)
        rounds: list[dict[str, Figures]] = []
        for number in range(given.rounds + 1):
            turned = names[number % len(names) :] + names[: number % len(names)]
            rounds.append({name: bench.measure(ports[name]) for name in turned})
    # The first warms up.
    print(f"{machine()}\nMedian of {given.rounds} interleaved rounds of {given.seconds} s, wrk -t1 -c32.\n")
    print(report(rounds[1:]))


if __name__ == "__main__":
    main()
