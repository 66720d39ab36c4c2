"""Policies to compare a stack's own with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import yaml
from pydantic import ValidationError

from model.errors import SettingsError, from_validation
from model.fields import Problem
from model.scaling import ScalingPolicy
from model.servers import Servers
from model.settings import Settings

CHAPTER = ScalingPolicy()
"""The guide's policy, which the settings have as their defaults: CPU 70, 1,000 requests a target, two step policies."""

AWS_DEFAULTS = ScalingPolicy(
    cpu_percent=50, requests_per_target=None, warmup_seconds=300, database_connections=None, response_time=None
)
"""What the Auto Scaling console proposes: target tracking on CPU at 50 %, and the default cool-down of 300 s, which is
the warm-up where none is set."""


def read_policy(path: Path, settings: Settings) -> tuple[ScalingPolicy, Servers]:
    """Return a stack's policy and group with what a file says in their place.

    The file holds `scaling` and `servers` as a stack's file does, with a project's prefix or without, such as
    `scale tune --output` writes. Raises SettingsError for anything else in it, or a value that is not allowed.
    """
    try:
        found: object = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError([Problem(str(path), str(error))]) from error
    if not isinstance(found, Mapping):
        raise SettingsError([Problem(str(path), "must hold scaling or servers")])
    groups = {str(key).rpartition(":")[2]: value for key, value in cast("Mapping[object, object]", found).items()}
    unknown = [key for key in groups if key not in ("scaling", "servers")]
    if unknown:
        raise SettingsError([Problem(key, f"is not scaling or servers, in {path}") for key in unknown])
    scaling = settings.scaling.model_dump() | _group(path, groups.get("scaling"))
    servers = settings.servers.model_dump() | _group(path, groups.get("servers"))
    try:
        pair = ScalingPolicy.model_validate(scaling), Servers.model_validate(servers)
    except ValidationError as error:
        model = ScalingPolicy if error.title == ScalingPolicy.__name__ else Servers
        raise SettingsError(list(from_validation(model.__name__, model, error))) from error
    problems = [*pair[0].problems(), *pair[1].problems()]
    if problems:
        raise SettingsError(problems)
    return pair


def _group(path: Path, value: object) -> dict[str, object]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise SettingsError([Problem(str(path), "scaling and servers must be groups of settings")])
    return {str(key): each for key, each in cast("Mapping[object, object]", value).items()}
