"""The reference of all settings, written from the model: `python -m model.reference > docs/settings.md`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin

from annotated_types import Ge, Gt, Le, MaxLen, MinLen, MultipleOf
from pydantic.fields import FieldInfo

from model.errors import plain
from model.fields import Form, Section, Unit
from model.settings import SECTIONS, Deployment

_T = TypeVar("_T")

_HEAD = """\
# Settings

<!-- Written by `python -m model.reference > docs/settings.md` from the model: change the docstrings there. -->

Everything that a stack's file, `Pulumi.<stack>.yaml`, may say, besides `aws:region`, which is required. A stack says
only what differs from the defaults:

```yaml
config:
  aws:region: eu-west-1
  django-scale:application: {image: "ghcr.io/example/shop:1.4.0"}
  django-scale:servers:
    instance_type: t4g.small
    max: 4
```

A wrong value, an unknown key or two settings that contradict each other stop the program before it builds anything,
and all of them are told at once. Where a group may be `null`, `null` takes away what it describes. A group that is
given replaces the default one: what it does not say has the defaults of its own table.
"""

_SECRETS = """\
## secrets

Variables of the container that nobody may read in the stack's file, by name. Each is encrypted there and kept in AWS
Secrets Manager; the servers read it when they start.

```sh
pulumi config set --secret --path 'django-scale:secrets.STRIPE_KEY' sk_live_...
```
"""


@dataclass(frozen=True)
class Kind:
    """What a value may be: its type, or that of a list's entries, and what is said of it on the way there."""

    type: Any
    metadata: tuple[object, ...]
    nullable: bool = False
    many: bool = False
    lengths: tuple[object, ...] = ()
    """What is said of a list as a whole."""

    def said(self, kind: type[_T]) -> _T | None:
        """Return the metadata of that kind."""
        return next((entry for entry in self.metadata if isinstance(entry, kind)), None)

    @property
    def section(self) -> type[Section] | None:
        """The group that the value is, or a list's entries are."""
        return self.type if isinstance(self.type, type) and issubclass(self.type, Section) else None


def kind(info: FieldInfo) -> Kind:
    """Return what the values of a field are."""
    return _look(info.annotation, info.metadata)


def _look(annotation: Any, metadata: Iterable[object]) -> Kind:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _look(inner[0], [*metadata, *inner[1:]])
    if origin in (Union, UnionType):
        (choice,) = (entry for entry in inner if entry is not NoneType)
        return replace(_look(choice, metadata), nullable=True)
    said = tuple(_flat(metadata))
    if origin is tuple:
        return replace(_look(inner[0], ()), many=True, lengths=said)
    return Kind(annotation, said)


def _flat(metadata: Iterable[object]) -> Iterator[object]:
    for entry in metadata:
        if isinstance(entry, FieldInfo):
            yield from entry.metadata
        else:
            yield entry


def document() -> str:
    """Return the reference as Markdown."""
    parts = [_HEAD, f"## The stack\n\n{_words(Deployment)}\n", _table("", Deployment)]
    for key, model in SECTIONS.items():
        parts += _group(key, model, 2)
    return "\n".join([*parts, _SECRETS])


def _group(key: str, model: type[Section], level: int) -> Iterator[str]:
    yield f"{'#' * level} {key}\n\n{_words(model)}\n"
    yield _table(key, model)
    for name, info in model.model_fields.items():
        found = kind(info)
        if found.section is not None:
            yield from _group(f"{key}.{name}{'[]' if found.many else ''}", found.section, 3)


def _words(model: type[Section]) -> str:
    return " ".join((model.__doc__ or "").split())


def _table(key: str, model: type[Section]) -> str:
    rows = ["| Setting | Value | Default | What it is |", "| --- | --- | --- | --- |"]
    for name, info in model.model_fields.items():
        cells = [
            f"`{name}`",
            _value(f"{key}.{name}", kind(info)),
            _default(info),
            " ".join(str(info.description).split()),
        ]
        rows.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join([*rows, ""])


def _value(key: str, found: Kind) -> str:
    if found.section is not None:
        text = "[groups](#{})" if found.many else "[a group](#{})"
        text = text.format(_anchor(f"{key}[]" if found.many else key))
    else:
        text = _scalar(found)
        text = f"list; each {text}" if found.many else text
    limits = _bounds(found.lengths, "entries")
    return f"{text}{f', {limits}' if limits else ''}{', or `null`' if found.nullable else ''}"


def _anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return "".join(character for character in heading.lower() if character.isalnum() or character in "-_")


def _scalar(found: Kind) -> str:
    inner = found.type
    unit = found.said(Unit)
    if get_origin(inner) is dict:
        return f"{_scalar(replace(found, type=get_args(inner)[1], metadata=()))} by name"
    if get_origin(inner) is Literal:
        choices = [f"`{choice}`" for choice in get_args(inner)]
        listed = " or ".join([", ".join(choices[:-1]), choices[-1]])
        return f"{unit.name}: {listed}" if unit else listed
    if unit is not None:
        fractions = " (fractions too)" if inner is float else ""
        return ", ".join(part for part in (f"{unit.name}{fractions}", _bounds(found.metadata)) if part)
    if inner is str:
        meaning = found.said(Form)
        limits = _bounds(found.metadata, "characters")
        return ", ".join(part for part in (meaning.meaning if meaning else "text", limits) if part)
    names = {bool: "`true` or `false`", IPv4Network: "a block of IPv4 addresses"}
    return names[inner]


def _bounds(metadata: Iterable[object], things: str = "") -> str:
    """Return bounds in words: `1 to 64`, `above 0, at most 100`, `at most 39 entries`."""
    lower = upper = step = None
    for entry in metadata:
        match entry:
            case Ge(ge=float() | int() as number):
                lower = plain(number)
            case Gt(gt=float() | int() as number):
                lower = f"above {plain(number)}"
            case Le(le=float() | int() as number):
                upper = plain(number)
            case MinLen(min_length=number):
                lower = str(number)
            case MaxLen(max_length=number):
                upper = str(number)
            case MultipleOf(multiple_of=number):
                step = f"a multiple of {number}"
            case _:
                pass
    return ", ".join(part for part in (f"{_range(lower, upper)} {things}".strip(), step) if part and part != things)


def _range(lower: str | None, upper: str | None) -> str:
    if lower is None or upper is None:
        return "" if upper is None else f"at most {upper}"
    return f"{lower}, at most {upper}" if lower.startswith("above") else f"{lower} to {upper}"


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "**required**"
    default = _plain(info.get_default())
    return "as below" if default == {} and kind(info).section else f"`{json.dumps(default)}`"


def _plain(value: Any) -> Any:
    """Return a value as a stack's file would have it."""
    if isinstance(value, Section):
        return value.model_dump(mode="json", exclude_defaults=True)
    if isinstance(value, tuple):
        return [_plain(entry) for entry in cast("tuple[Any, ...]", value)]
    return str(value) if isinstance(value, IPv4Network) else value


if __name__ == "__main__":
    print(document(), end="")
