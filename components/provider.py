"""The provider of every resource: the stack's own `aws:` configuration, with the settings' tags and account."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from model.errors import nearest
from model.settings import Settings

_TEXT = pulumi.Input[str | None]


def aws_provider(settings: Settings, config: Mapping[str, Any]) -> aws.Provider:
    """Return the provider that `config`, the keys of a stack's file after `aws:`, describes.

    An explicit provider takes nothing from the stack's configuration by itself, and is wanted for the tags: without
    this a stack's `aws:profile` would be passed over in silence. Raises pulumi.RunError for a key it does not have.
    """
    kinds = _argument_kinds()
    arguments: dict[str, Any] = {}
    for key, value in config.items():
        name = _snake(key)
        if name not in kinds:
            raise pulumi.RunError(f"aws:{key}: is not an argument of the provider; {nearest(name, kinds)}")
        arguments[name] = value if kinds[name] == _TEXT or not isinstance(value, str) else _decode(key, value)
    tags = arguments.pop("default_tags", {}).get("tags", {})
    if settings.deployment.account is not None:
        arguments["allowed_account_ids"] = [settings.deployment.account]
    arguments["region"] = settings.region
    arguments["default_tags"] = {"tags": {**tags, **settings.tags}}
    return aws.Provider("aws", aws.ProviderArgs(**arguments))


def _decode(key: str, value: str) -> Any:
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        raise pulumi.RunError(f"aws:{key}: must be a number, true, false or a group, is {value!r}") from None


def _argument_kinds() -> dict[str, Any]:
    """Return the type of each of the provider's arguments, by name."""
    return dict(aws.ProviderArgs.__init__.__annotations__)


def _snake(key: str) -> str:
    """Return the Python name of a configuration key: `s3UsePathStyle` is s3_use_path_style."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key)
