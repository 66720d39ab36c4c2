"""The container's environment."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
from hypothesis import given

from model.environment import TASK_VARIABLES, Endpoints, container_environment, is_written, secret_variables
from model.settings import Settings
from tests.model.parsing import parse
from tests.strategies import Stack, stacks


def _endpoints(settings: Settings) -> Endpoints:
    return Endpoints(
        balancer="balancer.elb.example.com",
        database="primary.rds.example.com",
        replicas=[f"{name}.rds.example.com" for name in settings.database.replica_names],
        cache="cache.example.com" if settings.cache.data else None,
        sessions="sessions.example.com" if settings.cache.sessions else None,
        static_bucket="static-1",
        media_bucket="media-1",
        cdn="d1.cloudfront.net",
        queues={name: f"https://sqs.eu-west-1.amazonaws.com/123456789012/{name}" for name in _queues(settings)},
    )


def _queues(settings: Settings) -> list[str]:
    cluster = settings.compute.kubernetes
    return [] if cluster is None or cluster.tasks is None else list(cluster.tasks.queues)


def _environment(**config: Any) -> dict[str, str]:
    settings = parse(**config)
    return container_environment(settings, _endpoints(settings))


@hypothesis.settings(max_examples=50)
@given(stacks())
def test_the_user_s_variables_and_the_stack_s_are_never_the_same(stack: Stack) -> None:
    settings = stack.settings()
    written = set(container_environment(settings, _endpoints(settings))) - set(settings.application.environment)
    assert all(is_written(name) for name in written - TASK_VARIABLES)
    assert (written >= TASK_VARIABLES) == bool(_queues(settings))
    assert not any(is_written(name) for name in settings.application.environment)


@hypothesis.settings(max_examples=50)
@given(stacks())
def test_secrets_are_not_among_the_plain_variables(stack: Stack) -> None:
    settings = stack.settings()
    assert not set(secret_variables(settings)) & set(container_environment(settings, _endpoints(settings)))


@hypothesis.settings(max_examples=50)
@given(stacks())
def test_every_value_is_one_line(stack: Stack) -> None:
    settings = stack.settings()
    values = container_environment(settings, _endpoints(settings)).values()
    assert not any(character in value for value in values for character in "\n\r")


def test_with_a_domain_django_trusts_it_over_https() -> None:
    found = _environment(application={"domain": "shop.example.com"})
    assert found["DJANGO_ALLOWED_HOSTS"] == "shop.example.com"
    assert found["DJANGO_CSRF_TRUSTED_ORIGINS"] == "https://shop.example.com"
    assert found["DJANGO_BEHIND_TLS"] == "true"


def test_without_a_domain_django_trusts_the_load_balancer_over_http() -> None:
    found = _environment()
    assert found["DJANGO_ALLOWED_HOSTS"] == "balancer.elb.example.com"
    assert found["DJANGO_CSRF_TRUSTED_ORIGINS"] == "http://balancer.elb.example.com"
    assert found["DJANGO_BEHIND_TLS"] == "false"


def test_a_host_with_a_dot_in_front_is_a_wildcard_among_the_origins() -> None:
    found = _environment(application={"domain": "example.com", "allowed_hosts": [".example.org"]})
    assert found["DJANGO_ALLOWED_HOSTS"] == "example.com,.example.org"
    assert found["DJANGO_CSRF_TRUSTED_ORIGINS"] == "https://example.com,https://*.example.org"


def test_replicas_are_numbered_with_their_weights() -> None:
    found = _environment(database={"replicas": [{"name": "reports", "weight": 2}, {"weight": 3}]})
    assert {name: value for name, value in found.items() if name.startswith("DB_REPLICA")} == {
        "DB_REPLICA_1_HOST": "reports.rds.example.com",
        "DB_REPLICA_1_WEIGHT": "2",
        "DB_REPLICA_2_HOST": "replica-2.rds.example.com",
        "DB_REPLICA_2_WEIGHT": "3",
        "DB_REPLICA_MAX_LAG_SECONDS": "30",
    }


def test_a_database_without_replicas_names_none() -> None:
    assert not any(name.startswith("DB_REPLICA") for name in _environment())


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        ({"pooling": "direct", "connection_max_age_seconds": 5}, {"DB_POOLING": "direct", "DB_CONN_MAX_AGE": "5"}),
        ({"pooling": "psycopg-pool", "pool_size": 7}, {"DB_POOLING": "psycopg-pool", "DB_POOL_SIZE": "7"}),
    ],
)
def test_connections_are_kept_by_thread_or_by_pool(database: dict[str, Any], expected: dict[str, str]) -> None:
    found = _environment(database=database)
    names = {"DB_POOLING", "DB_CONN_MAX_AGE", "DB_POOL_SIZE"}
    assert {name: value for name, value in found.items() if name in names} == expected


def test_the_database_is_reached_over_tls_that_is_verified() -> None:
    found = _environment()
    assert (found["DB_SSLMODE"], found["DB_SSLROOTCERT"]) == ("verify-full", "/etc/django-scale/rds.pem")


def test_the_cache_is_a_cluster_over_tls_with_the_stack_s_own_keys() -> None:
    found = _environment(stack="prod", application={"name": "shop"})
    assert {name: value for name, value in found.items() if name.startswith("CACHE_")} == {
        "CACHE_MODE": "cluster",
        "CACHE_NODES": "cache.example.com:6379",
        "CACHE_USER": "app",
        "CACHE_TLS": "true",
        "CACHE_KEY_PREFIX": "shop-prod",
    }


@pytest.mark.parametrize(
    ("cache", "prefix", "secret"),
    [("data", "CACHE_", "CACHE_PASSWORD"), ("sessions", "SESSION_", "SESSION_PASSWORD")],
)
def test_a_cache_that_is_left_out_leaves_no_variable(cache: str, prefix: str, secret: str) -> None:
    settings = parse(cache={cache: None})
    assert not any(name.startswith(prefix) for name in container_environment(settings, _endpoints(settings)))
    assert secret not in secret_variables(settings)


def test_files_are_served_by_the_content_delivery_network() -> None:
    found = _environment()
    assert (found["STATIC_BUCKET"], found["STATIC_URL"]) == ("static-1", "https://d1.cloudfront.net/static/")
    assert (found["MEDIA_BUCKET"], found["MEDIA_URL"]) == ("media-1", "https://d1.cloudfront.net/media/")


def test_gunicorn_runs_as_the_settings_say_behind_nginx_which_has_the_application_s_port() -> None:
    found = _environment(application={"port": 9000, "workers": 3, "threads": 4})
    assert (found["PORT"], found["WEB_CONCURRENCY"], found["GUNICORN_THREADS"]) == ("8001", "3", "4")


def test_debug_is_off() -> None:
    assert _environment()["DJANGO_DEBUG"] == "false"


def test_secrets_are_the_generated_ones_and_the_user_s_by_name() -> None:
    settings = parse(secrets={"STRIPE_KEY": "x", "API_KEY": "y"}, secret=["secrets"])
    assert secret_variables(settings) == (
        "DJANGO_SECRET_KEY",
        "DB_PASSWORD",
        "CACHE_PASSWORD",
        "SESSION_PASSWORD",
        "API_KEY",
        "STRIPE_KEY",
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [("DB_HOST", True), ("DB_REPLICA_12_HOST", True), ("DB_REPLICA_1_HOST\n", False), ("db_host", False)],
)
def test_what_the_stack_writes(name: str, expected: bool) -> None:
    assert is_written(name) is expected
