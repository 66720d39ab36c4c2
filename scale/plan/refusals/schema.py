"""JSON Schema as cfn-lint's data uses it, where a value may not be known yet.

The keywords are those of cfn-lint's files (JSON Schema draft 7 and CloudFormation's own additions), and an unknown
value breaks none of them. cfn-lint's own validator knows no such value, and importing it costs more than a second.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from policies.view import UNKNOWN

Schema = Mapping[str, Any]
_TYPES: Mapping[str, Callable[[object], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, Mapping),
    "null": lambda value: value is None,
}


@dataclass(frozen=True)
class Breach:
    """A value that its schema does not take; `wanted` is the keyword's own value."""

    path: tuple[str, ...]
    keyword: str
    wanted: Any
    value: object


class Validator:
    """A schema with the definitions that it refers to."""

    def __init__(self, schema: Schema, ignored: frozenset[str] = frozenset()) -> None:
        """Leave the keywords in `ignored` out."""
        self._root = schema
        self._keywords = {name: check for name, check in _KEYWORDS.items() if name not in ignored}

    def breaches(self, value: object) -> Iterator[Breach]:
        """Yield what `value` breaks."""
        yield from self.check(self._root, value, ())

    def check(self, schema: Schema | bool, value: object, path: tuple[str, ...]) -> Iterator[Breach]:
        """Yield what `value` at `path` breaks of a schema or of a part of it."""
        if value is UNKNOWN or schema is True:
            return
        if schema is False:
            yield Breach(path, "false", None, value)
            return
        schema = self._resolve(schema)
        for keyword, wanted in schema.items():
            check = self._keywords.get(keyword)
            if check is not None:
                yield from check(self, wanted, value, schema, path)

    def matches(self, schema: Schema | bool, value: object) -> bool | None:
        """Return whether `value` breaks nothing of a schema; None where that depends on an unknown value."""
        if next(self.check(schema, value, ()), None) is not None:
            return False
        return None if self._touches_unknown(schema, value) else True

    def _touches_unknown(self, schema: Schema | bool, value: object) -> bool:
        if value is UNKNOWN:
            return True
        if isinstance(schema, bool) or not isinstance(value, Mapping):
            return False
        properties = cast("Mapping[str, Schema]", schema.get("properties", {}))
        group = cast("Mapping[str, object]", value)
        return any(key in group and self._touches_unknown(part, group[key]) for key, part in properties.items())

    def _resolve(self, schema: Schema) -> Schema:
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return schema
        found: Any = self._root
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        return cast("Schema", found)


Keyword = Callable[[Validator, Any, object, Schema, tuple[str, ...]], Iterator[Breach]]


@cache
def pattern(text: str) -> re.Pattern[str]:
    """Return a compiled pattern of AWS's, written for other engines than Python's."""
    # Their characters beyond the basic plane are pairs of surrogates, for which Python has single characters.
    text = text.replace(r"\uD800\uDC00-\uDBFF\uDFFF", "\U00010000-\U0010ffff")
    if r"\p{" not in text:
        return re.compile(text)
    import regex  # Python's own module knows no classes of Unicode.

    return cast("re.Pattern[str]", regex.compile(text))


def _enum(_: Validator, wanted: Any, value: object, __: Schema, path: tuple[str, ...]) -> Iterator[Breach]:
    if value not in wanted and str(value) not in {str(each) for each in wanted}:
        yield Breach(path, "enum", wanted, value)


def _any_case(_: Validator, wanted: Any, value: object, __: Schema, path: tuple[str, ...]) -> Iterator[Breach]:
    if isinstance(value, str) and value.lower() not in {str(each).lower() for each in wanted}:
        yield Breach(path, "enum", wanted, value)


def _const(_: Validator, wanted: Any, value: object, __: Schema, path: tuple[str, ...]) -> Iterator[Breach]:
    if value != wanted:
        yield Breach(path, "const", wanted, value)


def _type(_: Validator, wanted: Any, value: object, __: Schema, path: tuple[str, ...]) -> Iterator[Breach]:
    names = [wanted] if isinstance(wanted, str) else wanted
    if not any(_TYPES[name](value) for name in names):
        yield Breach(path, "type", wanted, value)


def _pattern(_: Validator, wanted: Any, value: object, __: Schema, path: tuple[str, ...]) -> Iterator[Breach]:
    if isinstance(value, str) and not pattern(wanted).search(value):
        yield Breach(path, "pattern", wanted, value)


