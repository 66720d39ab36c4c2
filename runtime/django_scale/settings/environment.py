"""Reads the environment by the table of variables; every problem is reported at once, by name."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from django.core.exceptions import ImproperlyConfigured

from django_scale.settings.variables import AMBIENT, VARIABLES, Variable

__all__ = ["VARIABLES", "ConfigurationError", "Environment", "ReplicaSettings", "read"]

Value = str | int | float | bool | tuple[str, ...] | None
_TRUE, _FALSE = frozenset({"true", "1", "yes", "on"}), frozenset({"false", "0", "no", "off"})
_TABLE = {variable.name: variable for variable in VARIABLES}
_REPLICA = re.compile(r"DB_REPLICA_(\d+)_(HOST|PORT|NAME|WEIGHT)")
_NODE = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s:,\[\]]+):\d{1,5}")


class ConfigurationError(ImproperlyConfigured):
    """The environment is wrong; the message has a line for each variable at fault, never a secret's value."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("environment: " + "; ".join(problems))


@dataclass(frozen=True)
class ReplicaSettings:
    """A replica as the environment gives it; `alias` is its name in DATABASES."""

    alias: str
    host: str
    port: int
    name: str
    weight: int


@dataclass(frozen=True)
class Environment:
    """The parsed variables. `empty` is true when no variable of the contract is set, save those of AMBIENT."""

    values: Mapping[str, Value]
    replicas: tuple[ReplicaSettings, ...]
    empty: bool

    def text(self, name: str) -> str:
        """The value of a text, secret or choice; "" when it has none."""
        value = self.values[name]
        return value if isinstance(value, str) else ""

    def integer(self, name: str) -> int:
        """The value of an integer."""
        value = self.values[name]
        if not isinstance(value, int):
            raise TypeError(f"{name} is no integer")
        return value

    def number(self, name: str) -> float:
        """The value of a number."""
        value = self.values[name]
        if not isinstance(value, int | float):
            raise TypeError(f"{name} is no number")
        return float(value)

    def flag(self, name: str) -> bool:
        """The value of a boolean."""
        return bool(self.values[name])

    def items(self, name: str) -> tuple[str, ...]:
        """The value of a list."""
        value = self.values[name]
        return value if isinstance(value, tuple) else ()

    def pairs(self, name: str) -> dict[str, str]:
        """The value of a list of name=value, in its order."""
        return {key.strip(): value.strip() for key, _, value in (item.partition("=") for item in self.items(name))}


def _number(variable: Variable, raw: str) -> int | float:
    value = int(raw) if variable.kind == "integer" else float(raw)
    low, high = variable.minimum, variable.maximum
    if (low is not None and value < low) or (high is not None and value > high) or value != value:
        raise ValueError(f"{raw!r} is outside {low:.15g} to {high:.15g}")
    return value


def _boolean(raw: str) -> bool:
    word = raw.lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(f"{raw!r} is neither true nor false")
    return word in _TRUE


def _items(raw: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in raw.split(",") if item.strip())


def _choice(variable: Variable, raw: str) -> str:
    word = raw.upper() if variable.choices[0].isupper() else raw.lower()
    if word not in variable.choices:
        raise ValueError(f"{raw!r} is none of {', '.join(variable.choices)}")
    return word


def parse(variable: Variable, raw: str) -> Value:
    """The value of one variable; ValueError says what is wrong with it."""
    raw = raw if variable.secret else raw.strip()
    match variable.kind:
        case "text" | "secret":
            return raw
        case "boolean":
            return _boolean(raw)
        case "integer" | "number":
            try:
                return _number(variable, raw)
            except ValueError as error:
                if "outside" in str(error):
                    raise
                raise ValueError(f"{raw!r} is not a {variable.kind}") from None
        case "choice":
            return _choice(variable, raw)
        case "choices":
            return tuple(_choice(variable, item) for item in _items(raw))
        case "pairs":
            items = _items(raw)
            wrong = [item for item in items if not all(part.strip() for part in (item.partition("=")[::2]))]
            if wrong:
                raise ValueError(f"{wrong[0]!r} is not name=value")
            return items
        case "list" | "nodes":
            items = _items(raw)
            wrong = [item for item in items if variable.kind == "nodes" and not _NODE.fullmatch(item)]
            if wrong:
                raise ValueError(f"{wrong[0]!r} is not host:port")
            return items


def _one(variable: Variable, name: str, source: Mapping[str, str], problems: list[str]) -> Value:
    raw = source.get(name, "")
    if not raw.strip():
        return variable.default
    try:
        return parse(variable, raw)
    except ValueError as error:
        problems.append(f"{name}: {error}")
        return variable.default


