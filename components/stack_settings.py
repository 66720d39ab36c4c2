"""From the stack's configuration, as the engine gives it, to Settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.runtime import config as runtime_config

from model.errors import SettingsError
from model.settings import Settings


def stack_settings() -> tuple[Settings, dict[str, pulumi.Output[str]]]:
    """Return the settings of the stack that is being deployed, and its encrypted values by variable.

    Raises pulumi.RunError, which the engine shows without a traceback, when a setting is wrong.
    """
    prefix = f"{pulumi.get_project()}:"
    given = {key.removeprefix(prefix): value for key, value in _everything().items() if key.startswith(prefix)}
    secret = [key for key in given if runtime_config.is_config_secret(prefix + key)]
    try:
        config = {key: _decode(key, value) for key, value in given.items()}
        region = pulumi.Config("aws").get("region")
        settings = Settings.parse(config, stack=pulumi.get_stack(), region=region, secret=secret)
    except SettingsError as error:
        raise pulumi.RunError(str(error)) from None
    values = config.get("secrets", {})
    return settings, {name: pulumi.Output.secret(str(values[name])) for name in settings.secrets}


def _everything() -> Mapping[str, Any]:
    """Return all configuration. `pulumi.Config` lists no keys, and a misspelt one would go unnoticed."""
    return {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}


def _decode(key: str, value: Any) -> Any:
    """Return a group of settings, which the engine hands over as JSON, or plain text as it is."""
    if not isinstance(value, str) or not value.startswith(("{", "[")):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError as error:
        raise pulumi.RunError(f"{key}: is not JSON: {error}") from None
