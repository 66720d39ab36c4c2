"""From the stack's configuration, as the engine gives it, to Settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.runtime import config as runtime_config

from model.errors import SettingsError
from model.settings import Settings


@dataclass(frozen=True)
class Stack:
    """What the configuration says: the settings, the encrypted values by variable, and the provider's own keys."""

    settings: Settings
    secrets: dict[str, pulumi.Output[str]]
    provider: dict[str, Any]


def read_stack() -> Stack:
    """Return the configuration of the stack that is being deployed.

    Raises pulumi.RunError, which the engine shows without a traceback, when a setting is wrong.
    """
    everything = _everything()
    given = _under(pulumi.get_project(), everything)
    provider = _under("aws", everything)
    secret = [key for key in given if runtime_config.is_config_secret(f"{pulumi.get_project()}:{key}")]
    config = {key: _decode(key, value) for key, value in given.items()}
    try:
        settings = Settings.parse(config, stack=pulumi.get_stack(), region=provider.get("region"), secret=secret)
    except SettingsError as error:
        raise pulumi.RunError(str(error)) from None
    values = config.get("secrets", {})
    secrets = {name: pulumi.Output.secret(str(values[name])) for name in settings.secrets}
    return Stack(settings, secrets, {key: _guard("aws", key, value) for key, value in provider.items()})


def _under(namespace: str, everything: Mapping[str, Any]) -> dict[str, Any]:
    prefix = f"{namespace}:"
    return {key.removeprefix(prefix): value for key, value in everything.items() if key.startswith(prefix)}


def _guard(namespace: str, key: str, value: Any) -> Any:
    """Return the value, marked secret where the stack's file encrypts it."""
    return pulumi.Output.secret(value) if runtime_config.is_config_secret(f"{namespace}:{key}") else value


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
