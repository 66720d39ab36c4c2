"""The setting DJANGO_SCALE as typed options: what a project may change, with its default and unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from django_scale.settings.variables import TAGS


@dataclass(frozen=True)
class Options:
    """DJANGO_SCALE, its keys in upper case. Times are in seconds.

    `replica_weights` maps an alias of DATABASES to its share of the reads. `primary_apps` are the labels of
    applications
    that always read from the primary. `metrics_exporter` is one of none, prometheus, cloudwatch and emf, or several.
    `primary_fallback_limit` is the number of requests of a process that may
    read from the primary at once while no replica serves (None: no cap).
    """

    environment: str = ""
    region: str = ""
    replica_weights: Mapping[str, int] = field(default_factory=lambda: dict[str, int]())
    primary_apps: frozenset[str] = frozenset()
    max_lag_seconds: float = 30.0
    max_lag_bytes: int = 256 * 2**20
    probe_interval: float = 1.0
    probe_timeout: float = 2.0
    ejection_seconds: float = 5.0
    ejection_max_seconds: float = 60.0
    primary_fallback_limit: int | None = None
    sticky: str = "cookie"
    sticky_cookie: str = "django_scale_lsn"
    sticky_seconds: float = 60.0
    health_required: frozenset[str] = frozenset({"database", "migrations"})
    health_path: str = "/health/"
    health_timeout: float = 2.0
    health_cache_seconds: float = 1.0
    drain_seconds: float = 0.0
    metrics_exporter: frozenset[str] = frozenset()
    metrics_namespace: str = "Django/Application"
    metrics_directory: str = ""
    metrics_path: str = "/metrics"
    metrics_interval: float = 60.0
    worker_capacity: int = 1
    celery_queues: tuple[str, ...] = ()
    celery_broker_url: str = ""
    celery_queue_urls: Mapping[str, str] = field(default_factory=lambda: dict[str, str]())
    request_id_headers: tuple[str, ...] = ("X-Request-ID", "X-Amzn-Trace-Id")
    access_log: bool = False
    database_tags: str = "none"
    release: str = ""


def _coerce(name: str, value: Any) -> Any:
    if name in {"primary_apps", "health_required"}:
        return frozenset(value)
    if name == "metrics_exporter":
        return frozenset([value] if isinstance(value, str) else value) - {"none"}
    return tuple(value) if name in {"celery_queues", "request_id_headers"} else value


@lru_cache(maxsize=1)
def options() -> Options:
    """The options of the project; ImproperlyConfigured names a key that does not exist."""
    given: dict[str, Any] = dict(getattr(settings, "DJANGO_SCALE", {}))
    known = {f.name.upper() for f in fields(Options)}
    unknown = sorted(set(given) - known)
    if unknown:
        raise ImproperlyConfigured(f"DJANGO_SCALE has no option {unknown[0]!r}")
    values = Options(**{key.lower(): _coerce(key.lower(), value) for key, value in given.items()})
    if values.database_tags not in TAGS:
        raise ImproperlyConfigured(f"DJANGO_SCALE['DATABASE_TAGS'] is one of {', '.join(TAGS)}")
    if values.sticky not in {"cookie", "session"}:
        raise ImproperlyConfigured("DJANGO_SCALE['STICKY'] is cookie or session")
    return values


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "DJANGO_SCALE":
        options.cache_clear()


setting_changed.connect(_forget, dispatch_uid="django_scale.conf")
