"""What the commands `scale render ...` do."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model import capacity
from model.environment import CERTIFICATES, GUNICORN_PORT, LOOPBACK
from model.errors import SettingsError
from model.settings import Settings
from render.haproxy import haproxy_cfg
from render.nginx import nginx_conf
from render.pgbouncer import pgbouncer_ini
from render.places import Discovery, Edge, PlaceError, Pooler, Site, StaticFiles, Upstream, networks
from scale.plan import stackfile
from scale.plan.stackfile import ProgramError

DONE, WRONG = 0, 2
"""The exit status: printed or written; the stack, its settings or a place are wrong."""


@dataclass(frozen=True)
class Asked:
    """What the user asked for. None stands for what a server of the stack has."""

    stack: str
    directory: Path
    out: Path | None = None
    servers: Sequence[str] | None = None
    static_servers: Sequence[str] | None = None
    trusted: Sequence[str] | None = None
    http: str | None = None
    https: str | None = None
    certificate: str | None = None
    proxy_protocol: bool = False


def nginx(asked: Asked, *, static_folder: str | None, brotli: str | None) -> int:
    """Print or write nginx.conf; return the exit status."""

    def text(settings: Settings) -> str:
        servers = _servers(asked.servers) or (Upstream("gunicorn", f"{LOOPBACK}:{GUNICORN_PORT}"),)
        places = _front(asked, settings, f"*:{settings.application.port}")
        trusted = networks(asked.trusted) if asked.trusted else settings.network.subnets.public
        static = _static(settings, static_folder, asked.static_servers)
        site = Site(servers=servers, trusted_proxies=trusted, static=static, brotli_modules=brotli, **places)
        return nginx_conf(settings.traffic, site)

    return _give(asked, "nginx.conf", text)


def haproxy(asked: Asked) -> int:
    """Print or write haproxy.cfg; return the exit status."""

    def text(settings: Settings) -> str:
        servers = _servers(asked.servers)
        places = _front(asked, settings, "*:80")
        name, slots = f"web.{settings.prefix}.internal", capacity.largest_fleet(settings)
        discovery = None if servers else Discovery(name, settings.application.port, slots)
        static = _static(settings, None, asked.static_servers)
        trusted = networks(asked.trusted or ())
        edge = Edge(servers=servers, discovery=discovery, trusted_proxies=trusted, static=static, **places)
        return haproxy_cfg(settings.traffic, edge)

    return _give(asked, "haproxy.cfg", text)


def pgbouncer(asked: Asked, primary: str, replicas: Sequence[str] | None) -> int:
    """Print or write pgbouncer.ini; return the exit status."""

    def text(settings: Settings) -> str:
        names = settings.database.replica_names
        if replicas and len(replicas) != len(names):
            raise PlaceError(f"--replica: the stack has {len(names)} replicas, {len(replicas)} are given")
        pooler = Pooler(
            primary=primary,
            replicas=tuple(replicas or names),
            clients=capacity.pooler_clients(settings),
            certificates=CERTIFICATES,
        )
        return pgbouncer_ini(settings.database, pooler)

    return _give(asked, "pgbouncer.ini", text)


def _give(asked: Asked, name: str, text: Callable[[Settings], str]) -> int:
    try:
        rendered = text(stackfile.settings(stackfile.read(asked.directory, asked.stack)))
        if asked.out is None:
            sys.stdout.write(rendered)
        else:
            asked.out.mkdir(parents=True, exist_ok=True)
            path = asked.out / name
            path.write_text(rendered, encoding="utf-8")
            print(path)
    except (ProgramError, SettingsError, PlaceError, OSError) as error:
        print(error, file=sys.stderr)
        return WRONG
    return DONE


def _front(asked: Asked, settings: Settings, http: str) -> dict[str, Any]:
    """Return what nginx and HAProxy are told alike."""
    domain = settings.application.domain
    return {
        "http": None if asked.http == "none" else asked.http or http,
        "https": asked.https,
        "certificate": asked.certificate,
        "server_names": (domain, *settings.application.allowed_hosts) if domain else (),
        "proxy_protocol": asked.proxy_protocol,
    }


def _static(settings: Settings, folder: str | None, servers: Sequence[str] | None) -> StaticFiles | None:
    """Return where static files are; None where they are in a bucket, as on AWS."""
    if folder is None and not servers:
        return None
    storage = settings.storage
    return StaticFiles(storage.hashed_seconds, storage.unhashed_seconds, folder, _servers(servers, "static"))


def _servers(texts: Sequence[str] | None, kind: str = "web") -> tuple[Upstream, ...]:
    """Return the servers that `[NAME=]HOST:PORT[,weight=N][,backup]` stand for. Raises PlaceError for what is none."""
    return tuple(_server(text, f"{kind}{place}") for place, text in enumerate(texts or (), start=1))


def _server(text: str, name: str) -> Upstream:
    place, *options = text.split(",")
    given, separator, address = place.rpartition("=")
    weight, backup = 1, False
    for option in options:
        key, _, value = option.partition("=")
        if key == "weight" and value.isdecimal():
            weight = int(value)
        elif option == "backup":
            backup = True
        else:
            raise PlaceError(f"--server: {option!r} is neither weight=N nor backup")
    return Upstream(given if separator else name, address, weight, backup)
