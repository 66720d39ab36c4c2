"""The container's environment: one function writes it, for servers, pods and the stack's output alike.

django-scale-runtime parses exactly these variables; tests hold the two together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from model.metrics import APPLICATION_NAMESPACE
from model.observability import COLLECTOR

if TYPE_CHECKING:
    from model.database import Database
    from model.settings import Settings

_REPLICA_VARIABLE = re.compile(r"DB_REPLICA_\d+_(HOST|PORT|NAME|WEIGHT)")

# On a server and in a pod nginx listens at application.port, and passes requests on to gunicorn at the first of these
# on the loopback interface; gunicorn reaches the database there through PgBouncer at the second.
GUNICORN_PORT = 8001
PGBOUNCER_PORT = 6432

SECRET_KEY = "DJANGO_SECRET_KEY"
DATABASE_PASSWORD = "DB_PASSWORD"
CACHE_PASSWORD = "CACHE_PASSWORD"
SESSION_PASSWORD = "SESSION_PASSWORD"

WRITTEN = frozenset(
    {
        "ACCESS_LOG",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "CACHE_KEY_PREFIX",
        "CACHE_MODE",
        "CACHE_NODES",
        "CACHE_PASSWORD",
        "CACHE_TLS",
        "CACHE_USER",
        "CELERY_BROKER_URL",
        "CELERY_QUEUES",
        "CELERY_QUEUE_URLS",
        "DB_CONN_MAX_AGE",
        "DB_HOST",
        "DB_NAME",
        "DB_PASSWORD",
        "DB_POOLING",
        "DB_POOL_SIZE",
        "DB_PORT",
        "DB_REPLICA_MAX_LAG_SECONDS",
        "DB_REQUEST_ID",
        "DB_SSLMODE",
        "DB_SSLROOTCERT",
        "DB_USER",
        "DJANGO_ALLOWED_HOSTS",
        "DJANGO_BEHIND_TLS",
        "DJANGO_CSRF_TRUSTED_ORIGINS",
        "DJANGO_DEBUG",
        "DJANGO_SCALE_ENVIRONMENT",
        "DJANGO_SCALE_RELEASE",
        "DJANGO_SECRET_KEY",
        "ERROR_TRACKER",
        "GUNICORN_THREADS",
        "LOG_FORMAT",
        "LOG_LEVEL",
        "MEDIA_BUCKET",
        "MEDIA_URL",
        "METRICS_EXPORTER",
        "METRICS_NAMESPACE",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_SERVICE_NAME",
        "OTEL_TRACES_SAMPLER",
        "OTEL_TRACES_SAMPLER_ARG",
        "PORT",
        "REQUEST_ID_HEADERS",
        "SESSION_MODE",
        "SESSION_NODES",
        "SESSION_PASSWORD",
        "SESSION_TLS",
        "SESSION_USER",
        "STATIC_BUCKET",
        "STATIC_URL",
        "WEB_CONCURRENCY",
    }
)
"""Every variable that a stack may write, besides the numbered ones of the replicas."""

TASK_VARIABLES = frozenset({"CELERY_BROKER_URL", "CELERY_QUEUES", "CELERY_QUEUE_URLS"})
"""Those of them that are written only where the stack has tasks, and are an application's own elsewhere."""


@dataclass(frozen=True)
class Endpoints:
    """What exists only once the stack is built: host names, without ports, and addresses."""

    balancer: str
    database: str
    replicas: Sequence[str]
    cache: str | None
    sessions: str | None
    static_bucket: str
    media_bucket: str
    cdn: str
    queues: Mapping[str, str] = field(default_factory=dict[str, str])
    """The URL of each queue of tasks, by its name."""


def is_written(name: str) -> bool:
    """Return whether every stack that has use for the variable `name` writes it itself."""
    return name in WRITTEN - TASK_VARIABLES or _REPLICA_VARIABLE.fullmatch(name) is not None