def _replicas(source: Mapping[str, str], values: Mapping[str, Value], problems: list[str]) -> list[ReplicaSettings]:
    numbers = sorted({int(match[1]) for name in source if (match := _REPLICA.fullmatch(name)) and source[name].strip()})
    found: list[ReplicaSettings] = []
    for number in range(1, max(numbers, default=0) + 1):
        fields = {
            field: _one(_TABLE[f"DB_REPLICA_<n>_{field}"], f"DB_REPLICA_{number}_{field}", source, problems)
            for field in ("HOST", "PORT", "NAME", "WEIGHT")
        }
        if not fields["HOST"]:
            problems.append(f"DB_REPLICA_{number}_HOST: missing (replicas are numbered from 1 without a gap)")
        found.append(
            ReplicaSettings(
                alias=f"replica_{number}",
                host=str(fields["HOST"] or ""),
                port=int(str(fields["PORT"] or values["DB_PORT"])),
                name=str(fields["NAME"] or values["DB_NAME"] or ""),
                weight=int(str(fields["WEIGHT"])),
            )
        )
    if 0 in numbers:
        problems.append("DB_REPLICA_0_HOST: replicas are numbered from 1")
    return found


def _missing(values: Mapping[str, Value], replicas: list[ReplicaSettings], empty: bool) -> list[str]:
    """What is absent although something else that is set needs it."""
    problems: list[str] = []
    if not empty and not values["DJANGO_DEBUG"]:
        problems += [f"{name}: missing" for name in ("DJANGO_SECRET_KEY", "DJANGO_ALLOWED_HOSTS") if not values[name]]
    database = ("DB_NAME", "DB_USER", "DB_PASSWORD")
    if values["DB_HOST"]:
        problems += [f"{name}: missing (DB_HOST is set)" for name in database if not values[name]]
    elif replicas or any(values[name] for name in database):
        problems.append("DB_HOST: missing (another DB_ variable is set)")
    if values["DB_SSLMODE"] in {"verify-ca", "verify-full"} and not values["DB_SSLROOTCERT"]:
        problems.append(f"DB_SSLROOTCERT: missing (DB_SSLMODE is {values['DB_SSLMODE']})")
    for store in ("CACHE", "SESSION"):
        if values[f"{store}_PASSWORD"] and not values[f"{store}_NODES"]:
            problems.append(f"{store}_NODES: missing ({store}_PASSWORD is set)")
    if values["SESSION_MODE"] == "single" and len(values["SESSION_NODES"] or ()) > 1:  # type: ignore[arg-type]
        problems.append("SESSION_NODES: more than one node with SESSION_MODE single")
    exporters = [x for x in ("cloudwatch", "emf") if x in (values["METRICS_EXPORTER"] or ())]  # type: ignore[operator]
    if exporters and not values["DJANGO_SCALE_ENVIRONMENT"]:
        problems.append(f"DJANGO_SCALE_ENVIRONMENT: missing (METRICS_EXPORTER is {exporters[0]})")
    if values["CELERY_QUEUE_URLS"] and not values["AWS_REGION"]:
        problems.append("AWS_REGION: missing (CELERY_QUEUE_URLS is set)")
    return problems


def read(source: Mapping[str, str] | None = None) -> Environment:
    """Parse `source` (default: the process's environment). ConfigurationError names every variable at fault.

    A variable that is set to nothing counts as absent: a template cannot always leave one out.
    """
    if source is None:
        return _read(tuple(sorted((name, value) for name, value in os.environ.items() if _ours(name))))
    return _read(tuple(sorted((name, value) for name, value in source.items() if _ours(name))))


def _ours(name: str) -> bool:
    return name in _TABLE or _REPLICA.fullmatch(name) is not None


@lru_cache(maxsize=8)
def _read(pairs: tuple[tuple[str, str], ...]) -> Environment:
    source = dict(pairs)
    problems: list[str] = []
    values = {v.name: _one(v, v.name, source, problems) for v in VARIABLES if not v.numbered}
    empty = not any(value.strip() for name, value in source.items() if name not in AMBIENT)
    if values["DJANGO_DEBUG"] is None:
        values["DJANGO_DEBUG"] = empty
    values["LOG_FORMAT"] = values["LOG_FORMAT"] or ("text" if empty else "json")
    if values["ACCESS_LOG"] is None:
        values["ACCESS_LOG"] = not empty
    values["CACHE_KEY_PREFIX"] = values["CACHE_KEY_PREFIX"] or values["DJANGO_SCALE_ENVIRONMENT"] or "django"
    replicas = _replicas(source, values, problems)
    at_fault = {problem.split(":", 1)[0] for problem in problems}
    problems += [p for p in _missing(values, replicas, empty) if p.split(":", 1)[0] not in at_fault]
    if problems:
        raise ConfigurationError(problems)
    return Environment(values=values, replicas=tuple(replicas), empty=empty)
