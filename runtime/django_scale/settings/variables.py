"""The environment variables that a deployment writes and this package reads: one table, no second list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "secret", "integer", "number", "boolean", "list", "nodes", "pairs", "choice", "choices"]


@dataclass(frozen=True)
class Variable:
    """One environment variable.

    `name` may hold `<n>`, a replica's number counted from 1. `minimum` and `maximum` are inclusive and in the unit
    of the
    value. `default` is what an absent variable means; None: no value.
    """

    name: str
    kind: Kind
    default: str | int | float | bool | tuple[str, ...] | None
    purpose: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def secret(self) -> bool:
        """True when the value may not be shown or logged."""
        return self.kind == "secret"

    @property
    def numbered(self) -> bool:
        """True for a variable that each replica has."""
        return "<n>" in self.name


SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
POOLING = ("direct", "psycopg-pool", "pgbouncer")
EXPORTERS = ("none", "prometheus", "cloudwatch", "emf")
TAGS = ("both", "application_name", "comment", "none")
# nginx's, or another proxy's own; and that of an Application Load Balancer.
ID_HEADERS = ("X-Request-ID", "X-Amzn-Trace-Id")
# Those of the OpenTelemetry specification that need no service.
SAMPLERS = (
    "parentbased_traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "traceidratio",
    "always_on",
    "always_off",
)
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

DAY = 86_400
YEAR = 365 * DAY

VARIABLES: tuple[Variable, ...] = (
    Variable("DJANGO_SCALE_ENVIRONMENT", "text", None, "name of the environment, such as shop-prod"),
    Variable("DJANGO_SCALE_RELEASE", "text", None, "version, in traces and error reports"),
    Variable("AWS_REGION", "text", None, "region of the CloudWatch exporter"),
    Variable("DJANGO_SECRET_KEY", "secret", None, "SECRET_KEY"),
    Variable("DJANGO_ALLOWED_HOSTS", "list", (), "ALLOWED_HOSTS"),
    Variable("DJANGO_CSRF_TRUSTED_ORIGINS", "list", (), "CSRF_TRUSTED_ORIGINS, each with its scheme"),
    Variable("DJANGO_BEHIND_TLS", "boolean", False, "TLS ends at a trusted proxy: secure cookies, HSTS"),
    Variable("DJANGO_DEBUG", "boolean", None, "DEBUG; true only when no variable is set at all"),
    Variable("DB_HOST", "text", None, "primary, or PgBouncer"),
    Variable("DB_PORT", "integer", 5432, "port of the primary, or of PgBouncer", 1, 65535),
    Variable("DB_NAME", "text", None, "database"),
    Variable("DB_USER", "text", None, "user"),
    Variable("DB_PASSWORD", "secret", None, "password"),
    Variable("DB_SSLMODE", "choice", "require", "libpq's sslmode", choices=SSL_MODES),
    Variable("DB_SSLROOTCERT", "text", None, "libpq's sslrootcert: a file, or system"),
    Variable("DB_POOLING", "choice", "direct", "pooling profile", choices=POOLING),
    Variable("DB_POOL_SIZE", "integer", 4, "connections of a process and alias (psycopg-pool)", 1, 1000),
    Variable("DB_CONN_MAX_AGE", "integer", 60, "seconds that a connection is kept (direct)", 0, DAY),
    Variable("DB_REPLICA_<n>_HOST", "text", None, "replica, or PgBouncer"),
    Variable("DB_REPLICA_<n>_PORT", "integer", None, "port; default DB_PORT", 1, 65535),
    Variable("DB_REPLICA_<n>_NAME", "text", None, "database; default DB_NAME"),
    Variable("DB_REPLICA_<n>_WEIGHT", "integer", 1, "share of the reads; 0 drains the replica", 0, 1000),
    Variable("DB_REPLICA_MAX_LAG_SECONDS", "number", 30.0, "a replica further behind is left out", 0.1, DAY),
    Variable("DB_REPLICA_MAX_LAG_BYTES", "integer", 256 * 2**20, "a replica further behind is left out", 1, 2**50),
    Variable("DB_REQUEST_ID", "choice", "both", "how SQL carries the request's id", choices=TAGS),
    Variable("CACHE_MODE", "choice", "cluster", "Redis Cluster, or independent servers", choices=("cluster", "shards")),
    Variable("CACHE_NODES", "nodes", (), "host:port of the cache; one entry is a configuration endpoint"),
    Variable("CACHE_USER", "text", None, "user of the cache"),
    Variable("CACHE_PASSWORD", "secret", None, "password of the cache"),
    Variable("CACHE_TLS", "boolean", False, "TLS to the cache"),
    Variable("CACHE_KEY_PREFIX", "text", None, "prefix of keys; default DJANGO_SCALE_ENVIRONMENT"),
    Variable("CACHE_L1_SECONDS", "integer", 60, "longest time in process memory; 0: no L1", 0, YEAR),
    Variable("CACHE_L2_SECONDS", "integer", 300, "default timeout of the cache", 1, YEAR),
    Variable("CACHE_L3_SECONDS", "integer", 3600, "longest time in the database; 0: no L3", 0, YEAR),
    Variable("PAGE_CACHE_SECONDS", "integer", 600, "page cache; 0: none", 0, YEAR),
    Variable("SESSION_MODE", "choice", "single", "Redis Cluster, or one server", choices=("cluster", "single")),
    Variable("SESSION_NODES", "nodes", (), "host:port of the session store"),
    Variable("SESSION_USER", "text", None, "user of the session store"),
    Variable("SESSION_PASSWORD", "secret", None, "password of the session store"),
    Variable("SESSION_TLS", "boolean", False, "TLS to the session store"),
    Variable("SESSION_SECONDS", "integer", DAY, "age of a session", 60, YEAR),
    Variable("STATIC_BUCKET", "text", None, "bucket of static files"),
    Variable("STATIC_ROOT", "text", None, "folder of static files, without STATIC_BUCKET; default the project's"),
    Variable("STATIC_URL", "text", None, "URL of static files"),
    Variable("MEDIA_BUCKET", "text", None, "bucket of uploads"),
    Variable("MEDIA_ROOT", "text", None, "folder of uploads, without MEDIA_BUCKET; default the project's"),
    Variable("MEDIA_URL", "text", None, "URL of uploads"),
    Variable("METRICS_EXPORTER", "choices", ("none",), "where metrics go; one, or several", choices=EXPORTERS),
    Variable("METRICS_NAMESPACE", "text", "Django/Application", "namespace in CloudWatch"),
    Variable("CELERY_QUEUES", "list", (), "queues whose length is a metric"),
    Variable("CELERY_QUEUE_URLS", "pairs", (), "queue=URL of each queue in Amazon SQS; the first is the default"),
    Variable("CELERY_BROKER_URL", "secret", None, "broker of Celery; a URL that may hold a password"),
    Variable("PORT", "integer", 8000, "port of the server", 1, 65535),
    Variable("WEB_CONCURRENCY", "integer", 1, "worker processes", 1, 1024),
    Variable("GUNICORN_THREADS", "integer", 1, "threads of a worker", 1, 1024),
    Variable("LOG_LEVEL", "choice", "INFO", "least level that is logged", choices=LOG_LEVELS),
    Variable("LOG_FORMAT", "choice", None, "json or text; json when any variable is set", choices=("json", "text")),
    Variable("ACCESS_LOG", "boolean", None, "a line for each request; true when any variable is set"),
    Variable("REQUEST_ID_HEADERS", "list", ID_HEADERS, "where the edge says a request's id; the first that is there"),
    Variable("SENTRY_DSN", "secret", None, "address of Sentry (extra `sentry`)"),
    Variable("ERROR_TRACKER", "text", None, "package.module:function that starts another error tracker"),
    Variable("OTEL_EXPORTER_OTLP_ENDPOINT", "text", None, "where traces go (extra `otel`)"),
    Variable("OTEL_EXPORTER_OTLP_HEADERS", "secret", None, "headers for it, name=value, such as a key"),
    Variable("OTEL_SERVICE_NAME", "text", None, "the traces' service; default DJANGO_SCALE_ENVIRONMENT"),
    Variable("OTEL_TRACES_SAMPLER", "choice", "parentbased_traceidratio", "which are traced", choices=SAMPLERS),
    Variable("OTEL_TRACES_SAMPLER_ARG", "number", 0.05, "share of requests that is traced", 0, 1),
)

# Set on developers' machines for other reasons: alone, they do not mean a deployment.
AMBIENT = frozenset(
    {"AWS_REGION", "LOG_LEVEL", "LOG_FORMAT", "ACCESS_LOG", "SENTRY_DSN"}
    | {variable.name for variable in VARIABLES if variable.name.startswith("OTEL_")}
)
