"""Django's settings from the environment."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from django_scale.logs import JsonFormatter
from django_scale.settings import caches, databases, middleware, read, scaled, storages
from django_scale.settings.http import FETCH_CACHE, HEALTH, LOG, METRICS, ROUTING_BY_COOKIE, UPDATE_CACHE

GIVEN = {
    "DJANGO_SCALE_ENVIRONMENT": "shop-prod",
    "DJANGO_SECRET_KEY": "s",
    "DJANGO_ALLOWED_HOSTS": "a.example, b.example",
    "DB_HOST": "db",
    "DB_NAME": "app",
    "DB_USER": "app",
    "DB_PASSWORD": "p",
    "DB_REPLICA_1_HOST": "r1",
    "CACHE_NODES": "c1:6379,c2:6379",
    "SESSION_NODES": "s1:6379",
}


def test_the_direct_profile() -> None:
    found = databases(
        read(GIVEN | {"DB_CONN_MAX_AGE": "120", "DB_SSLROOTCERT": "/ca.pem", "DB_SSLMODE": "verify-full"})
    )
    for alias in ("default", "replica_1"):
        settings, options = found[alias], found[alias]["OPTIONS"]
        assert settings["CONN_MAX_AGE"] == 120
        assert settings["CONN_HEALTH_CHECKS"] is True
        assert settings["DISABLE_SERVER_SIDE_CURSORS"] is False
        assert (options["sslmode"], options["sslrootcert"]) == ("verify-full", "/ca.pem")
        assert options["application_name"] == "shop-prod"
        assert "pool" not in options
    assert found["replica_1"]["TEST"] == {"MIRROR": "default"}


def test_the_psycopg_pool_profile() -> None:
    settings = databases(read(GIVEN | {"DB_POOLING": "psycopg-pool", "DB_POOL_SIZE": "7"}))["default"]
    assert settings["CONN_MAX_AGE"] == 0, "Django refuses a pool with persistent connections"
    assert settings["CONN_HEALTH_CHECKS"] is True
    assert settings["OPTIONS"]["pool"]["max_size"] == 7


def test_the_pgbouncer_profile() -> None:
    settings = databases(read(GIVEN | {"DB_POOLING": "pgbouncer"}))["default"]
    assert settings["CONN_MAX_AGE"] == 0
    assert settings["DISABLE_SERVER_SIDE_CURSORS"] is True
    assert settings["OPTIONS"]["prepare_threshold"] is None
    assert "pool" not in settings["OPTIONS"]


def test_without_variables_there_is_sqlite_and_local_memory(tmp_path: Path) -> None:
    namespace: dict[str, Any] = {"BASE_DIR": tmp_path, "INSTALLED_APPS": ["mine"]}
    scaled(namespace, read({}))
    assert namespace["DATABASES"]["default"]["ENGINE"].endswith("sqlite3")
    assert namespace["CACHES"]["default"]["BACKEND"].endswith("LocMemCache")
    assert namespace["DEBUG"] is True
    assert namespace["DATABASE_ROUTERS"] == []
    assert namespace["INSTALLED_APPS"] == ["mine", "django_scale"]


def test_caches() -> None:
    found = caches(
        read(GIVEN | {"CACHE_MODE": "shards", "CACHE_TLS": "true", "CACHE_USER": "u", "CACHE_PASSWORD": "p"})
    )
    default = found["default"]
    assert default["LOCATION"] == ["c1:6379", "c2:6379"]
    assert default["TIMEOUT"] == 300
    assert default["OPTIONS"] == {
        "MODE": "shards",
        "USERNAME": "u",
        "PASSWORD": "p",
        "TLS": True,
        "L1_SECONDS": 60,
        "L3": "database",
        "L3_SECONDS": 3600,
    }
    assert default["KEY_PREFIX"] == "shop-prod"
    assert found["sessions"]["TIMEOUT"] == 86400
    assert found["sessions"]["OPTIONS"]["L1_SECONDS"] == 0
    assert found["database"]["TIMEOUT"] == 3600
    assert found["local"]["TIMEOUT"] == 60


def test_middleware_goes_around_the_projects_own() -> None:
    assert middleware(["a", "b"], read(GIVEN)) == [
        *(HEALTH, LOG, METRICS, ROUTING_BY_COOKIE, UPDATE_CACHE),
        *("a", "b"),
        FETCH_CACHE,
    ]
    assert middleware(["a", ROUTING_BY_COOKIE], read({})) == [HEALTH, LOG, METRICS, "a", ROUTING_BY_COOKIE]
    assert UPDATE_CACHE not in middleware(["a"], read(GIVEN | {"PAGE_CACHE_SECONDS": "0"}))


def test_behind_tls() -> None:
    namespace: dict[str, Any] = {}
    scaled(namespace, read(GIVEN | {"DJANGO_BEHIND_TLS": "true", "DJANGO_CSRF_TRUSTED_ORIGINS": "https://a.example"}))
    assert namespace["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X_FORWARDED_PROTO", "https")
    assert namespace["SESSION_COOKIE_SECURE"] is namespace["CSRF_COOKIE_SECURE"] is True
    assert namespace["SECURE_HSTS_SECONDS"] == 63072000
    assert namespace["ALLOWED_HOSTS"] == ["a.example", "b.example"]
    assert namespace["SESSION_ENGINE"] == "django.contrib.sessions.backends.cache"
    plain: dict[str, Any] = {}
    scaled(plain, read(GIVEN))
    assert "SECURE_PROXY_SSL_HEADER" not in plain, "without a proxy, anyone could send the header"


def test_what_the_project_says_wins() -> None:
    namespace: dict[str, Any] = {"DJANGO_SCALE": {"PRIMARY_APPS": ["billing"]}, "CACHES": {"local": {"BACKEND": "own"}}}
    scaled(namespace, read(GIVEN | {"GUNICORN_THREADS": "8"}))
    assert namespace["DJANGO_SCALE"]["PRIMARY_APPS"] == ["billing"]
    assert namespace["DJANGO_SCALE"]["WORKER_CAPACITY"] == 8
    assert namespace["CACHES"]["local"] == {"BACKEND": "own"}


def test_storages() -> None:
    found = storages(
        read(GIVEN | {"STATIC_BUCKET": "b", "STATIC_URL": "https://cdn.example/static", "MEDIA_BUCKET": "m"})
    )
    assert found["staticfiles"]["BACKEND"] == "storages.backends.s3.S3ManifestStaticStorage"
    assert found["staticfiles"]["OPTIONS"]["custom_domain"] == "cdn.example"
    assert found["staticfiles"]["OPTIONS"]["location"] == "static"
    assert found["default"]["OPTIONS"]["file_overwrite"] is False
    assert storages(read(GIVEN))["staticfiles"]["BACKEND"].endswith("ManifestStaticFilesStorage")


def test_a_json_log_line_carries_message_extra_and_exception() -> None:
    error = ValueError("wrong")
    info = (ValueError, error, error.__traceback__)
    record = logging.makeLogRecord({"name": "n", "levelname": "ERROR", "msg": "a %s", "args": ("b",), "exc_info": info})
    record.order = 5
    entry = json.loads(JsonFormatter().format(record))
    assert (entry["message"], entry["level"], entry["order"]) == ("a b", "ERROR", 5)
    assert "ValueError: wrong" in entry["exception"]


def test_every_option_of_the_environment_exists() -> None:
    from django.test import override_settings
    from django_scale.conf import options
    from django_scale.settings import runtime_options

    with override_settings(DJANGO_SCALE=runtime_options(read(GIVEN))):
        assert options().environment == "shop-prod"
        assert options().replica_weights == {"replica_1": 1}


def test_an_option_that_does_not_exist_is_named() -> None:
    from django.core.exceptions import ImproperlyConfigured
    from django.test import override_settings
    from django_scale.conf import options

    with override_settings(DJANGO_SCALE={"STICKYY": "x"}), pytest.raises(ImproperlyConfigured, match="STICKYY"):
        options()
