"""Settings: everything a stack's configuration may say, parsed and checked before any resource exists."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, cast

from pydantic import Field, ValidationError, field_validator

from model import across, capacity, environment, instances, naming, pods, policies
from model.alarms import Alarms
from model.application import Application
from model.cache import Cache
from model.compute import Compute
from model.database import Database
from model.errors import SettingsError, from_validation, nearest
from model.fields import Count, Problem, Section, form
from model.images import Images
from model.network import Network
from model.observability import Observability
from model.policies import Enforcement
from model.scaling import ScalingPolicy
from model.servers import Servers
from model.storage import Storage
from model.traffic import TrafficPolicy

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
# China, GovCloud and the isolated regions are partitions of their own, whose ARNs begin otherwise.
_OTHER_PARTITIONS = ("cn-", "us-gov-", "us-iso", "eu-isoe-", "eusc-")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_OWN_TAGS = ("application", "environment", "managedby", "name")
_TAG = re.compile(r"[\w .:/=+@-]*")

SECTIONS: dict[str, type[Section]] = {
    "application": Application,
    "network": Network,
    "compute": Compute,
    "servers": Servers,
    "scaling": ScalingPolicy,
    "traffic": TrafficPolicy,
    "database": Database,
    "cache": Cache,
    "storage": Storage,
    "images": Images,
    "alarms": Alarms,
    "observability": Observability,
}
"""The groups of settings, by their key in a stack's file."""


class Deployment(Section):
    """What is not a group: where the environment stands and whose it is."""

    account: Annotated[str, form(r"\d{12}", "an account's twelve digits, in quotes")] | None = None
    """The AWS account that this stack may be deployed to, in quotes; another one is refused. Any by default."""

    secret_generation: Count = Field(default=1, ge=1, le=10_000)
    """Raise it to generate all passwords and Django's SECRET_KEY anew and to replace the servers, which read them."""

    tags: dict[str, str] = Field(default={}, max_length=40)
    """Tags of every resource, besides Application, Environment and ManagedBy."""

    policies: dict[str, Enforcement] = Field(default={})
    """Rules of the policy pack by id, each `disabled`, `advisory` or `mandatory` where its default does not fit."""

    @field_validator("secret_generation", mode="before")
    @classmethod
    def _whole(cls, value: object) -> object:
        """Return the number in a text: what is in no group is text for the engine, however the file writes it."""
        return int(value) if isinstance(value, str) and value.isdecimal() else value

    def problems(self) -> Iterator[Problem]:
        """Yield tags that AWS or the program keep for themselves, and rules that do not exist."""
        yield from policies.problems(self.policies)
        keys = [key.lower() for key in self.tags]
        for index, (key, value) in enumerate(self.tags.items()):
            if key.lower().startswith("aws:") or key.lower() in _OWN_TAGS:
                yield Problem(f"tags.{key}", "must not be a tag that AWS or this program sets")
            if not 1 <= len(key) <= 128 or len(value) > 256:
                yield Problem(f"tags.{key}", "must have a key of 1 to 128 characters and a value of at most 256")
            if not _TAG.fullmatch(key) or not _TAG.fullmatch(value):
                yield Problem(f"tags.{key}", "must be letters, digits, spaces and _ . : / = + - @, key and value")
            if keys[index] in keys[:index]:
                # IAM alone knows no case in keys, and roles carry these tags (IAM guide, "Tags for IAM resources").
                yield Problem(f"tags.{key}", "must be unique, whatever its capitals")


class Settings(Section):
    """One environment."""

    stack: str
    region: str
    deployment: Deployment
    application: Application
    network: Network
    compute: Compute
    servers: Servers
    scaling: ScalingPolicy
    traffic: TrafficPolicy
    database: Database
    cache: Cache
    storage: Storage
    images: Images
    alarms: Alarms
    observability: Observability
    secrets: tuple[str, ...] = ()

    @property
    def prefix(self) -> str:
        """What every resource's name begins with, at most `naming.PREFIX_LIMIT` characters."""
        return naming.prefix(self.application.name, self.stack)

    @property
    def tags(self) -> dict[str, str]:
        """The tags of every resource."""
        own = {"Application": self.application.name, "Environment": self.stack, "ManagedBy": "django-scale"}
        return {**self.deployment.tags, **own}

    @classmethod
    def parse(
        cls, config: Mapping[str, object], *, stack: str, region: str | None, secret: Collection[str] = ()
    ) -> Settings:
        """Return the settings in `config`, a stack's configuration without the project's prefix.

        `secret` names the keys of `config` that hold encrypted values. Raises SettingsError with every problem.
        """
        problems = [*_key_problems(config), *_secret_problems(config, secret)]
        if region is None:
            problems.append(Problem("aws:region", "is required, such as eu-west-1"))
        elif region.startswith(_OTHER_PARTITIONS):
            problems.append(Problem("aws:region", f"must be in AWS's commercial partition, is {region!r}"))
        elif not _REGION.fullmatch(region):
            problems.append(Problem("aws:region", f"must be an AWS region such as eu-west-1, is {region!r}"))
        parsed: dict[str, Section] = {}
        # An encrypted key is refused as a whole: a message about a part of it could show what was encrypted.
        plain = {key: value for key, value in config.items() if key not in secret}
        for key, model in SECTIONS.items():
            if key in secret:
                continue
            section = _section(key, model, plain.get(key, {}), problems)
            if section is not None:
                parsed[key] = section
        given = {key: plain[key] for key in Deployment.model_fields if key in plain}
        deployment = _section("", Deployment, given, problems)
        if problems or deployment is None or region is None:
            raise SettingsError(problems)
        settings = cls.model_validate(
            {
                "stack": stack,
                "region": region,
                "deployment": deployment,
                "secrets": tuple(_group(config, "secrets")),
                **parsed,
            }
        )
        across = list(_problems_across(settings))
        if across:
            raise SettingsError(across)
        return settings


