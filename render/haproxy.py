"""HAProxy's configuration: a balancer of one's own.

Valid from HAProxy 2.6 (Debian 12) on, and so with Amazon Linux's 2.8.
"""

from __future__ import annotations

from model.traffic import TrafficPolicy
from render import tls
from render.locations import health_paths
from render.nginx import COMPRESSED_TYPES, HASHED
from render.places import Edge
from render.templating import template

_METHODS = {"round_robin": "roundrobin", "least_outstanding_requests": "leastconn", "weighted_random": "random(1)"}

# What nginx calls an error is in HAProxy a connection that fails or ends without an answer. An answer that is late is
# not asked for again: HAProxy has no limit to the time of all tries together, and a slow page would load every server.
_CAUSES = {
    "error": ("conn-failure", "empty-response"),
    "timeout": ("conn-failure",),
    "invalid_response": ("junk-response",),
    "http_500": ("500",),
    "http_502": ("502",),
    "http_503": ("503",),
    "http_504": ("504",),
}

_HEAVIEST = 256

_FIELDS = (
    ("time", '"%[date,utime(%Y-%m-%dT%H:%M:%SZ)]"'),
    ("request_id", '"%[var(txn.request_id),json(utf8s)]"'),
    ("client", '"%[src]"'),
    ("method", '"%HM"'),
    ("scheme", '"%[var(txn.https),iif(https,http)]"'),
    ("uri", '"%[var(txn.uri),json(utf8s)]"'),
    ("protocol", '"%HV"'),
    ("status", "%ST"),
    ("bytes", "%B"),
    ("milliseconds", "%Ta"),
    ("backend", '"%b"'),
    ("upstream", '"%s"'),
    ("queue_milliseconds", "%Tw"),
    ("connect_milliseconds", "%Tc"),
    ("upstream_milliseconds", "%Tr"),
    ("retries", '"%rc"'),
    ("termination", '"%ts"'),
    ("user_agent", '"%[var(txn.user_agent),json(utf8s)]"'),
    ("referer", '"%[var(txn.referer),json(utf8s)]"'),
)
_LOG_FORMAT = "{" + ",".join(f'"{name}":{value}' for name, value in _FIELDS) + "}"
# Six characters for each of the texts' at worst (\\u0000), and the rest.
_LOG_LENGTH = 6 * (2048 + 512 + 512) + 2048


def haproxy_cfg(policy: TrafficPolicy, edge: Edge) -> str:
    """Return haproxy.cfg for a traffic policy at an edge."""
    causes = dict.fromkeys(name for cause in policy.retries.causes for name in _CAUSES[cause])
    return template("haproxy.cfg.j2").render(
        policy=policy,
        edge=edge,
        log=f"{edge.log} len {_LOG_LENGTH} format raw local0",
        method=_METHODS[policy.algorithm],
        causes=" ".join(causes) or "none",
        keepalive=_keepalive(policy, edge),
        binds=_binds(edge),
        trusted=" ".join(str(network) for network in edge.trusted_proxies),
        health=_health(policy),
        retry_after={role: -(-limit.window_ms // 1000) for role, limit in policy.limits.items()},
        hosts=_hosts(edge),
        check_host=edge.server_names[0].lstrip(".") if edge.server_names else "localhost",
        most=_most(policy, edge),
        scale=_scale(policy, edge),
        log_format=_LOG_FORMAT,
        hashed=quote(HASHED),
        types=" ".join(COMPRESSED_TYPES),
        quote=quote,
        tls=tls,
    )


def _binds(edge: Edge) -> list[str]:
    proxy = " accept-proxy" if edge.proxy_protocol else ""
    plain = [f"{edge.http}{proxy}"] if edge.http else []
    encrypted = [f"{edge.https} ssl crt {edge.certificate} alpn h2,http/1.1{proxy}"] if edge.https else []
    return plain + encrypted


def _keepalive(policy: TrafficPolicy, edge: Edge) -> str:
    """Return how long a client's idle connection is kept, longer than a balancer in front keeps it."""
    own = policy.timeouts.keepalive_seconds
    seconds = max(own, policy.idle_timeout_seconds + 15) if edge.trusted_proxies else own
    # 0 would be without limit.
    return f"{seconds}s" if seconds else "1ms"


def _health(policy: TrafficPolicy) -> str:
    exact, folder = health_paths(policy)
    return f"var(txn.path) -m str {quote(exact)}" if folder is None else f"var(txn.path) -m beg {quote(folder)}"


def _hosts(edge: Edge) -> str:
    """Return the test of a host that a redirect may lead to; with a dot in front a name stands for all below it."""
    tests = [
        f"{{ var(txn.host) -m {'end' if name.startswith('.') else 'str'} {quote(name)} }}" for name in edge.server_names
    ]
    return " || ".join(tests)


def _most(policy: TrafficPolicy, edge: Edge) -> dict[str, int]:
    """Return the requests that each server is given at once, in proportion to its weight."""
    if policy.pool.connections is None or not edge.servers:
        return {}
    heaviest = max(server.weight for server in edge.servers)
    return {
        server.name: max(1, round(policy.pool.connections * (1 if server.backup else server.weight / heaviest)))
        for server in edge.servers
    }


def _scale(policy: TrafficPolicy, edge: Edge) -> int:
    """Return what to multiply weights by. By lot, a server is as likely as its part of a ring of points, and it has
    few for each unit of its weight: with weights of 3, 3 and 2 the parts are a quarter off their shares."""
    if policy.algorithm != "weighted_random" or not edge.servers:
        return 1
    return _HEAVIEST // max(server.weight for server in edge.servers)


def quote(text: str) -> str:
    """Return text as one word of HAProxy's, in which nothing stands for anything else."""
    return '"' + "".join(f"\\{sign}" if sign in '\\"$' else sign for sign in text) + '"'
