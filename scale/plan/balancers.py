"""What stands before the application's servers, in words."""

from __future__ import annotations

from collections.abc import Sequence

from scale.plan.properties import text
from scale.plan.recording import Recording, Resource

# The component whose group of servers stands before the application's.
_PROXIES = "django-scale:compute:HaproxyServers"


def balancer_title(balancer: Resource) -> str:
    """Return what a balancer is."""
    return "Network Load Balancer" if _is_network(balancer) else "Application Load Balancer"


def scheme(listeners: Sequence[str]) -> str:
    """Return what visitors speak to listeners such as `HTTPS 443`, or to those behind `TCP 443`."""
    return "HTTPS" if any(each.startswith("HTTPS") or each == "TCP 443" for each in listeners) else "HTTP"


def servers_title(update: Recording, group: Resource) -> str:
    """Return what the servers of a group are."""
    owner = update.resources.get(group.parent)
    return "HAProxy" if owner is not None and owner.type == _PROXIES else "Servers"


def arrow(balancer: Resource, servers: str, port: str) -> str:
    """Return what a balancer sends to `servers` at `port`."""
    if not _is_network(balancer):
        return f"HTTP {port}".rstrip()
    # It sends the application's servers nothing, and judges them.
    return "TCP" if servers == "HAProxy" else "health checks"


def _is_network(balancer: Resource) -> bool:
    return text(balancer, "loadBalancerType") == "network"
