"""CACHES and the sessions on them."""

from __future__ import annotations

from typing import Any

from django_scale.settings.environment import Environment, read

BACKEND = "django_scale.cache.MultiLevelCache"
LOCAL = "django.core.cache.backends.locmem.LocMemCache"
DATABASE = "django_scale.cache.DatabaseCache"


def _store(env: Environment, store: str) -> dict[str, Any]:
    options: dict[str, Any] = {"MODE": "cluster" if env.text(f"{store}_MODE") == "cluster" else "shards"}
    if env.text(f"{store}_USER"):
        options["USERNAME"] = env.text(f"{store}_USER")
    if env.text(f"{store}_PASSWORD"):
        options["PASSWORD"] = env.text(f"{store}_PASSWORD")
    if env.flag(f"{store}_TLS"):
        options["TLS"] = True
    return options


def caches(env: Environment | None = None) -> dict[str, dict[str, Any]]:
    """CACHES: `default` (all levels), `local` (this process), `database` (L3 alone), `sessions`.

    Without CACHE_NODES and SESSION_NODES, these are in local memory.
    """
    env = env or read()
    prefix = env.text("CACHE_KEY_PREFIX")
    l1, l2, l3 = (env.integer(f"CACHE_L{level}_SECONDS") for level in (1, 2, 3))
    found: dict[str, dict[str, Any]] = {
        "local": {"BACKEND": LOCAL, "LOCATION": "local", "TIMEOUT": l1 or 60, "OPTIONS": {"MAX_ENTRIES": 1000}},
    }
    if env.text("DB_HOST"):
        found["database"] = {"BACKEND": DATABASE, "KEY_PREFIX": prefix, "TIMEOUT": l3 or 3600}
    if env.items("CACHE_NODES"):
        levels = {"L1_SECONDS": l1, "L3": "database" if l3 and "database" in found else "", "L3_SECONDS": l3}
        found["default"] = {
            "BACKEND": BACKEND,
            "LOCATION": list(env.items("CACHE_NODES")),
            "KEY_PREFIX": prefix,
            "TIMEOUT": l2,
            "OPTIONS": {**_store(env, "CACHE"), **levels},
        }
    else:
        found["default"] = {"BACKEND": LOCAL, "LOCATION": "default", "KEY_PREFIX": prefix, "TIMEOUT": l2}
    if env.items("SESSION_NODES"):
        # No L1: a session that another process has changed or ended must not be seen as it was.
        found["sessions"] = {
            "BACKEND": BACKEND,
            "LOCATION": list(env.items("SESSION_NODES")),
            "KEY_PREFIX": f"{prefix}-sessions",
            "TIMEOUT": env.integer("SESSION_SECONDS"),
            "OPTIONS": {**_store(env, "SESSION"), "L1_SECONDS": 0},
        }
    return found


def sessions(env: Environment | None = None) -> dict[str, Any]:
    """SESSION_ENGINE and its company: on SESSION_NODES, else in the database."""
    env = env or read()
    found: dict[str, Any] = {"SESSION_COOKIE_AGE": env.integer("SESSION_SECONDS")}
    if env.items("SESSION_NODES"):
        return found | {
            "SESSION_ENGINE": "django.contrib.sessions.backends.cache",
            "SESSION_CACHE_ALIAS": "sessions",
        }
    return found | {"SESSION_ENGINE": "django.contrib.sessions.backends.db"}


def page_cache(env: Environment | None = None) -> dict[str, Any]:
    """CACHE_MIDDLEWARE_*: times of the page cache."""
    env = env or read()
    return {
        "CACHE_MIDDLEWARE_ALIAS": "default",
        "CACHE_MIDDLEWARE_SECONDS": env.integer("PAGE_CACHE_SECONDS"),
        "CACHE_MIDDLEWARE_KEY_PREFIX": "page",
    }
