"""What sections of the settings do to each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from model import environment, instances
from model.fields import Problem
from model.observability import COLLECTOR_PORTS

if TYPE_CHECKING:
    from model.kubernetes import Kubernetes
    from model.network import Network
    from model.settings import Settings


def architecture(settings: Settings) -> Iterator[Problem]:
    """Yield instance types on which the image does not run."""
    wanted = settings.application.architecture
    types: dict[str, str] = {}
    if settings.compute.servers:
        first, *others = settings.servers.types
        types["servers.instance_type"] = first
        types |= {f"servers.other_instance_types[{index}]": name for index, name in enumerate(others)}
    if settings.compute.kubernetes is not None:
        types |= {f"compute.kubernetes.{key}": name for key, name in settings.compute.kubernetes.instance_types.items()}
    if settings.traffic.balancer == "haproxy":
        types["traffic.haproxy.instance_type"] = settings.traffic.haproxy.type_for(wanted)
    for key, name in types.items():
        found = instances.architecture(name)
        if found != wanted:
            yield Problem(key, f"must be {wanted}, as the image is (application.architecture), is {name!r}, {found}")


def kubernetes(kubernetes: Kubernetes, network: Network) -> Iterator[Problem]:
    """Yield what the network does not give the cluster."""
    if network.nat == "none":
        yield Problem("network.nat", "must be single or per-zone with compute.kubernetes: nodes have no public address")
    for key, zones in kubernetes.zones.items():
        if any(zone > network.zones for zone in zones):
            yield Problem(
                f"compute.kubernetes.{key}", f"must be at most network.zones ({network.zones}), is {max(zones)}"
            )


def port(settings: Settings) -> Iterator[Problem]:
    """Yield the ports at which another program of a server or a pod listens: they share a network."""
    taken = {environment.GUNICORN_PORT: "gunicorn"}
    if settings.database.pooling == "pgbouncer":
        taken[environment.PGBOUNCER_PORT] = "PgBouncer"
    if settings.compute.servers and settings.observability.collects:
        taken |= dict.fromkeys(COLLECTOR_PORTS, "the collector of traces")
    port = settings.application.port
    if port in taken:
        yield Problem("application.port", f"must not be {port}, where {taken[port]} listens beside nginx")


def balancer(settings: Settings) -> Iterator[Problem]:
    """Yield what HAProxy servers behind a Network Load Balancer do not go with."""
    traffic, scaling = settings.traffic, settings.scaling
    if traffic.balancer != "haproxy":
        return
    if settings.compute.kubernetes is not None:
        yield Problem("traffic.balancer", "must be alb with compute.kubernetes: HAProxy is told of servers alone")
    beside = "with traffic.balancer haproxy"
    if traffic.firewall is not None:
        text = f"must be null {beside}: AWS WAF stands before no Network Load Balancer; HAProxy holds the limits"
        yield Problem("traffic.firewall", text)
    for key, value in (
        ("requests_per_target", scaling.requests_per_target),
        ("response_time", scaling.response_time),
    ):
        if value is not None:
            text = f"must be null {beside}: a Network Load Balancer measures no requests; scale by cpu_percent"
            yield Problem(f"scaling.{key}", text)
    shortest = 2 * traffic.haproxy.interval_seconds
    if traffic.draining_seconds < shortest:
        text = f"must be at least twice traffic.haproxy.interval_seconds ({shortest}), is {traffic.draining_seconds}"
        yield Problem("traffic.draining_seconds", text)
