"""A stack's configuration, parsed as a whole."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
from hypothesis import given

from model import instances
from model.errors import SettingsError
from model.settings import SECTIONS, Settings
from tests.model.parsing import IMAGE, parse, problems
from tests.strategies import Stack, stacks


@given(stacks())
def test_every_stack_that_the_strategies_generate_is_valid(stack: Stack) -> None:
    settings = stack.settings()
    assert settings.stack == stack.name
    assert set(settings.secrets) == set(stack.config.get("secrets", {}))


def test_an_image_is_all_that_a_stack_must_say() -> None:
    settings = Settings.parse({"application": {"image": IMAGE}}, stack="dev", region="eu-west-1")
    assert settings.prefix == "django-dev"
    assert settings.servers.types == ("t4g.medium",)


def test_without_an_application_the_image_is_missed() -> None:
    with pytest.raises(SettingsError, match=r"application\.image: is required"):
        Settings.parse({}, stack="dev", region="eu-west-1")


def test_the_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        parse().servers.min = 3  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-2", "ap-southeast-4", "mx-central-1"])
def test_regions(region: str) -> None:
    assert problems(region=region) == []


@pytest.mark.parametrize("region", ["", "eu-west", "eu-west-1a", "EU-WEST-1", "eu-west-1\n"])
def test_what_is_no_region(region: str) -> None:
    assert problems(region=region) == [f"aws:region: must be an AWS region such as eu-west-1, is {region!r}"]


@pytest.mark.parametrize("region", ["us-gov-east-1", "cn-north-1", "us-iso-east-1"])
def test_a_region_of_another_partition_is_refused(region: str) -> None:
    assert problems(region=region) == [f"aws:region: must be in AWS's commercial partition, is {region!r}"]


def test_a_region_is_required() -> None:
    assert problems(region=None) == ["aws:region: is required, such as eu-west-1"]


# --- encrypted values


@pytest.mark.parametrize(
    "config",
    [
        {"account": "hunter2"},
        {"tags": {"a,b": "hunter2"}},
        {"database": {"port": "hunter2", "hunter2": 1}},
        {"application": {"image": "hunter2 ", "environment": {"DB_HOST": "x", "hunter2-": "y"}}},
    ],
)
def test_an_encrypted_value_outside_secrets_is_refused_and_not_shown(config: dict[str, Any]) -> None:
    (key,) = config
    told = problems(secret=[key], **config)
    assert told == [
        f"{key}: holds an encrypted value; encrypted values belong under secrets, by the name of their variable"
    ]
    assert "hunter2" not in "".join(told)


def test_secrets_must_be_encrypted() -> None:
    assert problems(secrets={"STRIPE_KEY": "hunter2"}) == [
        "secrets: must be encrypted: pulumi config set --secret --path 'secrets.NAME'"
    ]
    assert problems(secrets={"STRIPE_KEY": "hunter2"}, secret=["secrets"]) == []


@pytest.mark.parametrize(
    ("secrets", "message"),
    [
        ("hunter2", "secrets: must be a group of encrypted values by the name of their variable"),
        ({"DB_PASSWORD": "hunter2"}, "secrets.DB_PASSWORD: must not be a variable that the stack writes itself"),
        ({"stripe-key": "hunter2"}, "secrets.stripe-key: must be a name of capitals, digits and underscores"),
        ({"STRIPE_KEY\n": "hunter2"}, "secrets.STRIPE_KEY\n: must be a name of capitals, digits and underscores"),
        ({"STRIPE_KEY": {"a": "hunter2"}}, "secrets.STRIPE_KEY: must be text, and not empty"),
        ({"STRIPE_KEY": ""}, "secrets.STRIPE_KEY: must be text, and not empty"),
    ],
)
def test_a_wrong_secret_is_named_and_never_shown(secrets: object, message: str) -> None:
    assert problems(secrets=secrets, secret=["secrets"]) == [message]


def test_a_variable_is_plain_or_encrypted_and_not_both() -> None:
    assert problems(
        application={"environment": {"STRIPE_KEY": "x"}}, secrets={"STRIPE_KEY": "y"}, secret=["secrets"]
    ) == ["secrets.STRIPE_KEY: is in application.environment too"]


def test_the_settings_hold_the_names_of_secrets_and_not_their_values() -> None:
    settings = parse(secrets={"STRIPE_KEY": "hunter2"}, secret=["secrets"])
    assert settings.secrets == ("STRIPE_KEY",)
    assert "hunter2" not in repr(settings)


# --- account, generation and tags


@pytest.mark.parametrize("given", [2, "2"])
def test_a_number_in_no_group_is_taken_as_the_text_that_the_engine_makes_of_it(given: object) -> None:
    assert parse(secret_generation=given).deployment.secret_generation == 2


@pytest.mark.parametrize("given", ["two", "-1", "1.5", ""])
def test_another_text_is_no_number(given: str) -> None:
    assert problems(secret_generation=given) == [f"secret_generation: must be a whole number, is {given!r}"]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"account": "12345678901"}, "account: must be an account's twelve digits, in quotes, is '12345678901'"),
        (
            {"account": 123456789012},
            "account: must be text (in quotes, where YAML would read a number), is 123456789012",
        ),
        ({"tags": {"aws:team": "shop"}}, "tags.aws:team: must not be a tag that AWS or this program sets"),
        ({"tags": {"AWS:team": "shop"}}, "tags.AWS:team: must not be a tag that AWS or this program sets"),
        ({"tags": {"Environment": "x"}}, "tags.Environment: must not be a tag that AWS or this program sets"),
        ({"tags": {"name": "x"}}, "tags.name: must not be a tag that AWS or this program sets"),
        (
            {"tags": {"": "x"}},
            "tags.: must have a key of 1 to 128 characters and a value of at most 256",
        ),
        (
            {"tags": {"Team": "x" * 257}},
            "tags.Team: must have a key of 1 to 128 characters and a value of at most 256",
        ),
        ({"tags": {"Team": "a,b"}}, "tags.Team: must be letters, digits, spaces and _ . : / = + - @, key and value"),
        ({"tags": {"Team": "a", "team": "b"}}, "tags.team: must be unique, whatever its capitals"),
    ],
)
def test_what_is_refused_of_account_and_tags(config: dict[str, Any], message: str) -> None:
    assert problems(**config) == [message]


@pytest.mark.parametrize(
    "config",
    [
        {"account": "123456789012"},
        {"account": None},
        {"tags": {"k" * 128: "x" * 256}},
        {"tags": {"Team": "", "Équipe": "a b_c.d:e/f=g+h-i@j"}},
        {"tags": {"awsome": "x"}},
    ],
)
def test_what_is_taken_of_account_and_tags(config: dict[str, Any]) -> None:
    assert problems(**config) == []


def test_tags_are_the_user_s_and_the_program_s() -> None:
    assert parse(stack="prod", application={"name": "shop"}, tags={"Team": "web"}).tags == {
        "Team": "web",
        "Application": "shop",
        "Environment": "prod",
        "ManagedBy": "django-scale",
    }


# --- what sections do to each other


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"servers": {"instance_type": "m7i.large"}},
            "servers.instance_type: must be arm64, as the image is (application.architecture), is 'm7i.large', x86_64",
        ),
        (
            {"servers": {"other_instance_types": ["m7g.large", "m7i.large"]}},
            "servers.other_instance_types[1]: must be arm64, as the image is (application.architecture), "
            "is 'm7i.large', x86_64",
        ),
        (
            {"application": {"port": 8001}},
            "application.port: must not be 8001, where gunicorn listens beside nginx",
        ),
        (
            {"application": {"port": 6432}, "database": {"pooling": "pgbouncer"}},
            "application.port: must not be 6432, where PgBouncer listens beside nginx",
        ),
        ({"database": {"zone": 3}}, "database.zone: must be at most network.zones (2), is 3"),
        (
            {"database": {"replicas": [{"zone": 1}, {"zone": 3}]}},
            "database.replicas[1].zone: must be at most network.zones (2), is 3",
        ),
        (
            {"database": {"instance_class": "db.x2g.large"}},
            "database.max_connections: must be set: the memory of db.x2g.large (primary) is not known here",
        ),
        (
            {"database": {"replicas": [{"name": "reads", "instance_class": "db.x2g.large"}]}},
            "database.max_connections: must be set: the memory of db.x2g.large (reads) is not known here",
        ),
        (
            {"scaling": {"scheduled": [{"name": "up", "cron": "0 8 * * *", "min": 7}]}},
            "scaling.scheduled[0].min: must be at most servers.max (6), is 7",
        ),
        (
            {"scaling": {"scheduled": [{"name": "down", "cron": "0 8 * * *", "max": 1}]}},
            "scaling.scheduled[0].max: must be at least servers.min (2), is 1",
        ),
        (
            {"scaling": {"scheduled": [{"name": "up", "cron": "0 8 * * *", "desired": 7}]}},
            "scaling.scheduled[0].desired: must be 2 to 6, is 7",
        ),
    ],
)
def test_sections_that_contradict_each_other(config: dict[str, Any], message: str) -> None:
    assert problems(**config) == [message]


@pytest.mark.parametrize(
    "config",
    [
        {"servers": {"instance_type": "m7i.large"}, "application": {"architecture": "x86_64"}},
        {"application": {"port": 6432}, "database": {"pooling": "psycopg-pool"}},
        {"application": {"port": 8002}, "database": {"pooling": "pgbouncer"}},
        {"database": {"zone": 3, "replicas": [{"zone": 3}]}, "network": {"zones": 3}},
        {"database": {"instance_class": "db.x2g.large", "max_connections": 500}},
        {"scaling": {"scheduled": [{"name": "up", "cron": "0 8 * * *", "min": 6, "desired": 6}]}},
        {"scaling": {"scheduled": [{"name": "up", "cron": "0 8 * * *", "max": 9, "desired": 9}]}},
    ],
)
def test_sections_that_agree(config: dict[str, Any]) -> None:
    assert problems(**config) == []


@hypothesis.settings(max_examples=50)
@given(stacks())
def test_every_server_of_a_valid_stack_runs_the_image(stack: Stack) -> None:
    settings = stack.settings()
    found = {instances.architecture(name) for name in settings.servers.types}
    assert found == {settings.application.architecture}


def test_every_section_is_a_part_of_the_settings() -> None:
    assert set(SECTIONS) <= set(Settings.model_fields)
