"""The environment contract: what each variable may say, and what is said when it is wrong."""

from __future__ import annotations

import pytest
from django_scale.settings.environment import VARIABLES, ConfigurationError, read

DATABASE = {"DB_HOST": "db", "DB_NAME": "app", "DB_USER": "app", "DB_PASSWORD": "hidden-password"}
BASE = {"DJANGO_SECRET_KEY": "s", "DJANGO_ALLOWED_HOSTS": "a.example"}


def test_each_variable_is_listed_once_with_a_purpose() -> None:
    names = [variable.name for variable in VARIABLES]
    assert len(names) == len(set(names)) == 66
    assert all(variable.purpose for variable in VARIABLES)
    assert {v.name for v in VARIABLES if v.secret} == {
        "DJANGO_SECRET_KEY",
        "DB_PASSWORD",
        "CACHE_PASSWORD",
        "SESSION_PASSWORD",
        "CELERY_BROKER_URL",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "SENTRY_DSN",
    }


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("CACHE_L1_SECONDS", 60),
        ("CACHE_L2_SECONDS", 300),
        ("CACHE_L3_SECONDS", 3600),
        ("PAGE_CACHE_SECONDS", 600),
        ("SESSION_SECONDS", 86400),
        ("METRICS_NAMESPACE", "Django/Application"),
    ],
)
def test_defaults_of_the_chapter(name: str, default: object) -> None:
    assert read({}).values[name] == default


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PORT", "0"),
        ("DB_PORT", "65536"),
        ("DB_PORT", "five"),
        ("DB_POOLING", "pgpool"),
        ("DB_SSLMODE", "on"),
        ("DB_POOL_SIZE", "0"),
        ("DB_POOL_SIZE", "2.5"),
        ("DB_REPLICA_MAX_LAG_SECONDS", "nan"),
        ("DJANGO_BEHIND_TLS", "maybe"),
        ("CACHE_NODES", "redis://host:6379"),
        ("CACHE_NODES", "host"),
        ("CACHE_MODE", "sentinel"),
        ("METRICS_EXPORTER", "statsd"),
        ("METRICS_EXPORTER", "cloudwatch,statsd"),
        ("CELERY_QUEUE_URLS", "default"),
        ("CELERY_QUEUE_URLS", "=https://sqs.example.com"),
        ("LOG_LEVEL", "LOUD"),
        ("SESSION_SECONDS", "-1"),
    ],
)
def test_a_wrong_value_is_one_error_that_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read(BASE | DATABASE | {name: value})
    assert [problem.split(":")[0] for problem in raised.value.problems] == [name]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"DB_HOST": "db"}, ["DB_NAME", "DB_USER", "DB_PASSWORD"]),
        ({"DB_NAME": "app"}, ["DB_HOST"]),
        (DATABASE | {"DB_REPLICA_2_HOST": "r2"}, ["DB_REPLICA_1_HOST"]),
        (DATABASE | {"DB_REPLICA_1_WEIGHT": "2"}, ["DB_REPLICA_1_HOST"]),
        (DATABASE | {"DB_REPLICA_0_HOST": "r0"}, ["DB_REPLICA_0_HOST"]),
        (DATABASE | {"DB_SSLMODE": "verify-full"}, ["DB_SSLROOTCERT"]),
        ({"CACHE_PASSWORD": "x"}, ["CACHE_NODES"]),
        ({"SESSION_NODES": "a:1,b:2"}, ["SESSION_NODES"]),
        ({"METRICS_EXPORTER": "cloudwatch"}, ["DJANGO_SCALE_ENVIRONMENT"]),
        ({"METRICS_EXPORTER": "prometheus,emf"}, ["DJANGO_SCALE_ENVIRONMENT"]),
        ({"CELERY_QUEUE_URLS": "default=https://sqs.example.com"}, ["AWS_REGION"]),
    ],
)
def test_what_is_missing_is_named(given: dict[str, str], named: list[str]) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read(BASE | given)
    assert [problem.split(":")[0] for problem in raised.value.problems] == named


def test_a_deployment_needs_a_secret_key_and_hosts() -> None:
    with pytest.raises(ConfigurationError, match=r"DJANGO_SECRET_KEY: missing; DJANGO_ALLOWED_HOSTS: missing"):
        read({"PORT": "8000"})


def test_no_error_shows_a_secret() -> None:
    with pytest.raises(ConfigurationError) as raised:
        read(DATABASE | {"DB_PORT": "x", "CACHE_PASSWORD": "other-secret"})
    assert "hidden-password" not in str(raised.value)
    assert "other-secret" not in str(raised.value)


def test_nothing_set_means_development() -> None:
    env = read({})
    assert env.empty
    assert env.flag("DJANGO_DEBUG")
    assert env.text("LOG_FORMAT") == "text"
    assert not read(BASE).flag("DJANGO_DEBUG")


def test_a_variable_of_blanks_is_absent() -> None:
    assert read({"DB_HOST": " ", "DB_PORT": ""}).empty


def test_replicas_take_what_they_lack_from_the_primary() -> None:
    second = {"DB_REPLICA_2_HOST": "r2", "DB_REPLICA_2_PORT": "1", "DB_REPLICA_2_NAME": "n", "DB_REPLICA_2_WEIGHT": "3"}
    env = read(BASE | DATABASE | {"DB_PORT": "6432", "DB_REPLICA_1_HOST": "r1"} | second)
    one, two = env.replicas
    assert (one.alias, one.host, one.port, one.name, one.weight) == ("replica_1", "r1", 6432, "app", 1)
    assert (two.alias, two.host, two.port, two.name, two.weight) == ("replica_2", "r2", 1, "n", 3)


def test_metrics_go_to_one_place_or_to_several() -> None:
    base = BASE | {"DJANGO_SCALE_ENVIRONMENT": "shop-prod"}
    assert read(base).items("METRICS_EXPORTER") == ("none",)
    assert read(base | {"METRICS_EXPORTER": "prometheus"}).items("METRICS_EXPORTER") == ("prometheus",)
    several = read(base | {"METRICS_EXPORTER": "cloudwatch, Prometheus"})
    assert several.items("METRICS_EXPORTER") == ("cloudwatch", "prometheus")


def test_pairs_keep_their_order_and_the_value_may_hold_an_equals_sign() -> None:
    env = read(BASE | {"AWS_REGION": "eu-west-1", "CELERY_QUEUE_URLS": "b=https://sqs/1?x=1, a=https://sqs/2"})
    assert list(env.pairs("CELERY_QUEUE_URLS").items()) == [("b", "https://sqs/1?x=1"), ("a", "https://sqs/2")]
