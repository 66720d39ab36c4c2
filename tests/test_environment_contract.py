"""What a stack may write into the container's environment, and what it does write, are the same list."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from django_scale.settings.environment import VARIABLES, read
from hypothesis import given
from hypothesis import settings as hypothesis_settings

from model.environment import TASK_VARIABLES, WRITTEN, Endpoints, container_environment, is_written, secret_variables
from model.settings import Settings
from tests.strategies import Stack, stacks

APPLICATION = {"image": "shop:1"}
REPLICAS = [{"weight": 2}, {"weight": 3}, {"weight": 1}]

ENVIRONMENTS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "a domain": {"application": {"domain": "shop.example.com"}},
    "replicas": {"database": {"replicas": REPLICAS}},
    "a pool in each process": {"database": {"pooling": "psycopg-pool", "replicas": REPLICAS}},
    "a pooler on each server": {"database": {"pooling": "pgbouncer", "replicas": REPLICAS}},
    "no cache": {"cache": {"data": None}},
    "sessions in the database": {"cache": {"sessions": None}},
    "traces to X-Ray": {"observability": {"tracing": {"sample_percent": 12.5}, "log_level": "WARNING"}},
    "traces elsewhere": {"observability": {"tracing": {"endpoint": "https://otlp.example.com"}}},
    "another error tracker": {"observability": {"error_tracker": "shop.errors:start"}},
    "neither": {"cache": {"data": None, "sessions": None}},
    "pods": {"compute": {"kubernetes": {}}},
    "tasks": {"compute": {"kubernetes": {"tasks": {"app": "project"}}}},
}


def settings(**groups: Any) -> Settings:
    application = {**APPLICATION, **groups.pop("application", {})}
    secret = {"secret": ["secrets"]} if "secrets" in groups else {}
    return Settings.parse({"application": application, **groups}, stack="prod", region="eu-west-1", **secret)


def plain(parsed: Settings) -> dict[str, str]:
    """Return the plain variables of an environment in which everything that the settings ask for stands."""
    return container_environment(
        parsed,
        Endpoints(
            balancer="shop.elb.amazonaws.com",
            database="db.example.com",
            replicas=[f"replica-{place}.example.com" for place, _ in enumerate(parsed.database.replicas, start=1)],
            cache="cache.example.com" if parsed.cache.data else None,
            sessions="sessions.example.com" if parsed.cache.sessions else None,
            static_bucket="static",
            media_bucket="media",
            cdn="cdn.example.com",
            queues={
                name: f"https://sqs.eu-west-1.amazonaws.com/123456789012/{name}"
                for name in ("default", "mail", "reports")
            },
        ),
    )


@cache
def written(name: str) -> frozenset[str]:
    """Return the variables that an environment writes, plain and secret."""
    parsed = settings(**ENVIRONMENTS[name])
    return frozenset(plain(parsed)) | frozenset(secret_variables(parsed))


def is_numbered(variable: str) -> bool:
    return re.fullmatch(r"DB_REPLICA_[1-9]\d*_(HOST|PORT|NAME|WEIGHT)", variable) is not None


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_whatever_is_written_is_listed_or_a_replicas_numbered_variable(name: str) -> None:
    assert {variable for variable in written(name) if not is_numbered(variable)} <= WRITTEN
    assert all(is_written(variable) or variable in TASK_VARIABLES for variable in written(name))


def test_whatever_is_listed_is_written_by_some_settings() -> None:
    assert frozenset[str]().union(*(written(name) for name in ENVIRONMENTS)) >= WRITTEN


def test_replicas_are_numbered_from_one_in_the_order_of_the_settings() -> None:
    variables = plain(settings(database={"replicas": REPLICAS}))
    assert {key: value for key, value in variables.items() if is_numbered(key)} == {
        "DB_REPLICA_1_HOST": "replica-1.example.com",
        "DB_REPLICA_1_WEIGHT": "2",
        "DB_REPLICA_2_HOST": "replica-2.example.com",
        "DB_REPLICA_2_WEIGHT": "3",
        "DB_REPLICA_3_HOST": "replica-3.example.com",
        "DB_REPLICA_3_WEIGHT": "1",
    }


def test_with_a_pooler_every_database_is_at_the_server_s_own_address() -> None:
    variables = plain(settings(database={"pooling": "pgbouncer", "replicas": REPLICAS[:1], "name": "shop"}))
    assert {key: value for key, value in variables.items() if key.startswith("DB_")} == {
        "DB_HOST": "127.0.0.1",
        "DB_PORT": "6432",
        "DB_NAME": "shop",
        "DB_USER": "app",
        "DB_SSLMODE": "disable",
        "DB_POOLING": "pgbouncer",
        "DB_REQUEST_ID": "both",
        "DB_REPLICA_1_HOST": "127.0.0.1",
        "DB_REPLICA_1_PORT": "6432",
        "DB_REPLICA_1_NAME": "_replica_1",
        "DB_REPLICA_1_WEIGHT": "2",
        "DB_REPLICA_MAX_LAG_SECONDS": "30",
    }


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_no_variable_is_plain_and_secret(name: str) -> None:
    parsed = settings(**ENVIRONMENTS[name])
    assert not plain(parsed).keys() & set(secret_variables(parsed))


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("no cache", {"CACHE_PASSWORD", "CACHE_NODES"}),
        ("sessions in the database", {"SESSION_PASSWORD", "SESSION_NODES"}),
        ("neither", {"CACHE_PASSWORD", "SESSION_PASSWORD", "CACHE_TLS", "SESSION_TLS"}),
        ("defaults", {"DB_POOL_SIZE", "DB_REPLICA_MAX_LAG_SECONDS"}),
        ("defaults", {"ERROR_TRACKER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SERVICE_NAME", "OTEL_TRACES_SAMPLER"}),
        ("a pool in each process", {"DB_CONN_MAX_AGE"}),
        ("a pooler on each server", {"DB_CONN_MAX_AGE", "DB_POOL_SIZE", "DB_SSLROOTCERT"}),
    ],
)
def test_what_an_environment_does_not_have_it_does_not_write(name: str, missing: set[str]) -> None:
    assert not missing & written(name)
    assert missing <= WRITTEN


def test_the_settings_own_variables_and_secrets_join_them() -> None:
    parsed = settings(
        application={"environment": {"SENTRY_ENVIRONMENT": "prod"}}, secrets={"SENTRY_DSN": "x", "API_KEY": "y"}
    )
    assert plain(parsed)["SENTRY_ENVIRONMENT"] == "prod"
    assert secret_variables(parsed)[-2:] == ("API_KEY", "SENTRY_DSN")


def test_traces_go_to_the_servers_collector_or_where_the_settings_say() -> None:
    ours, theirs = (plain(settings(**ENVIRONMENTS[name])) for name in ("traces to X-Ray", "traces elsewhere"))
    assert ours["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://127.0.0.1:4318"
    assert (ours["OTEL_TRACES_SAMPLER_ARG"], ours["OTEL_SERVICE_NAME"]) == ("0.125", "django-prod")
    assert theirs["OTEL_EXPORTER_OTLP_ENDPOINT"] == "https://otlp.example.com"


def test_every_value_is_text_of_one_line() -> None:
    for name in ENVIRONMENTS:
        assert all("\n" not in value for value in plain(settings(**ENVIRONMENTS[name])).values())


# The SDK of AWS's own, which the runtime has no need to parse.
NOT_THE_RUNTIMES = {"AWS_DEFAULT_REGION"}


def test_the_runtime_knows_every_variable_that_a_stack_writes() -> None:
    known = {variable.name for variable in VARIABLES}
    assert known >= WRITTEN - NOT_THE_RUNTIMES
    assert known >= {f"DB_REPLICA_<n>_{field}" for field in ("HOST", "PORT", "NAME", "WEIGHT")}


def test_the_runtime_hides_what_a_stack_keeps_secret() -> None:
    hidden = {variable.name for variable in VARIABLES if variable.secret}
    for name in ENVIRONMENTS:
        assert set(secret_variables(settings(**ENVIRONMENTS[name]))) <= hidden


@given(stack=stacks())
@hypothesis_settings(deadline=None, max_examples=60)
def test_the_runtime_takes_whatever_any_stack_writes(stack: Stack) -> None:
    parsed = stack.settings()
    secrets = dict.fromkeys(secret_variables(parsed), "a secret's value")
    found = read({**plain(parsed), **secrets})
    assert [replica.weight for replica in found.replicas] == [entry.weight for entry in parsed.database.replicas]
    assert found.text("DJANGO_SCALE_ENVIRONMENT") == parsed.prefix
    assert found.integer("GUNICORN_THREADS") == parsed.application.threads
