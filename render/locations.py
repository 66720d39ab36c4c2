"""Which paths are treated alike: those of health checks, of static files, under a limit, and all others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from model.traffic import RateLimit, TrafficPolicy

Kind = Literal["health", "static", "application"]


@dataclass(frozen=True)
class Location:
    """Paths that begin with `path`, or, where `exact`, that path alone.

    `limits` are the roles of the limits that hold there: every limit whose path it begins with.
    """

    path: str
    exact: bool
    kind: Kind
    limits: tuple[str, ...]


def locations(policy: TrafficPolicy, *, static: bool) -> tuple[Location, ...]:
    """Return the locations of a policy, the more particular first; `static` says that static files are served."""
    exact, prefix = health_paths(policy)
    found: dict[tuple[str, bool], Location] = {}
    for path, is_exact in ((exact, True), (prefix, False)):
        if path is not None:
            found[path, is_exact] = Location(path, is_exact, "health", ())
    paths = [limit.path for limit in policy.limits.values()] + ([policy.static_path] if static else [])

    def add(path: str, *, is_exact: bool) -> None:
        kind = "static" if static and path.startswith(policy.static_path) else "application"
        found.setdefault((path, is_exact), Location(path, is_exact, kind, _holding(policy.limits, path)))

    for path in [*paths, "/"]:
        add(path, is_exact=False)
        bare = path.rstrip("/")
        if bare and bare != path:
            # nginx itself would redirect the path without its slash, before any limit and whatever Django thinks of it.
            add(bare, is_exact=True)
    return tuple(sorted(found.values(), key=lambda location: (not location.exact, -len(location.path), location.path)))


def health_paths(policy: TrafficPolicy) -> tuple[str, str | None]:
    """Return the path of the health check, decoded and without its query, and the folder it is in unless that is /."""
    path = policy.health_check.path.partition("?")[0]
    decoded = unquote(path, errors="replace")
    path = decoded if decoded.isprintable() else path
    folder = path[: path.rindex("/") + 1]
    return path, folder if folder != "/" else None


def _holding(limits: dict[str, RateLimit], path: str) -> tuple[str, ...]:
    return tuple(role for role, limit in limits.items() if path.startswith(limit.path))
