"""The settings that describe what was found: parsed by Settings before anybody sees them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import yaml

from model import instances
from model.errors import SettingsError
from model.settings import Settings
from scale.adopt import settings_data, settings_scaling
from scale.adopt.details import Details
from scale.adopt.selection import AdoptError, Selection

Config = dict[str, Any]
"""A stack's configuration, without the project's prefix."""


@dataclass
class Told:
    """A configuration, and what it cannot say of what was found."""

    config: Config
    notes: list[str] = field(default_factory=list[str])


@dataclass(frozen=True)
class Asked:
    """What no service tells and the user gives."""

    stack: str
    region: str
    account: str
    application: str | None = None
    image: str | None = None


def describe(selection: Selection, details: Details, asked: Asked) -> Told:
    """Return the configuration, without what Settings would refuse. Raises AdoptError where an image is missing."""
    told = Told({"account": asked.account})
    notes = told.notes
    sections: dict[str, Callable[[], Config | None]] = {
        "application": lambda: _application(selection, details, asked, notes),
        "network": lambda: _network(details, notes),
        "servers": lambda: settings_scaling.servers(selection, details, notes),
        "scaling": lambda: settings_scaling.scaling(selection, notes) if selection.group else None,
        "traffic": lambda: settings_data.traffic(selection, details, notes),
        "database": lambda: settings_data.database(selection, notes),
        "cache": lambda: settings_data.cache(selection, notes),
    }
    for key, section in sections.items():
        found = section()
        if found:
            told.config[key] = found
    _accept(told, asked)
    return told


def parse(config: Config, asked: Asked) -> Settings:
    """Return the configuration as Settings. Raises SettingsError."""
    return Settings.parse(config, stack=asked.stack, region=asked.region)


def text(config: Config, asked: Asked, project: str) -> str:
    """Return the stack's file."""
    keys = {"aws:region": asked.region, **{f"{project}:{key}": value for key, value in config.items()}}
    body = yaml.safe_dump({"config": keys}, sort_keys=False, width=110, allow_unicode=True)
    return f"# What scale adopt found in account {asked.account}. Read it before anything is deployed with it.\n{body}"


def _accept(told: Told, asked: Asked) -> None:
    """Take out what Settings refuses, one round after another: the default then stands in its place."""
    for _ in range(20):
        try:
            parse(told.config, asked)
        except SettingsError as error:
            refused = [problem for problem in error.problems if _remove(told.config, problem.key)]
            told.notes.extend(f"{problem}; the default stands in its place" for problem in refused)
            if not refused:
                raise AdoptError(f"the settings that describe this are refused:\n{error}") from error
        else:
            return
    raise AdoptError("no settings describe this")


def _remove(config: Config, key: str) -> bool:
    """Take a key such as `database.replicas[0].zone` out; return whether it was there."""
    parts = [int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]]+", key)]
    place: Any = config
    for part in parts[:-1]:
        known = isinstance(place, list) if isinstance(part, int) else isinstance(place, dict)
        if not known or (part not in place if isinstance(part, str) else part >= len(place)):
            return False
        place = place[part]
    last = parts[-1]
    if isinstance(place, dict) and last in place and key != "application.image":
        del cast("dict[str, Any]", place)[str(last)]
        return True
    return False


def _application(selection: Selection, details: Details, asked: Asked, notes: list[str]) -> Config:
    found: Config = {"image": asked.image or _image(details)}
    if asked.application:
        found["name"] = asked.application
    if instance_type := details.template.get("InstanceType"):
        found["architecture"] = instances.architecture(str(instance_type))
    if selection.target and selection.target.get("Port"):
        found["port"] = int(selection.target["Port"])
    if details.domain and not details.domain.startswith("*"):
        found["domain"] = details.domain
        notes.append(
            f"application.domain is {details.domain}, the certificate's: the program makes a certificate of its own"
        )
    notes.append("gunicorn's workers and the container's environment cannot be read: see application")
    return found


_RUN = re.compile(r"^[^#\n]*\bdocker\s+(?:container\s+)?run\b(?P<rest>(?:[^\n]|(?<=\\)\n)*)", re.MULTILINE)
_FLAGS = frozenset(
    {f"--{name}" for name in ("detach", "help", "init", "interactive", "no-healthcheck", "oom-kill-disable")}
    | {f"--{name}" for name in ("privileged", "publish-all", "quiet", "read-only", "rm", "sig-proxy", "tty")}
)
_LETTERS = frozenset("ditPq")
"""The options of `docker run` that take no value (its reference), by name and by letter; letters may stand together."""


def image_in(script: str) -> str | None:
    """Return the image that a start script runs with docker; None where it runs none."""
    match = _RUN.search(script)
    if match is None:
        return None
    line = match["rest"].replace("\\\n", " ")
    try:
        words = shlex.split(line)
    except ValueError:  # A quotation that goes on in another line.
        words = line.split()
    while words:
        word = words.pop(0)
        if not word.startswith("-"):
            return word
        if _takes_next(word) and words:
            words.pop(0)
    return None


def _takes_next(option: str) -> bool:
    """Return whether an option's value is the next word."""
    if option.startswith("--"):
        return "=" not in option and option not in _FLAGS
    return option[1:].lstrip("".join(_LETTERS))[1:] == "" and option[-1] not in _LETTERS


def _image(details: Details) -> str:
    script = details.template.get("UserData", "")
    found = image_in(settings_scaling.decoded(script)) if script else None
    where = f"runs {found}" if found else "names no image"
    if (
        found is None
        or "$" in found
        or found.endswith(":latest")
        or not re.search(r"(:[^/]+|@sha256:[0-9a-f]{64})$", found)
    ):
        raise AdoptError(f"the servers' start script {where}: give the application's image by tag or digest, --image")
    return found


def _network(details: Details, notes: list[str]) -> Config | None:
    if details.vpc is None:
        return None
    zones = {str(subnet["AvailabilityZone"]) for subnet in details.subnets}
    nat = {0: "none", 1: "single"}.get(details.nat_gateways, "per-zone")
    if len(zones) > 3:
        notes.append(f"network.zones: the program uses at most 3 of the {len(zones)} zones")
    return {"cidr": str(details.vpc["CidrBlock"]), "zones": max(2, min(3, len(zones))), "nat": nat}
