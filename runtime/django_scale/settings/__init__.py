"""Django's settings from the environment variables of the stack.

At the end of a project's settings module:

    from django_scale.settings import scaled

    scaled(globals())

or piece by piece: `DATABASES = databases()`, `CACHES = caches()`, and so on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django_scale.settings.caches import caches, page_cache, sessions
from django_scale.settings.databases import databases, routers
from django_scale.settings.environment import ConfigurationError, Environment, read
from django_scale.settings.http import middleware, security, storages
from django_scale.settings.logs import logging

__all__ = [
    "ConfigurationError",
    "Environment",
    "caches",
    "celery",
    "databases",
    "logging",
    "middleware",
    "page_cache",
    "read",
    "routers",
    "runtime_options",
    "scaled",
    "security",
    "sessions",
    "storages",
]


def runtime_options(env: Environment | None = None) -> dict[str, Any]:
    """DJANGO_SCALE: the options of `django_scale.conf.Options` that the environment decides."""
    env = env or read()
    return {
        "ENVIRONMENT": env.text("DJANGO_SCALE_ENVIRONMENT"),
        "REGION": env.text("AWS_REGION"),
        "REPLICA_WEIGHTS": {replica.alias: replica.weight for replica in env.replicas},
        "MAX_LAG_SECONDS": env.number("DB_REPLICA_MAX_LAG_SECONDS"),
        "MAX_LAG_BYTES": env.integer("DB_REPLICA_MAX_LAG_BYTES"),
        # Twice: a replica that a cookie would still keep a session from is left out long before the cookie ends.
        "STICKY_SECONDS": 2 * env.number("DB_REPLICA_MAX_LAG_SECONDS"),
        "METRICS_EXPORTER": env.items("METRICS_EXPORTER"),
        "METRICS_NAMESPACE": env.text("METRICS_NAMESPACE"),
        "WORKER_CAPACITY": env.integer("GUNICORN_THREADS"),
        "CELERY_QUEUES": env.items("CELERY_QUEUES"),
        "CELERY_BROKER_URL": env.text("CELERY_BROKER_URL"),
        "CELERY_QUEUE_URLS": env.pairs("CELERY_QUEUE_URLS"),
        "REQUEST_ID_HEADERS": env.items("REQUEST_ID_HEADERS"),
        "ACCESS_LOG": env.flag("ACCESS_LOG"),
        "DATABASE_TAGS": _database_tags(env),
        "RELEASE": env.text("DJANGO_SCALE_RELEASE"),
    }


def _transport(env: Environment) -> dict[str, Any]:
    """Options of Kombu's SQS transport: the queues that there are, so that it asks to list and to make none."""
    queues = env.pairs("CELERY_QUEUE_URLS")
    if not queues:
        return {}
    # 20 s is the longest poll there is (SQS, ReceiveMessage, WaitTimeSeconds): an empty queue is asked most rarely.
    predefined = {name: {"url": url} for name, url in queues.items()}
    return {"region": env.text("AWS_REGION"), "predefined_queues": predefined, "wait_time_seconds": 20}


def celery(env: Environment | None = None) -> dict[str, Any]:
    """Celery's settings, for `config_from_object("django.conf:settings", namespace="CELERY")`."""
    env = env or read()
    if not env.text("CELERY_BROKER_URL"):
        return {}
    found: dict[str, Any] = {"CELERY_BROKER_URL": env.text("CELERY_BROKER_URL")}
    if env.items("CELERY_QUEUE_URLS"):
        found["CELERY_BROKER_TRANSPORT_OPTIONS"] = _transport(env)
        found["CELERY_TASK_DEFAULT_QUEUE"] = next(iter(env.pairs("CELERY_QUEUE_URLS")))
        # SQS has no broadcast: remote control would make a queue for each worker.
        found["CELERY_WORKER_ENABLE_REMOTE_CONTROL"] = False
    return found


def _database_tags(env: Environment) -> str:
    chosen = env.text("DB_REQUEST_ID")
    # PgBouncer gives each transaction's server its client's application_name first, at a round trip of its own.
    return "comment" if chosen == "both" and env.text("DB_POOLING") == "pgbouncer" else chosen


def scaled(namespace: dict[str, Any], env: Environment | None = None) -> None:
    """Fill a settings module, given as `globals()`, from the environment.

    Sets DATABASES, DATABASE_ROUTERS, CACHES, STORAGES, LOGGING, MIDDLEWARE, the session and security settings. What the
    module has in CACHES, DATABASE_ROUTERS and DJANGO_SCALE stays and wins; its MIDDLEWARE and INSTALLED_APPS are
    added to.
    ConfigurationError names every variable that is wrong or missing.
    """
    env = env or read()
    base = namespace.get("BASE_DIR")
    namespace.update(security(env))
    namespace.update(sessions(env))
    namespace.update(page_cache(env))
    namespace["DATABASES"] = databases(env, base_dir=Path(base) if base else None)
    namespace["DATABASE_ROUTERS"] = [*namespace.get("DATABASE_ROUTERS", []), *routers(env)]
    namespace["CACHES"] = caches(env) | namespace.get("CACHES", {})
    namespace["STORAGES"] = storages(env) | namespace.get("STORAGES", {})
    namespace["LOGGING"] = namespace.get("LOGGING") or logging(env)
    own = namespace.get("MIDDLEWARE")
    namespace["MIDDLEWARE"] = middleware(env=env) if own is None else middleware(own, env)
    installed = list(namespace.get("INSTALLED_APPS", []))
    namespace["INSTALLED_APPS"] = installed if "django_scale" in installed else [*installed, "django_scale"]
    namespace["DJANGO_SCALE"] = runtime_options(env) | namespace.get("DJANGO_SCALE", {})
    for name in ("STATIC_URL", "MEDIA_URL"):
        if env.text(name):
            namespace[name] = env.text(name).rstrip("/") + "/"
    for name in ("STATIC_ROOT", "MEDIA_ROOT"):
        if env.text(name):
            namespace[name] = env.text(name)
    namespace.setdefault("STATIC_URL", "static/")
    namespace.setdefault("DEFAULT_AUTO_FIELD", "django.db.models.BigAutoField")
    namespace.setdefault("USE_TZ", True)
    namespace.setdefault("TIME_ZONE", "UTC")
    namespace.update(celery(env))
