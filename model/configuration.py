"""The engine's configuration as settings are parsed from: one way to read it for the program and for each tool."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from model.errors import SettingsError
from model.fields import Problem


def project_values(everything: Mapping[str, Any], project: str) -> dict[str, Any]:
    """Return what `everything`, by keys such as `project:key`, says under the project's own, groups decoded.

    The engine hands a group over as JSON and plain text as it is, so that `"123456789012"` stays text. Raises
    SettingsError, naming the key, for a group that is no JSON.
    """
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
