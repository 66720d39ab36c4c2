"""The container's environment, made local: the stack's own variables, but for where things are and what TLS asks."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from model.environment import TASK_VARIABLES, Endpoints, container_environment, secret_variables
from model.settings import Settings
from scale.local.servers.postgresql import DATABASE, PASSWORD, USER

LOOPBACK = "127.0.0.1"
SECRET = "only for this machine: a local system's signatures are worth nothing elsewhere"  # noqa: S105

_PLACES = frozenset({"DB_HOST", "DB_PORT", "DB_PASSWORD", "CACHE_NODES", "SESSION_NODES", "DJANGO_SECRET_KEY", "PORT"})
"""Variables that say where something is, or a password: they differ between any two systems."""


@dataclass(frozen=True)
class Places:
    """Where the local servers are. Addresses are host:port; `pooler` is the port of PgBouncer where there is one."""

    balancer: str
    database_port: int
    replica_ports: Sequence[int]
    pooler: int | None
    replica_names: Sequence[str]
    """The names of the replicas' databases at the pooler."""
    cache: Sequence[str]
    sessions: Sequence[str]
    static: Path
    """The folder of static files."""
    media: Path
    """The folder of uploads."""


@dataclass(frozen=True)
class Local:
    """The variables of a local server, and in what they differ from the container's, as sentences for a person."""

    variables: Mapping[str, str]
    differences: Sequence[str]


def local_environment(settings: Settings, places: Places, *, workers: int) -> Local:
    """Return the environment of the local servers. `workers` is what each runs of gunicorn's."""
    cloud = container_environment(settings, _endpoints(settings))
    here = _pooled(settings, pooled=places.pooler is not None)
    found = {
        **container_environment(here, _endpoints(here)),
        **_application(settings, cloud, places, workers),
        **_database(places),
    }
    found |= {"CACHE_NODES": ",".join(places.cache)} if places.cache else {}
    found |= {"SESSION_NODES": ",".join(places.sessions)} if places.sessions else {}
    found = {name: value for name, value in found.items() if not _of_the_cloud(name)}
    for name in ("CACHE_TLS", "SESSION_TLS"):
        if name in found:
            found[name] = "false"
    missing = [name for name in settings.secrets if name not in os.environ]
    found |= {name: os.environ[name] for name in settings.secrets if name in os.environ}
    return Local(found, tuple(_differences(cloud, found, missing, secret_variables(settings))))


def _pooled(settings: Settings, *, pooled: bool) -> Settings:
    """Return the settings with PgBouncer, or without it."""
    if pooled == (settings.database.pooling == "pgbouncer"):
        return settings
    database = settings.database.model_copy(update={"pooling": "pgbouncer" if pooled else "direct"})
    return settings.model_copy(update={"database": database})


_CLOUD = frozenset({"DB_SSLROOTCERT", "CACHE_USER", "SESSION_USER", "STATIC_BUCKET", "MEDIA_BUCKET", "ERROR_TRACKER"})


def _of_the_cloud(name: str) -> bool:
    """Return whether a variable is of a service that is not run here: certificates, users of the caches, buckets, the
    collector of traces, the error tracker, Celery's queues."""
    return name in _CLOUD or name in TASK_VARIABLES or name.startswith("OTEL_")


def _endpoints(settings: Settings) -> Endpoints:
    """Return host names that stand for the cloud's."""
    kubernetes = settings.compute.kubernetes
    tasks = kubernetes.tasks if kubernetes is not None else None
    return Endpoints(
        balancer="a-load-balancer.elb.amazonaws.com",
        database="a-database.rds.amazonaws.com",
        replicas=[f"{name}.rds.amazonaws.com" for name in settings.database.replica_names],
        cache="a-cache.amazonaws.com" if settings.cache.data else None,
        sessions="sessions.amazonaws.com" if settings.cache.sessions else None,
        static_bucket="static",
        media_bucket="media",
        cdn="a-distribution.cloudfront.net",
        queues={name: f"https://sqs.amazonaws.com/{name}" for name in tasks.queues} if tasks else {},
    )


def _application(settings: Settings, cloud: Mapping[str, str], places: Places, workers: int) -> dict[str, str]:
    port = places.balancer.rpartition(":")[2]
    origins = [f"http://{host}:{port}" for host in (LOOPBACK, "localhost")]
    return {
        "DJANGO_ALLOWED_HOSTS": f"{cloud['DJANGO_ALLOWED_HOSTS']},{LOOPBACK},localhost",
        "DJANGO_CSRF_TRUSTED_ORIGINS": ",".join([cloud["DJANGO_CSRF_TRUSTED_ORIGINS"], *origins]),
        "DJANGO_BEHIND_TLS": "false",
        "DJANGO_SECRET_KEY": SECRET,
        "WEB_CONCURRENCY": str(workers),
        "STATIC_URL": settings.traffic.static_path,
        "STATIC_ROOT": str(places.static),
        "MEDIA_URL": "/media/",
        "MEDIA_ROOT": str(places.media),
        "METRICS_EXPORTER": "prometheus",
        # nginx and HAProxy say it in this one; the load balancer's own header is a client's word here.
        "REQUEST_ID_HEADERS": "X-Request-ID",
    }


def _database(places: Places) -> dict[str, str]:
    pooled = places.pooler is not None
    found = {
        "DB_HOST": LOOPBACK,
        "DB_PORT": str(places.pooler if pooled else places.database_port),
        "DB_NAME": DATABASE,
        "DB_USER": USER,
        "DB_PASSWORD": PASSWORD,
        "DB_SSLMODE": "disable",
    }
    for place, port in enumerate(places.replica_ports, start=1):
        found[f"DB_REPLICA_{place}_HOST"] = LOOPBACK
        found[f"DB_REPLICA_{place}_PORT"] = str(places.pooler if pooled else port)
        if pooled:
            found[f"DB_REPLICA_{place}_NAME"] = places.replica_names[place - 1]
    return found


def _differences(
    cloud: Mapping[str, str], found: Mapping[str, str], missing: Sequence[str], secret: Sequence[str]
) -> list[str]:
    """Return what differs besides places and passwords."""
    apart = _PLACES | set(secret)
    named = [name for name in cloud if name not in apart and not name.startswith("DB_REPLICA_")]
    lines = [
        f"{name} {found[name]} instead of {cloud[name]}"
        for name in named
        if name in found and found[name] != cloud[name] and not found[name].startswith(cloud[name])
    ]
    more = [
        name for name in named if name in found and found[name] != cloud[name] and found[name].startswith(cloud[name])
    ]
    out = [*(name for name in named if name not in found), *missing]
    new = [name for name in found if name not in cloud and name not in apart and not name.startswith("DB_REPLICA_")]
    lines += [f"{', '.join(more)} with this machine's addresses too"] if more else []
    lines += [f"{', '.join(new)} added"] if new else []
    lines += [f"{', '.join(out)} left out"] if out else []
    return lines
