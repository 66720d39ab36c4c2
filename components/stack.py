"""From the stack's configuration, as the engine gives it, to Settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.runtime import config as runtime_config

from model.configuration import project_values, under
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
    everything, project = _everything(), pulumi.get_project()
    provider = under(everything, "aws")
    try:
        config = project_values(everything, project)
        secret = [key for key in config if runtime_config.is_config_secret(f"{project}:{key}")]
        settings = Settings.parse(config, stack=pulumi.get_stack(), region=provider.get("region"), secret=secret)
    except SettingsError as error:
        raise pulumi.RunError(str(error)) from None
    values = config.get("secrets", {})
    secrets = {name: pulumi.Output.secret(str(values[name])) for name in settings.secrets}
    return Stack(settings, secrets, {key: _guard("aws", key, value) for key, value in provider.items()})


def _guard(namespace: str, key: str, value: Any) -> Any:
    """Return the value, marked secret where the stack's file encrypts it."""
    return pulumi.Output.secret(value) if runtime_config.is_config_secret(f"{namespace}:{key}") else value


def _everything() -> Mapping[str, Any]:
    """Return all configuration. `pulumi.Config` lists no keys, and a misspelt one would go unnoticed."""
    return {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}
