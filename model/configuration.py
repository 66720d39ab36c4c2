"""The engine's configuration as settings are parsed from: one way to read it for the program and for each tool."""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from model.errors import SettingsError
from model.fields import Problem


def project_values(everything: Mapping[str, Any], project: str) -> dict[str, Any]:
    """Return what `everything`, by keys such as `project:key`, says under the project's own, groups decoded.

    The engine hands a group over as JSON and plain text as it is, so that `"123456789012"` stays text. Raises
    SettingsError, naming the key, for a group that is no JSON, and for keys of another project that is almost named
    like this one: what a misspelt name sets would be lost unseen.
    """
    others = {key for key in everything if not key.startswith(f"{project}:")}
    misspelt = sorted(key for key in others if get_close_matches(key.partition(":")[0], [project], cutoff=0.8))
    if misspelt:
        raise SettingsError(
            Problem(key, f"is no setting of this project; did you mean '{project}:{key.partition(':')[2]}'?")
            for key in misspelt
        )
    return {key: _decode(key, value) for key, value in under(everything, project).items()}


def under(everything: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    """Return the values whose keys begin with `namespace:`, without it."""
    prefix = f"{namespace}:"
    return {key.removeprefix(prefix): value for key, value in everything.items() if key.startswith(prefix)}


def _decode(key: str, value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith(("{", "[")):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError as error:
        raise SettingsError([Problem(key, f"is not JSON: {error}")]) from None