def _section(key: str, model: type[Section], value: object, problems: list[Problem]) -> Section | None:
    try:
        section = model.model_validate(value)
    except ValidationError as error:
        problems.extend(from_validation(key, model, error))
        return None
    problems.extend(_walk(key, section))
    return section


def _walk(key: str, section: Section) -> Iterator[Problem]:
    """Yield the problems of a section and of those inside it, with their full keys."""
    for problem in section.problems():
        yield Problem(_join(key, problem.key), problem.message)
    for name in type(section).model_fields:
        value = getattr(section, name)
        children = enumerate(value) if isinstance(value, tuple) else [(None, value)]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        for index, child in children:  # pyright: ignore[reportUnknownVariableType]
            if isinstance(child, Section):
                place = name if index is None else f"{name}[{index}]"
                yield from _walk(_join(key, place), child)


def _join(key: str, rest: str) -> str:
    return f"{key}.{rest}" if key else rest


def _key_problems(config: Mapping[str, object]) -> Iterator[Problem]:
    known = [*SECTIONS, *Deployment.model_fields, "secrets"]
    for key in config:
        if key not in known:
            yield Problem(key, f"is not a setting; {nearest(key, known)}")


def _secret_problems(config: Mapping[str, object], secret: Collection[str]) -> Iterator[Problem]:
    for key in sorted(secret):
        if key != "secrets" and key in config:
            yield Problem(
                key, "holds an encrypted value; encrypted values belong under secrets, by the name of their variable"
            )
    secrets = _group(config, "secrets")
    if not isinstance(config.get("secrets", {}), Mapping):
        yield Problem("secrets", "must be a group of encrypted values by the name of their variable")
    if secrets and "secrets" not in secret:
        yield Problem("secrets", "must be encrypted: pulumi config set --secret --path 'secrets.NAME'")
    plain = {} if "application" in secret else _group(_group(config, "application"), "environment")
    yield from _variable_problems(secrets, plain)


def _variable_problems(secrets: Mapping[str, object], plain: Mapping[str, object]) -> Iterator[Problem]:
    """Yield variables, encrypted and plain, that cannot be the container's. Their values are never shown."""
    for name in plain:
        if environment.is_written(name):
            yield Problem(f"application.environment.{name}", "must not be a variable that the stack writes itself")
    for name, value in secrets.items():
        if environment.is_written(name):
            yield Problem(f"secrets.{name}", "must not be a variable that the stack writes itself")
        elif not _VARIABLE.fullmatch(name):
            yield Problem(f"secrets.{name}", "must be a name of capitals, digits and underscores")
        elif name in plain:
            yield Problem(f"secrets.{name}", "is in application.environment too")
        elif not isinstance(value, str) or not value:
            yield Problem(f"secrets.{name}", "must be text, and not empty")


def _group(config: Mapping[str, object], key: str) -> dict[str, object]:
    """Return the group at `key`, empty where there is none or something else in its place."""
    value = config.get(key)
    return (
        {str(name): entry for name, entry in cast("Mapping[object, object]", value).items()}
        if isinstance(value, Mapping)
        else {}
    )


def _problems_across(settings: Settings) -> Iterator[Problem]:
    """Yield what sections do to each other."""
    yield from across.architecture(settings)
    yield from across.port(settings)
    yield from across.balancer(settings)
    zones = settings.network.zones
    if settings.database.zone > zones:
        yield Problem("database.zone", f"must be at most network.zones ({zones}), is {settings.database.zone}")
    for index, replica in enumerate(settings.database.replicas):
        if replica.zone is not None and replica.zone > zones:
            yield Problem(
                f"database.replicas[{index}].zone", f"must be at most network.zones ({zones}), is {replica.zone}"
            )
    for key, class_name in capacity.database_classes(settings.database).items():
        if settings.database.max_connections is None and instances.size(class_name) is None:
            yield Problem(
                "database.max_connections", f"must be set: the memory of {class_name} ({key}) is not known here"
            )
    for index, action in enumerate(settings.scaling.scheduled):
        low = settings.servers.min if action.min is None else action.min
        high = settings.servers.max if action.max is None else action.max
        if low > high and action.min is None:
            yield Problem(f"scaling.scheduled[{index}].max", f"must be at least servers.min ({low}), is {high}")
        elif low > high:
            yield Problem(f"scaling.scheduled[{index}].min", f"must be at most servers.max ({high}), is {low}")
        if action.desired is not None and not low <= action.desired <= high:
            yield Problem(f"scaling.scheduled[{index}].desired", f"must be {low} to {high}, is {action.desired}")
    if settings.compute.kubernetes is not None:
        yield from across.kubernetes(settings.compute.kubernetes, settings.network)
        yield from pods.problems(settings, settings.compute.kubernetes)
