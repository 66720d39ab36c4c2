"""Middleware, hosts, TLS and static files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django_scale.settings.environment import Environment, read

HEALTH = "django_scale.health.HealthMiddleware"
LOG = "django_scale.logs.RequestLogMiddleware"
METRICS = "django_scale.metrics.ScalingMetricsMiddleware"
ROUTING_BY_COOKIE = "django_scale.db.RoutingMiddleware"
UPDATE_CACHE = "django.middleware.cache.UpdateCacheMiddleware"
FETCH_CACHE = "django_scale.cache.pages.FetchFromCacheMiddleware"
# Mozilla's intermediate profile, version 6.0: two years.
HSTS_SECONDS = 63_072_000

PLAIN = (
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
)


def middleware(own: Sequence[str] = PLAIN, env: Environment | None = None) -> list[str]:
    """MIDDLEWARE around the project's `own`: health before host validation, the request's id, metrics around the rest.

    The page cache is added with CACHE_NODES and PAGE_CACHE_SECONDS above 0. Names that `own` already has are not
    repeated.
    """
    env = env or read()
    pages = bool(env.items("CACHE_NODES")) and env.integer("PAGE_CACHE_SECONDS") > 0 and UPDATE_CACHE not in own
    outer = [HEALTH, LOG, METRICS, ROUTING_BY_COOKIE]
    # UpdateCacheMiddleware stands first of those that may add to Vary, FetchFromCacheMiddleware last.
    outer += [UPDATE_CACHE] if pages else []
    inner = [FETCH_CACHE] if pages else []
    return [name for name in outer if name not in own] + list(own) + inner


def security(env: Environment | None = None) -> dict[str, Any]:
    """Hosts, secret key, and what TLS in front of the application asks for."""
    env = env or read()
    debug = env.flag("DJANGO_DEBUG")
    found: dict[str, Any] = {
        "DEBUG": debug,
        "ALLOWED_HOSTS": list(env.items("DJANGO_ALLOWED_HOSTS")),
        "CSRF_TRUSTED_ORIGINS": list(env.items("DJANGO_CSRF_TRUSTED_ORIGINS")),
    }
    if env.text("DJANGO_SECRET_KEY"):
        found["SECRET_KEY"] = env.text("DJANGO_SECRET_KEY")
    elif debug:
        found["SECRET_KEY"] = "insecure, for development only"  # noqa: S105  # refused outside DEBUG by read()
    if env.flag("DJANGO_BEHIND_TLS"):
        found |= {
            "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
            "SESSION_COOKIE_SECURE": True,
            "CSRF_COOKIE_SECURE": True,
            "SECURE_HSTS_SECONDS": HSTS_SECONDS,
        }
    return found


def _bucket(env: Environment, bucket: str, url: str) -> dict[str, Any]:
    options: dict[str, Any] = {"bucket_name": env.text(bucket), "querystring_auth": False}
    if env.text("AWS_REGION"):
        options["region_name"] = env.text("AWS_REGION")
    host, _, path = env.text(url).partition("://")[2].strip("/").partition("/")
    if host:
        options["custom_domain"] = host
    if path:
        options["location"] = path
    return options


def storages(env: Environment | None = None) -> dict[str, dict[str, Any]]:
    """STORAGES: buckets where they are named (extra `s3`), else the file system.

    Static files carry a hash in their names outside DEBUG: only then may they be cached for ever.
    """
    env = env or read()
    hashed = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
    static: dict[str, Any] = {"BACKEND": plain if env.flag("DJANGO_DEBUG") else hashed}
    media: dict[str, Any] = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    if env.text("STATIC_BUCKET"):
        options = _bucket(env, "STATIC_BUCKET", "STATIC_URL")
        static = {"BACKEND": "storages.backends.s3.S3ManifestStaticStorage", "OPTIONS": options}
    if env.text("MEDIA_BUCKET"):
        # Two uploads of one name are two files.
        options = _bucket(env, "MEDIA_BUCKET", "MEDIA_URL") | {"file_overwrite": False}
        media = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    return {"default": media, "staticfiles": static}
