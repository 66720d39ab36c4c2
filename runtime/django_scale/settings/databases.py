"""DATABASES: the primary, its replicas and the three ways to pool connections."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django_scale.settings.environment import Environment, read

ENGINE = "django_scale.db.backends.postgresql"

# A request waits for a dead primary no longer than this; libpq's own default is for ever.
PRIMARY_CONNECT_SECONDS = 5
# libpq rounds smaller values up to 2. A replica can be replaced, so it is given up sooner.
REPLICA_CONNECT_SECONDS = 2
POOL_WAIT_SECONDS = 5.0
KEEPALIVES: dict[str, int] = {
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}


def _profile(pooling: str, env: Environment) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings of a pooling profile, and its OPTIONS."""
    if pooling == "direct":
        return {
            "CONN_MAX_AGE": env.integer("DB_CONN_MAX_AGE"),
            "CONN_HEALTH_CHECKS": True,
            "DISABLE_SERVER_SIDE_CURSORS": False,
        }, {}
    if pooling == "psycopg-pool":
        # Django refuses a pool with a CONN_MAX_AGE above 0. The health check becomes the pool's own.
        return {
            "CONN_MAX_AGE": 0,
            "CONN_HEALTH_CHECKS": True,
            "DISABLE_SERVER_SIDE_CURSORS": False,
        }, {"pool": {"min_size": 1, "max_size": env.integer("DB_POOL_SIZE"), "timeout": POOL_WAIT_SECONDS}}
    # In transaction mode each transaction may meet another server connection: no cursor outlives one, and a prepared
    # statement is known only where PgBouncer is 1.22 or later with libpq 17.
    return {
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": False,
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }, {"prepare_threshold": None}


def _database(env: Environment, host: str, port: int, name: str, connect_seconds: int) -> dict[str, Any]:
    profile, profile_options = _profile(env.text("DB_POOLING"), env)
    options: dict[str, Any] = {"connect_timeout": connect_seconds, "sslmode": env.text("DB_SSLMODE"), **KEEPALIVES}
    options["application_name"] = env.text("DJANGO_SCALE_ENVIRONMENT") or "django"
    if env.text("DB_SSLROOTCERT"):
        options["sslrootcert"] = env.text("DB_SSLROOTCERT")
    return {
        "ENGINE": ENGINE,
        "HOST": host,
        "PORT": str(port),
        "NAME": name,
        "USER": env.text("DB_USER"),
        "PASSWORD": env.text("DB_PASSWORD"),
        **profile,
        "OPTIONS": {**options, **profile_options},
    }


def databases(env: Environment | None = None, *, base_dir: Path | None = None) -> dict[str, dict[str, Any]]:
    """DATABASES: `default` is the primary, `replica_1`, `replica_2`, ... its replicas; SQLite without DB_HOST.

    Tests see a replica as a mirror of the primary (TEST MIRROR).
    """
    env = env or read()
    if not env.text("DB_HOST"):
        path = (base_dir or Path.cwd()) / "db.sqlite3"
        return {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}}
    host, port, name = env.text("DB_HOST"), env.integer("DB_PORT"), env.text("DB_NAME")
    found = {"default": _database(env, host, port, name, PRIMARY_CONNECT_SECONDS)}
    for replica in env.replicas:
        found[replica.alias] = {
            **_database(env, replica.host, replica.port, replica.name, REPLICA_CONNECT_SECONDS),
            "TEST": {"MIRROR": "default"},
        }
    return found


def routers(env: Environment | None = None) -> list[str]:
    """DATABASE_ROUTERS: the load balancing router where there are replicas."""
    env = env or read()
    return ["django_scale.db.LoadBalancedDatabaseRouter"] if env.replicas else []
