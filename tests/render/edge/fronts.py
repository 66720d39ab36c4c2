"""nginx and HAProxy before the same servers, told apart by nothing but their kind."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from model.settings import Settings
from model.traffic import TrafficPolicy
from render.haproxy import haproxy_cfg
from render.nginx import nginx_conf
from render.places import Edge, Site, StaticFiles, Upstream, networks
from scale.local.servers import Haproxy, Nginx, free_port
from tests.model.parsing import parse
from tests.render.edge.backend import Backend

Kind = Literal["nginx", "haproxy"]
KINDS: tuple[Kind, ...] = ("nginx", "haproxy")
BROTLI = Path("/usr/lib/nginx/modules/ngx_http_brotli_filter_module.so")
STATS_PASSWORD = "for tests"


def policy(**traffic: Any) -> TrafficPolicy:
    """Return a policy without limits, but for what is said."""
    return settings(**traffic).traffic


def settings(**traffic: Any) -> Settings:
    """Return settings with this traffic."""
    return parse(traffic={"api": None, "login": None, "connections_per_client": None, **traffic})


@dataclass
class Front:
    """A balancer that runs."""

    kind: Kind
    server: Nginx | Haproxy
    folder: Path
    policy: TrafficPolicy
    place: Site | Edge

    @property
    def port(self) -> int:
        """The port of plain HTTP, or of HTTPS where there is no other."""
        address = self.place.http or self.place.https
        assert address is not None
        return int(address.rpartition(":")[2])

    @property
    def tls_port(self) -> int:
        """The port of HTTPS."""
        assert self.place.https is not None
        return int(self.place.https.rpartition(":")[2])

    def log_lines(self) -> list[bytes]:
        """Return the lines of the access log."""
        path = self.folder / ("access.log" if self.kind == "nginx" else "log")
        # HAProxy's log holds what the master says, too.
        return [line for line in path.read_bytes().splitlines() if self.kind == "nginx" or line.startswith(b"{")]

    def logged(self) -> list[dict[str, Any]]:
        """Return the access log."""
        return [json.loads(line) for line in self.log_lines()]


def render(kind: Kind, found: TrafficPolicy, place: Site | Edge) -> str:
    """Return the configuration."""
    if isinstance(place, Site):
        return nginx_conf(found, place)
    return haproxy_cfg(found, place)


def upstreams(
    backends: Sequence[Backend], weights: Sequence[int] = (), backups: Sequence[Backend] = ()
) -> tuple[Upstream, ...]:
    """Return the servers that backends are, the last ones backups."""
    shares = [*weights, *([1] * (len(backends) - len(weights)))]
    plain = [Upstream(each.name, each.address, share) for each, share in zip(backends, shares, strict=True)]
    return (*plain, *(Upstream(each.name, each.address, backup=True) for each in backups))


def place_of(kind: Kind, folder: Path, servers: Sequence[Upstream], **places: Any) -> Site | Edge:
    """Return a place in `folder`; it listens at free ports of loopback."""
    given: dict[str, Any] = {"servers": tuple(servers), "http": f"127.0.0.1:{free_port()}", **places}
    given["trusted_proxies"] = networks(given.get("trusted_proxies", ()))
    if kind == "haproxy":
        edge: dict[str, Any] = {"run": str(folder), "log": "stdout", "stats": None}
        return Edge(**{**edge, **given})
    own: dict[str, Any] = {
        "run": str(folder),
        "temp": str(folder),
        "access_log": str(folder / "access.log"),
        "error_log": "stderr",
        "status": None,
    }
    return Site(**{**own, **given})


@contextmanager
def front(
    kind: Kind, folder: Path, servers: Sequence[Upstream], found: TrafficPolicy | None = None, **places: Any
) -> Generator[Front]:
    """Run nginx or HAProxy before these servers, with what `change` makes of the configuration where it is given."""
    folder = folder / f"{kind}-{free_port()}"
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    found = found or policy()
    environment, change = places.pop("environment", None), places.pop("change", None)
    place = place_of(kind, folder, servers, **places)
    text = render(kind, found, place)
    text = change(text) if change else text
    running = Front(kind, _server(kind, folder, text, environment), folder, found, place)
    running.server.port = running.port
    with running.server:
        yield running


def _server(kind: Kind, folder: Path, text: str, environment: dict[str, str] | None) -> Nginx | Haproxy:
    if kind == "nginx":
        return Nginx(folder, text, 0)
    return Haproxy(folder, text, 0, environment=environment)


__all__ = [
    "BROTLI",
    "KINDS",
    "Edge",
    "Front",
    "Kind",
    "Site",
    "StaticFiles",
    "front",
    "place_of",
    "policy",
    "render",
    "settings",
    "upstreams",
]
