"""A server that runs HAProxy: its configuration, and its user data."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from model import capacity
from model.haproxy import HEALTH_PORT, HTTP_PORT, HTTPS_PORT
from model.settings import Settings
from render.cloud_init import Companion, packed
from render.haproxy import haproxy_cfg
from render.places import Edge, Slots
from render.templating import template

# The number of its user in Docker's official image; any image runs as a number.
_USER = 99
_FOLDER = "/run/haproxy"
CERTIFICATE = f"{_FOLDER}/certificate.pem"
"""The certificate, as HAProxy knows it."""


@dataclass(frozen=True)
class HaproxyServer:
    """What a server of HAProxy is told: where it is, and whom it asks for the application's servers."""

    haproxy: Companion
    region: str
    log_group: str
    target_group_arn: str
    """The target group of the application's servers."""
    port: int
    """Where they listen."""
    interval_seconds: int
    draining_seconds: int
    certificate_arn: str | None
    """An exportable certificate; None where there is no HTTPS."""
    registries: tuple[str, ...] = ()


def haproxy(settings: Settings) -> Companion:
    """Return HAProxy in front of an environment's servers, which it is told of while it runs."""
    domain = settings.application.domain
    edge = Edge(
        slots=Slots(port=settings.application.port, count=places(settings), health=f"*:{HEALTH_PORT}"),
        http=f"*:{HTTP_PORT}",
        https=f"*:{HTTPS_PORT}" if domain else None,
        certificate=CERTIFICATE if domain else None,
        server_names=(domain, *settings.application.allowed_hosts) if domain else (),
        run=_FOLDER,
        log="stdout",
        # It tells what it does to the control socket, which root alone reads.
        stats=None,
    )
    return Companion(settings.images.haproxy, haproxy_cfg(settings.traffic, edge), _USER)


def places(settings: Settings) -> int:
    """Return for how many servers there is place: those of a refresh at the fleet's largest, and those that leave."""
    budgets = capacity.capacity(settings)
    # A forecast lifts the fleet to twice its maximum at most.
    return budgets.servers_during_refresh * (4 if budgets.open_ended else 2)


def user_data(server: HaproxyServer) -> bytes:
    """Return the script, compressed where it is too long. Raises ValueError when it is longer than EC2 takes."""
    return packed(cloud_init(server), "the HAProxy servers' user data", "this is a mistake of the program")


def cloud_init(server: HaproxyServer) -> str:
    """Return the script that starts HAProxy and keeps it told of its servers."""
    return template("haproxy-server.sh.j2").render(
        haproxy=server.haproxy,
        program=_program(),
        region=server.region,
        log_group=shlex.quote(server.log_group),
        target_group=shlex.quote(server.target_group_arn),
        port=server.port,
        interval_seconds=server.interval_seconds,
        draining_seconds=server.draining_seconds,
        certificate=None if server.certificate_arn is None else shlex.quote(server.certificate_arn),
        certificate_name=CERTIFICATE,
        registries=server.registries,
    )


@cache
def _program() -> str:
    return (Path(__file__).with_name("programs") / "haproxy_servers.py").read_text(encoding="utf-8")
