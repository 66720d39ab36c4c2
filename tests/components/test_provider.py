"""The explicit provider obeys what a stack's file says of `aws:`."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pulumi
import pytest

from components.provider import aws_provider
from model.settings import Settings
from scale.testing import Resource, Secret, run


def provider(config: Mapping[str, object], **settings: object) -> Resource:
    parsed = Settings.parse(
        {"application": {"name": "shop", "image": "shop:1"}, **settings}, stack="prod", region="eu-west-1"
    )
    return run(lambda: aws_provider(parsed, config)).one("pulumi:providers:aws")


def test_it_tags_every_resource_with_application_environment_and_the_settings_own_tags() -> None:
    tags = json.loads(str(provider({}, tags={"Team": "shop"}).properties["defaultTags"]))["tags"]
    assert tags == {"Team": "shop", "Application": "shop", "Environment": "prod", "ManagedBy": "django-scale"}


def test_the_stacks_default_tags_join_the_settings_tags() -> None:
    tags = json.loads(str(provider({"defaultTags": '{"tags": {"Owner": "me"}}'}).properties["defaultTags"]))["tags"]
    assert tags["Owner"] == "me"
    assert tags["Environment"] == "prod"


def test_it_is_in_the_settings_region() -> None:
    assert provider({"region": "eu-west-1"}).properties["region"] == "eu-west-1"


def test_another_account_is_refused_where_the_settings_name_one() -> None:
    assert provider({}, account="123456789012").properties["allowedAccountIds"] == '["123456789012"]'
    assert "allowedAccountIds" not in provider({}).properties


@pytest.mark.parametrize(
    ("key", "given", "argument"),
    [
        ("profile", "company-prod", "company-prod"),
        ("s3UsePathStyle", "true", "true"),
        ("maxRetries", "5", "5"),
        ("endpoints", '[{"ec2": "http://127.0.0.1:5000"}]', '[{"ec2": "http://127.0.0.1:5000"}]'),
        ("assumeRoles", '[{"roleArn": "arn:aws:iam::123456789012:role/deploy"}]', None),
    ],
)
def test_it_takes_the_stacks_own_aws_configuration(key: str, given: str, argument: str | None) -> None:
    assert provider({key: given}).properties[key] == (given if argument is None else argument)


def test_encrypted_credentials_stay_secret() -> None:
    made = run(lambda: aws_provider(SETTINGS, {"secretKey": pulumi.Output.secret("wJalrXUtnFEMI")}))
    assert isinstance(made.one("pulumi:providers:aws").properties["secretKey"], Secret)


def test_a_key_that_the_provider_does_not_have_is_named_with_the_nearest_one() -> None:
    with pytest.raises(
        pulumi.RunError, match=r"aws:profle: is not an argument of the provider; did you mean 'profile'"
    ):
        provider({"profle": "company-prod"})


def test_a_value_of_the_wrong_kind_is_named() -> None:
    with pytest.raises(pulumi.RunError, match=r"aws:maxRetries: must be a number, true, false or a group, is 'many'"):
        provider({"maxRetries": "many"})


SETTINGS = Settings.parse({"application": {"image": "shop:1"}}, stack="prod", region="eu-west-1")