def secret_variables(settings: Settings) -> tuple[str, ...]:
    """Return the names of the variables whose values come from Secrets Manager."""
    generated = [SECRET_KEY, DATABASE_PASSWORD]
    if settings.cache.data is not None:
        generated.append(CACHE_PASSWORD)
    if settings.cache.sessions is not None:
        generated.append(SESSION_PASSWORD)
    return (*generated, *sorted(settings.secrets))


def container_environment(settings: Settings, endpoints: Endpoints) -> dict[str, str]:
    """Return the plain variables of the container, by name. Secrets are not among them."""
    return {
        **_application(settings, endpoints),
        **_database(settings, endpoints),
        **_caches(settings, endpoints),
        **_storage(endpoints),
        **_tasks(settings, endpoints),
        **_observability(settings),
        **settings.application.environment,
    }


def _application(settings: Settings, endpoints: Endpoints) -> dict[str, str]:
    application = settings.application
    hosts = [application.domain or endpoints.balancer, *application.allowed_hosts]
    scheme = "https" if application.domain else "http"
    return {
        "DJANGO_SCALE_ENVIRONMENT": settings.prefix,
        "AWS_REGION": settings.region,
        "AWS_DEFAULT_REGION": settings.region,
        "DJANGO_DEBUG": "false",
        "DJANGO_ALLOWED_HOSTS": ",".join(hosts),
        "DJANGO_CSRF_TRUSTED_ORIGINS": ",".join(f"{scheme}://{_origin(host)}" for host in hosts),
        "DJANGO_BEHIND_TLS": _flag(application.domain is not None),
        "PORT": str(GUNICORN_PORT),
        "WEB_CONCURRENCY": str(application.workers),
        "GUNICORN_THREADS": str(application.threads),
        # The same for servers and pods: what a pod has of its own must not be a variable.
        "METRICS_EXPORTER": "cloudwatch" if settings.compute.kubernetes is None else "cloudwatch,prometheus",
        "METRICS_NAMESPACE": APPLICATION_NAMESPACE,
    }


def _origin(host: str) -> str:
    """Return an allowed host as CSRF_TRUSTED_ORIGINS has it, where a star stands for what is below a domain."""
    return f"*{host}" if host.startswith(".") else host


def _database(settings: Settings, endpoints: Endpoints) -> dict[str, str]:
    database = settings.database
    variables = {"DB_NAME": database.name, "DB_USER": database.user, "DB_POOLING": database.pooling}
    match database.pooling:
        case "direct":
            variables |= _instances(settings, endpoints)
            variables["DB_CONN_MAX_AGE"] = str(database.connection_max_age_seconds)
        case "psycopg-pool":
            variables |= _instances(settings, endpoints)
            variables["DB_POOL_SIZE"] = str(database.pool_size)
        case "pgbouncer":
            variables |= _pooler(settings)
    for place, replica in enumerate(database.replicas, start=1):
        variables[f"DB_REPLICA_{place}_WEIGHT"] = str(replica.weight)
    if database.replicas:
        variables["DB_REPLICA_MAX_LAG_SECONDS"] = str(database.replica_max_lag_seconds)
    return variables


def _instances(settings: Settings, endpoints: Endpoints) -> dict[str, str]:
    """Return where the database instances are, for processes that connect to them."""
    variables = {
        "DB_HOST": endpoints.database,
        "DB_PORT": str(settings.database.port),
        "DB_SSLMODE": "verify-full",
        "DB_SSLROOTCERT": CERTIFICATES,
    }
    for place, (host, _) in enumerate(zip(endpoints.replicas, settings.database.replicas, strict=True), start=1):
        variables[f"DB_REPLICA_{place}_HOST"] = host
    return variables