def _bound(keyword: str, breaks: Callable[[float, float], bool]) -> Keyword:
    def check(_: Validator, wanted: Any, value: object, __: Schema, path: tuple[str, ...]) -> Iterator[Breach]:
        if isinstance(value, int | float) and not isinstance(value, bool) and breaks(value, wanted):
            yield Breach(path, keyword, wanted, value)

    return check


def _size(keyword: str, kind: type[str] | type[list[object]], breaks: Callable[[float, float], bool]) -> Keyword:
    def check(_: Validator, wanted: Any, value: object, __: Schema, path: tuple[str, ...]) -> Iterator[Breach]:
        if isinstance(value, kind):
            sized = cast("Sequence[object]", value)
            if breaks(len(sized), wanted):
                yield Breach(path, keyword, wanted, sized)

    return check


def _properties(of: Validator, wanted: Any, value: object, _: Schema, path: tuple[str, ...]) -> Iterator[Breach]:
    if isinstance(value, Mapping):
        group = cast("Mapping[str, object]", value)
        for name, part in wanted.items():
            if name in group:
                yield from of.check(part, group[name], (*path, name))


def _items(of: Validator, wanted: Any, value: object, _: Schema, path: tuple[str, ...]) -> Iterator[Breach]:
    if isinstance(value, list):
        for place, item in enumerate(cast("list[object]", value)):
            yield from of.check(wanted, item, (*path, str(place)))


def _required(_: Validator, wanted: Any, value: object, __: Schema, path: tuple[str, ...]) -> Iterator[Breach]:
    if isinstance(value, Mapping):
        for name in wanted:
            if name not in value:
                yield Breach((*path, name), "required", wanted, None)


def _dependent_excluded(
    _: Validator, wanted: Any, value: object, __: Schema, path: tuple[str, ...]
) -> Iterator[Breach]:
    if isinstance(value, Mapping):
        for name, others in wanted.items():
            for other in others:
                if name in value and other in value:
                    yield Breach((*path, other), "dependentExcluded", name, cast("Mapping[str, Any]", value)[other])


def _required_xor(_: Validator, wanted: Any, value: object, __: Schema, path: tuple[str, ...]) -> Iterator[Breach]:
    if isinstance(value, Mapping) and sum(name in value for name in wanted) != 1:
        yield Breach(path, "requiredXor", wanted, None)


def _all_of(of: Validator, wanted: Any, value: object, _: Schema, path: tuple[str, ...]) -> Iterator[Breach]:
    for part in wanted:
        yield from of.check(part, value, path)


def _any_of(of: Validator, wanted: Any, value: object, _: Schema, path: tuple[str, ...]) -> Iterator[Breach]:
    if all(of.matches(part, value) is False for part in wanted):
        yield Breach(path, "anyOf", wanted, value)


def _one_of(of: Validator, wanted: Any, value: object, _: Schema, path: tuple[str, ...]) -> Iterator[Breach]:
    answers = [of.matches(part, value) for part in wanted]
    if None not in answers and answers.count(True) != 1:
        yield Breach(path, "oneOf", wanted, value)


def _not(of: Validator, wanted: Any, value: object, _: Schema, path: tuple[str, ...]) -> Iterator[Breach]:
    if of.matches(wanted, value) is True:
        yield Breach(path, "not", wanted, value)


def _if(of: Validator, wanted: Any, value: object, schema: Schema, path: tuple[str, ...]) -> Iterator[Breach]:
    met = of.matches(wanted, value)
    if met is True and "then" in schema:
        yield from of.check(schema["then"], value, path)
    elif met is False and "else" in schema:
        yield from of.check(schema["else"], value, path)


def _below(value: float, bound: float) -> bool:
    return value < bound


def _above(value: float, bound: float) -> bool:
    return value > bound


def _no_multiple(value: float, factor: float) -> bool:
    return value % factor != 0


_KEYWORDS: Mapping[str, Keyword] = {
    "enum": _enum,
    "enumCaseInsensitive": _any_case,
    "const": _const,
    "type": _type,
    "pattern": _pattern,
    "minimum": _bound("minimum", _below),
    "maximum": _bound("maximum", _above),
    "multipleOf": _bound("multipleOf", _no_multiple),
    "minLength": _size("minLength", str, _below),
    "maxLength": _size("maxLength", str, _above),
    "minItems": _size("minItems", list, _below),
    "maxItems": _size("maxItems", list, _above),
    "properties": _properties,
    "items": _items,
    "required": _required,
    "dependentExcluded": _dependent_excluded,
    "requiredXor": _required_xor,
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "not": _not,
    "if": _if,
}
