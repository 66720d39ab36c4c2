"""nginx's configuration: in front of the application on a server, or before several servers.

Valid from nginx 1.22 (Debian 12) on, and so with Amazon Linux's.
"""

from __future__ import annotations

from model.traffic import RateLimit, TrafficPolicy
from render import tls
from render.locations import Location, health_paths, locations
from render.places import Site
from render.templating import template

_METHODS = {"round_robin": "", "least_outstanding_requests": "least_conn", "weighted_random": "random"}
_CAUSES = {"invalid_response": "invalid_header"}

# How ManifestStaticFilesStorage names a file: twelve digits of its content's MD5 before the extension.
HASHED = r"\.[0-9a-f]{12}(\.[^./]+)?$"

# Text that is UTF-8 (RFC 3629, section 4): runs of ASCII, and what is longer byte by byte.
_UTF8 = (
    r"(?:[\x00-\x7f]++|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}"
    r"|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})*+"
)

# What is worth compressing, besides text/html, which nginx always compresses where it compresses anything. Pictures and
# fonts are compressed already.
COMPRESSED_TYPES = (
    "text/css",
    "text/plain",
    "text/javascript",
    "text/xml",
    "application/javascript",
    "application/json",
    "application/manifest+json",
    "application/xml",
    "application/wasm",
    "image/svg+xml",
)


def nginx_conf(policy: TrafficPolicy, site: Site) -> str:
    """Return nginx.conf for a traffic policy at a site."""
    found = locations(policy, static=site.static is not None)
    return template("nginx.conf.j2").render(
        policy=policy,
        site=site,
        method=_method(policy, site),
        causes=" ".join(_CAUSES.get(cause, cause) for cause in policy.retries.causes) or "off",
        locations=found,
        bursts={role: _burst(limit) for role, limit in policy.limits.items()},
        head=_head,
        refusals={"refused": 1}
        | {refused_by(place.limits): retry_after_seconds(policy, place.limits) for place in found if place.limits},
        refused_by=refused_by,
        health_keys=_health_keys(policy),
        keepalive_seconds=_keepalive_seconds(policy, site),
        hashed=HASHED,
        utf8=_UTF8,
        types=" ".join(COMPRESSED_TYPES),
        tls=tls,
    )


def _burst(limit: RateLimit) -> str:
    """Return what says how many may come at once beyond the first. `burst=0`, though the default, is refused."""
    return f" burst={limit.at_once - 1} nodelay" if limit.at_once > 1 else ""


def refused_by(roles: tuple[str, ...]) -> str:
    """Return the name of the location that answers what these limits refuse."""
    return "_".join(("refused", *roles))


def retry_after_seconds(policy: TrafficPolicy, roles: tuple[str, ...]) -> int:
    """Return the seconds after which a client that one of these limits has refused is served again."""
    return max(-(-60 // policy.limits[role].per_minute) for role in roles)


def _method(policy: TrafficPolicy, site: Site) -> str:
    """Return the balancing method. `random` takes no backup: with one, servers get the same shares by turns."""
    if policy.algorithm == "weighted_random" and any(server.backup for server in site.servers):
        return ""
    return _METHODS[policy.algorithm]


def _keepalive_seconds(policy: TrafficPolicy, site: Site) -> int:
    """Return how long a client's idle connection is kept.

    A balancer in front keeps its own for `idle_timeout_seconds`, and answers 502 to a request that meets one that nginx
    is closing (Elastic Load Balancing guide, "Troubleshoot your Application Load Balancers", HTTP 502).
    """
    own = policy.timeouts.keepalive_seconds
    return max(own, policy.idle_timeout_seconds + 15) if site.trusted_proxies else own


def _head(location: Location) -> str:
    """Return what stands after `location`."""
    return f"= {quote(location.path)}" if location.exact else quote(location.path)


def _health_keys(policy: TrafficPolicy) -> list[str]:
    exact, folder = health_paths(policy)
    keys = [quote(f"~^{_escaped(exact)}$")]
    return keys if folder is None else [quote(f"~^{_escaped(folder)}")]


def _escaped(path: str) -> str:
    """Return a regular expression for the text of a path: every sign that may mean something stands for itself."""
    return "".join(sign if sign.isalnum() or sign in "/_-" else f"\\{sign}" for sign in path)


def quote(text: str) -> str:
    """Return text as one word of nginx's."""
    return (
        text
        if text.replace("/", "").isalnum() or text == "/"
        else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    )