def _pooler(settings: Settings) -> dict[str, str]:
    """Return where the server's PgBouncer is. It speaks TLS to the instances; to it a process speaks on loopback."""
    variables = {"DB_HOST": LOOPBACK, "DB_PORT": str(PGBOUNCER_PORT), "DB_SSLMODE": "disable"}
    for place, name in enumerate(pooled_replica_names(settings.database), start=1):
        variables[f"DB_REPLICA_{place}_HOST"] = LOOPBACK
        variables[f"DB_REPLICA_{place}_PORT"] = str(PGBOUNCER_PORT)
        variables[f"DB_REPLICA_{place}_NAME"] = name
    return variables


def pooled_replica_names(database: Database) -> tuple[str, ...]:
    """Return the names by which PgBouncer knows the replicas' databases, in the replicas' order.

    They begin with what no database's own name may begin with.
    """
    return tuple(f"_replica_{place}" for place, _ in enumerate(database.replicas, start=1))


LOOPBACK = "127.0.0.1"

CERTIFICATES = "/etc/django-scale/rds.pem"
"""Where the container finds the certificates that sign the database's: RDS's global bundle."""

CACHE_PORT = 6379
CACHE_USER = "app"


def _caches(settings: Settings, endpoints: Endpoints) -> dict[str, str]:
    variables: dict[str, str] = {}
    if endpoints.cache is not None:
        variables |= {
            "CACHE_MODE": "cluster",
            "CACHE_NODES": f"{endpoints.cache}:{CACHE_PORT}",
            "CACHE_USER": CACHE_USER,
            "CACHE_TLS": "true",
            "CACHE_KEY_PREFIX": settings.prefix,
        }
    if endpoints.sessions is not None:
        variables |= {
            "SESSION_MODE": "cluster",
            "SESSION_NODES": f"{endpoints.sessions}:{CACHE_PORT}",
            "SESSION_USER": CACHE_USER,
            "SESSION_TLS": "true",
        }
    return variables


def _storage(endpoints: Endpoints) -> dict[str, str]:
    return {
        "STATIC_BUCKET": endpoints.static_bucket,
        "STATIC_URL": f"https://{endpoints.cdn}/static/",
        "MEDIA_BUCKET": endpoints.media_bucket,
        "MEDIA_URL": f"https://{endpoints.cdn}/media/",
    }


def _tasks(settings: Settings, endpoints: Endpoints) -> dict[str, str]:
    kubernetes = settings.compute.kubernetes
    if kubernetes is None or kubernetes.tasks is None:
        return {}
    # The default queue first: the runtime takes it for tasks that name none.
    names = list(kubernetes.tasks.queues)
    return {
        "CELERY_BROKER_URL": "sqs://",
        "CELERY_QUEUES": ",".join(names),
        "CELERY_QUEUE_URLS": ",".join(f"{name}={endpoints.queues[name]}" for name in names),
    }


EDGE_HEADERS = {"alb": "X-Amzn-Trace-Id", "haproxy": "X-Request-ID"}
"""The header in which the edge says a request's id: any other would be its client's word."""


def _observability(settings: Settings) -> dict[str, str]:
    seen = settings.observability
    variables = {
        "LOG_FORMAT": "json",
        "LOG_LEVEL": seen.log_level,
        "ACCESS_LOG": _flag(seen.access_log),
        "REQUEST_ID_HEADERS": EDGE_HEADERS[settings.traffic.balancer],
        "DB_REQUEST_ID": seen.database_tags,
        "DJANGO_SCALE_RELEASE": settings.application.release,
    }
    if seen.error_tracker is not None:
        variables["ERROR_TRACKER"] = seen.error_tracker
    if seen.tracing is not None:
        variables |= {
            "OTEL_EXPORTER_OTLP_ENDPOINT": seen.tracing.endpoint or f"http://{COLLECTOR}",
            "OTEL_SERVICE_NAME": settings.prefix,
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": f"{seen.tracing.sample_percent / 100:.15g}",
        }
    return variables


def _flag(value: bool) -> str:
    return "true" if value else "false"
