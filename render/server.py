"""A server of the fleet: nginx in front of gunicorn, and PgBouncer beside it where the settings say so."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network

from model import capacity
from model.environment import CERTIFICATES, GUNICORN_PORT, LOOPBACK
from model.settings import Settings
from render.cloud_init import Companion
from render.nginx import nginx_conf
from render.pgbouncer import pgbouncer_ini
from render.places import Pooler, Site, Upstream

# Their users' numbers in the images that `images` names by default; any image runs as a number.
_NGINX_USER = 101
_PGBOUNCER_USER = 998
_POOLER_FOLDER = "/run/pgbouncer"


def images(settings: Settings) -> tuple[str, ...]:
    """Return the images that a server pulls."""
    pooler = [settings.images.pgbouncer] if settings.database.pooling == "pgbouncer" else []
    return (settings.application.image, settings.images.nginx, *pooler)


def nginx(settings: Settings) -> Companion:
    """Return nginx at the application's port, which the load balancer in the public subnets asks, or HAProxy."""
    site = Site(
        servers=(Upstream("gunicorn", f"{LOOPBACK}:{GUNICORN_PORT}"),),
        http=f"*:{settings.application.port}",
        trusted_proxies=_balancers(settings),
        access_log="/dev/stdout",
        error_log="stderr",
        status=None,
    )
    return Companion(settings.images.nginx, nginx_conf(settings.traffic, site), _NGINX_USER)


def _balancers(settings: Settings) -> tuple[IPv4Network, ...]:
    """Return where what stands before the servers is. The security groups let nothing else in these reach them."""
    subnets = settings.network.subnets
    # HAProxy stands where the servers do.
    private = settings.traffic.balancer == "haproxy" and settings.network.nat != "none"
    return subnets.private if private else subnets.public


def pgbouncer(settings: Settings, hosts: Sequence[str]) -> Companion | None:
    """Return PgBouncer in front of the database instances at `hosts`, the primary first; None without a pooler."""
    if settings.database.pooling != "pgbouncer":
        return None
    primary, *replicas = hosts
    pooler = Pooler(
        primary=primary,
        replicas=tuple(replicas),
        clients=capacity.pooler_clients(settings),
        users=f"{_POOLER_FOLDER}/users.txt",
        certificates=CERTIFICATES,
        run=_POOLER_FOLDER,
    )
    return Companion(settings.images.pgbouncer, pgbouncer_ini(settings.database, pooler), _PGBOUNCER_USER)
