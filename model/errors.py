"""Wrong settings, told in the user's own words."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from model.fields import Problem

# What pydantic adds to the location of a mapping's key that is wrong.
_KEY = "[key]"
_YAML = {"True": "true", "False": "false", "None": "null"}


class SettingsError(Exception):
    """Settings that cannot be built: every problem at once, one a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Take the problems, in the order of the settings."""
        self.problems = tuple(problems)
        count = len(self.problems)
        head = "1 setting is wrong" if count == 1 else f"{count} settings are wrong"
        super().__init__("\n".join([f"{head}:", *(f"  {problem}" for problem in self.problems)]))


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `did you mean ...?` with the known name nearest to `name`, or the list of the known names."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(names)}"


def dotted(location: Iterable[int | str]) -> str:
    """Return a location as the user wrote it: `database.replicas[1].weight`."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else str(part)
    return text


def plain(number: float) -> str:
    """Return a number without the fraction that it has as a float only: 600, not 600.0."""
    return str(int(number)) if number == int(number) else str(number)


def from_validation(section: str, model: type[BaseModel], error: ValidationError) -> list[Problem]:
    """Return pydantic's errors for `section` as problems."""
    problems: list[Problem] = []
    all_details = error.errors(include_url=False)
    for details in all_details:
        if _follows(details, all_details):
            continue
        location = [part for part in details["loc"] if part != _KEY]
        problem = Problem(dotted([section, *location]), _message(model, details))
        if problem not in problems:
            problems.append(problem)
    return problems


def _follows(details: ErrorDetails, others: Iterable[ErrorDetails]) -> bool:
    """Return whether an error is another's echo: pydantic finds a list too short without the entries that are wrong."""
    place = details["loc"]
    return details["type"] == "too_short" and any(
        len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in others
    )


def _message(model: type[BaseModel], details: ErrorDetails) -> str:
    given, context = _shown(details["input"]), details.get("ctx", {})
    match details["type"]:
        case "missing":
            return "is required"
        case "extra_forbidden":
            location = details["loc"]
            return f"is not a setting; {nearest(str(location[-1]), _known(model, location[:-1]))}"
        case "greater_than_equal":
            return f"must be at least {plain(context['ge'])}, is {given}"
        case "less_than_equal":
            return f"must be at most {plain(context['le'])}, is {given}"
        case "greater_than":
            return f"must be above {plain(context['gt'])}, is {given}"
        case "multiple_of":
            return f"must be a multiple of {context['multiple_of']}, is {given}"
        case "literal_error":
            return f"must be {context['expected']}, is {given}"
        case "rule":
            return f"must be {context['wanted']}, is {given}"
        case "string_too_short" | "too_short":
            return f"must have at least {context['min_length']} {_things(details)}, is {given}"
        case "string_too_long" | "too_long":
            return f"must have at most {context['max_length']} {_things(details)}, is {given}"
        case "int_type" | "int_parsing" | "int_from_float":
            return f"must be a whole number, is {given}"
        case "float_type" | "float_parsing":
            return f"must be a number, is {given}"
        case "bool_type" | "bool_parsing":
            return f"must be true or false, is {given}"
        case "string_type":
            return f"must be text (in quotes, where YAML would read a number), is {given}"
        case "ip_v4_network":
            return f"must be a block of IPv4 addresses such as 10.0.0.0/16, is {given}"
        case "tuple_type" | "list_type":
            return f"must be a list, is {given}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"must be a group of settings, is {given}"
        case _:
            text = details["msg"]
            return f"{text[:1].lower()}{text[1:]}, is {given}"


def _things(details: ErrorDetails) -> str:
    context = details.get("ctx", {})
    one, many = ("character", "characters") if details["type"].startswith("string") else ("entry", "entries")
    return one if context.get("min_length", context.get("max_length")) == 1 else many


def _shown(value: object) -> str:
    """Return a value as it stands in the stack's file."""
    text = repr(value)
    text = _YAML.get(text, text)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _known(model: type[BaseModel], location: Iterable[int | str]) -> Iterable[str]:
    """Return the keys of the model at `location` below `model`."""
    schema: Mapping[str, Any] = model.model_json_schema()
    node: Mapping[str, Any] = schema
    for part in location:
        node = _resolve(schema, node)
        if isinstance(part, int):
            node = node.get("items", {})
        elif part in node.get("properties", {}):
            node = node["properties"][part]
    return _resolve(schema, node).get("properties", {})


def _resolve(schema: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    for choice in node.get("anyOf", ()):
        if "$ref" in choice or "items" in choice or "properties" in choice:
            return _resolve(schema, choice)
    if "$ref" in node:
        return _resolve(schema, schema["$defs"][node["$ref"].rsplit("/", 1)[-1]])
    return node
