"""How strictly a stack takes each rule, as its own configuration says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from model.errors import SettingsError
from model.fields import Problem
from model.policies import Enforcement, problems

_KEY = "policies"
_LEVELS: tuple[Enforcement, ...] = ("disabled", "advisory", "mandatory")


def levels(configuration: Mapping[str, str], project: str) -> dict[str, Enforcement]:
    """Return the levels in a stack's configuration, which the engine hands over as JSON by full keys.

    Raises SettingsError for a rule or a level that does not exist.
    """
    given: Any = json.loads(configuration.get(f"{project}:{_KEY}", "{}"))
    if not isinstance(given, Mapping):
        raise SettingsError([Problem(_KEY, f"must be a group of rules and levels, is {given!r}")])
    found: dict[str, Enforcement] = {}
    wrong: list[Problem] = []
    for name, level in cast("Mapping[str, object]", given).items():
        if level in _LEVELS:
            found[name] = level
        else:
            wrong.append(Problem(f"{_KEY}.{name}", f"must be one of {', '.join(_LEVELS)}, is {level!r}"))
    wrong.extend(problems(found))
    if wrong:
        raise SettingsError(wrong)
    return found
