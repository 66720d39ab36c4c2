"""What the engine's configuration becomes."""

from __future__ import annotations

import pulumi
import pytest

from components.stack import Stack, read_stack
from scale.testing import Recording, Secret, run, secret_value

APPLICATION = {"image": "shop:1"}


def read(config: dict[str, object], secrets: dict[str, str] | None = None) -> tuple[Stack, Recording]:
    found: list[Stack] = []

    def program() -> None:
        found.append(read_stack())
        for name, value in found[0].secrets.items():
            pulumi.export(name, value)

    recording = run(program, project="django-scale", stack="prod", config=config, secrets=secrets)
    return found[0], recording


def test_groups_and_plain_values_become_settings() -> None:
    stack, _ = read({"application": APPLICATION, "account": "123456789012", "tags": {"Team": "shop"}})
    assert stack.settings.application.image == "shop:1"
    assert stack.settings.deployment.account == "123456789012"
    assert stack.settings.deployment.tags == {"Team": "shop"}


def test_stack_and_region_are_the_engines() -> None:
    stack, _ = read({"application": APPLICATION})
    assert (stack.settings.stack, stack.settings.region) == ("prod", "eu-west-1")


def test_the_providers_configuration_is_kept_apart() -> None:
    stack, _ = read({"application": APPLICATION, "aws:profile": "company"})
    assert stack.provider == {"region": "eu-west-1", "profile": "company"}


def test_another_projects_configuration_is_left_alone() -> None:
    stack, _ = read({"application": APPLICATION, "other:application": {"image": 1}})
    assert stack.settings.application.image == "shop:1"


def test_encrypted_values_are_secret_outputs_by_their_variable() -> None:
    value = secret_value("dsn")
    stack, recording = read({"application": APPLICATION}, {"secrets": f'{{"SENTRY_DSN": "{value}"}}'})
    assert stack.settings.secrets == ("SENTRY_DSN",)
    assert isinstance(recording.outputs["SENTRY_DSN"], Secret)


def test_a_wrong_setting_stops_the_program_without_a_traceback_naming_the_key() -> None:
    with pytest.raises(pulumi.RunError, match=r"servers\.min: must be at least 1, is 0"):
        read({"application": APPLICATION, "servers": {"min": 0}})


def test_a_group_that_is_no_json_is_named() -> None:
    with pytest.raises(pulumi.RunError, match="servers: is not JSON"):
        read({"application": APPLICATION, "servers": "{min: 1"})
