"""The kinds of value that settings are made of, each with its unit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict
from pydantic_core import PydanticCustomError

from model import instances


@dataclass(frozen=True)
class Unit:
    """The unit of a number, as it stands in the reference and in messages."""

    name: str


@dataclass(frozen=True)
class Problem:
    """One wrong value: its key as the user wrote it, and what is wrong with it."""

    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.key}: {self.message}"


def rule(check: Callable[[Any], str | None]) -> AfterValidator:
    """Return a validator of one value: `check` returns what the value must be, None when it is that."""

    def apply(value: object) -> object:
        wanted = check(value)
        if wanted is not None:
            raise PydanticCustomError("rule", "must be {wanted}", {"wanted": wanted})
        return value

    return AfterValidator(apply)


@dataclass(frozen=True)
class Form(AfterValidator):
    """A validator of text that says in words, for the reference too, what the text must be."""

    meaning: str


def form(pattern: str, meaning: str) -> Form:
    """Return a validator of text: the whole of it matches `pattern`, which `meaning` says in words."""
    compiled = re.compile(pattern)
    return _form(lambda text: compiled.fullmatch(text) is not None, meaning)


def _form(fits: Callable[[str], bool], meaning: str) -> Form:
    return Form(rule(lambda text: None if fits(text) else meaning).func, meaning)


def _instance_type(service: instances.Service | None, example: str) -> Form:
    return _form(lambda name: instances.is_type(name, service), f"a type such as {example}")


InstanceType = Annotated[str, _instance_type(None, "m7g.large")]
DatabaseClass = Annotated[str, _instance_type("db", "db.m7g.large")]
NodeType = Annotated[str, _instance_type("cache", "cache.m7g.large")]

_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = rf"(?=.{{4,253}}$)({_LABEL}\.)+([a-z]{{2,63}}|xn--{_LABEL})"
HostName = Annotated[str, form(_HOST, "a host name in lower case such as shop.example.com")]
# Django's own form: a dot in front stands for the name and all below it (settings reference, ALLOWED_HOSTS).
AllowedHost = Annotated[str, form(rf"\.?{_HOST}", "a host name in lower case, perhaps with a dot in front")]
Name = Annotated[str, form(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", "lower-case letters, digits and single hyphens")]

_IMAGE = re.compile(
    r"[a-z0-9][a-z0-9._/:-]*?(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


def _image(text: str) -> str | None:
    match = _IMAGE.fullmatch(text)
    if match is None:
        return "an image reference such as registry/name:tag"
    if match["digest"] is None and match["tag"] in (None, "latest"):
        return _PINNED
    return None


_PINNED = "an image with a tag other than latest, or with a digest"
Image = Annotated[str, Form(rule(_image).func, _PINNED)]

# Strict: pydantic would take `true` for 1 and text for the number in it.
Whole = Annotated[int, Strict()]
Fractional = Annotated[float, Strict()]

Count = Annotated[Whole, Unit("count")]
Port = Annotated[Whole, Unit("TCP port"), Field(ge=1024, le=65535)]
Seconds = Annotated[Whole, Unit("seconds")]
Milliseconds = Annotated[Whole, Unit("milliseconds")]
Days = Annotated[Whole, Unit("days")]
Percent = Annotated[Whole, Unit("percent")]
GiB = Annotated[Whole, Unit("GiB")]
MiB = Annotated[Whole, Unit("MiB")]
Millicores = Annotated[Whole, Unit("thousandths of a virtual processor")]
KiB = Annotated[Whole, Unit("KiB")]
PerMinute = Annotated[Whole, Unit("requests a minute")]
PerMinuteAndServer = Annotated[Whole, Unit("requests a minute and server")]
Weight = Annotated[Whole, Unit("relative weight")]
PerSecondAndPod = Annotated[Fractional, Unit("requests a second and pod")]
FractionalSeconds = Annotated[Fractional, Unit("seconds")]
FractionalPercent = Annotated[Fractional, Unit("percent")]
MetricValue = Annotated[Fractional, Unit("the metric's unit")]

# CloudWatch Logs accepts these retentions and no others (PutRetentionPolicy, retentionInDays).
LOG_RETENTIONS = (
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
)
LogRetention = Annotated[
    Whole,
    Unit("days"),
    Field(ge=LOG_RETENTIONS[0], le=LOG_RETENTIONS[-1]),
    rule(
        lambda days: (
            None
            if days in LOG_RETENTIONS
            else f"a number of days that CloudWatch Logs knows (the nearest is {_nearest_retention(days)})"
        )
    ),
]


def _nearest_retention(days: int) -> int:
    return min(LOG_RETENTIONS, key=lambda known: abs(known - days))


class Section(BaseModel):
    """A group of settings. Frozen; an unknown key is an error; docstrings below fields are their reference."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True)

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the values together; the keys are relative to this section."""
        yield from ()
