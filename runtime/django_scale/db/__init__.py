"""Routing between a primary and its replicas.

`DatabaseRouter` and `LoadBalancedDatabaseRouter` go into DATABASE_ROUTERS, `RoutingMiddleware` into MIDDLEWARE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django_scale.db.middleware import RoutingMiddleware
    from django_scale.db.pool import ReplicasUnavailableError, replicas_exhausted
    from django_scale.db.routers import DatabaseRouter, LoadBalancedDatabaseRouter, using_primary
    from django_scale.db.scope import note_write

__all__ = [
    "DatabaseRouter",
    "LoadBalancedDatabaseRouter",
    "ReplicasUnavailableError",
    "RoutingMiddleware",
    "note_write",
    "replicas_exhausted",
    "using_primary",
]

_HOMES = {
    "DatabaseRouter": "routers",
    "LoadBalancedDatabaseRouter": "routers",
    "ReplicasUnavailableError": "pool",
    "RoutingMiddleware": "middleware",
    "note_write": "scope",
    "replicas_exhausted": "pool",
    "using_primary": "routers",
}


def __getattr__(name: str) -> Any:
    # Django imports the backend from this package while `django.db` itself is still being set up.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
