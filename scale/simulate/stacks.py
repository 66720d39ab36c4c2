"""A stack's settings, read for a simulation: without the engine, encrypted values left out."""

from __future__ import annotations

import json
from pathlib import Path

from model.settings import Settings
from scale.plan import stackfile


def load(directory: Path, stack: str) -> Settings:
    """Return the settings of a stack of the project in `directory`.

    Raises scale.plan.stackfile.ProgramError where there is no such stack, model.errors.SettingsError for wrong ones.
    """
    found = stackfile.read(directory, stack)
    configuration = found.configuration("update")
    prefix = f"{found.project}:"
    own = {
        key.removeprefix(prefix): _value(text) for key, text in configuration.values.items() if key.startswith(prefix)
    }
    secret = [key.removeprefix(prefix) for key in configuration.secret_keys]
    return Settings.parse(own, stack=stack, region=configuration.region, secret=secret)


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text
