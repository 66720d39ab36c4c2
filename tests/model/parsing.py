"""Settings from sections alone, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, cast

from model.errors import SettingsError
from model.settings import Settings

IMAGE = "ghcr.io/example/shop:1.4.0"


def parse(
    *, stack: str = "dev", region: str | None = "eu-west-1", secret: Collection[str] = (), **config: Any
) -> Settings:
    """Return the settings of a stack with these keys. An application that names no image has one."""
    application = config.get("application", {})
    if isinstance(application, dict):
        config["application"] = {"image": IMAGE, **cast("dict[str, Any]", application)}
    return Settings.parse(config, stack=stack, region=region, secret=secret)


def problems(*, region: str | None = "eu-west-1", secret: Collection[str] = (), **config: Any) -> list[str]:
    """Return what the user is told of a stack with these keys, a line for each problem."""
    try:
        parse(region=region, secret=secret, **config)
    except SettingsError as error:
        return [str(problem) for problem in error.problems]
    return []


def assert_rule(section: str, wrong: Mapping[str, Any], message: str, near: Mapping[str, Any]) -> None:
    """Hold that a section is refused with `message` alone, and that `near`, which hardly differs, is taken."""
    refused: dict[str, Any] = {section: dict(wrong)}
    taken: dict[str, Any] = {section: dict(near)}
    assert problems(**refused) == [f"{section}.{message}"]
    assert problems(**taken) == []
