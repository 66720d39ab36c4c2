"""What a rule sees: resources with their properties, where a value may not be known yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import cast


class Unknown(Enum):
    """The value of what only a deployment will tell."""

    UNKNOWN = "[unknown]"


UNKNOWN = Unknown.UNKNOWN


class NotKnownYetError(Exception):
    """A rule asked for a value that is not known yet; `path` is the property."""

    def __init__(self, path: str) -> None:
        """Name the property."""
        super().__init__(f"{path} is not known yet")
        self.path = path


@dataclass(frozen=True)
class Properties:
    """A group of values by the provider's names. Asking for one that is not known raises NotKnownYetError."""

    values: Mapping[str, object]
    path: str = ""

    def value(self, path: str) -> object:
        """Return the value at `path` (`metadataOptions.httpTokens`), None where there is none."""
        found: object = self.values
        for step in path.split("."):
            group = _group(found)
            if group is None:
                return None
            found = group.get(step)
            if found is UNKNOWN:
                raise NotKnownYetError(self._full(path))
        return found

    def text(self, path: str) -> str:
        """Return the text at `path`, empty where there is none; a number as its digits."""
        value = self.value(path)
        return value if isinstance(value, str) else "" if value is None or isinstance(value, bool) else f"{value}"

    def flag(self, path: str) -> bool:
        """Return whether the value at `path` is true; some of the provider's flags are texts."""
        return self.value(path) in (True, "true")

    def number(self, path: str) -> float | None:
        """Return the number at `path`, None where there is none."""
        value = self.value(path)
        if isinstance(value, str):
            return float(value) if value.lstrip("-").replace(".", "", 1).isdigit() else None
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    def has(self, path: str) -> bool:
        """Return whether there is a value at `path`, known or not."""
        try:
            value = self.value(path)
        except NotKnownYetError:
            return True
        return value is not None and value not in ("", [], {})

    def list(self, path: str) -> Sequence[object]:
        """Return the list at `path`, empty where there is none. Its items may be UNKNOWN."""
        value = self.value(path)
        return cast("Sequence[object]", value) if isinstance(value, list | tuple) else ()

    def groups(self, path: str) -> Iterator[Properties]:
        """Yield the groups of the list at `path`; a group that stands alone counts as a list of one."""
        value = self.value(path)
        items: Sequence[object] = (cast("object", value),) if isinstance(value, Mapping) else self.list(path)
        for place, item in enumerate(items):
            here = f"{self._full(path)}[{place}]"
            if item is UNKNOWN:
                raise NotKnownYetError(here)
            group = _group(item)
            if group is not None:
                yield Properties(group, here)

    def _full(self, path: str) -> str:
        return f"{self.path}.{path}" if self.path else path


def _group(value: object) -> Mapping[str, object] | None:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else None


@dataclass(frozen=True)
class Resource(Properties):
    """A resource that is to be built."""

    type: str = ""
    name: str = ""
    urn: str = ""
    protect: bool = False
    ignore_changes: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """URNs of the resources whose values a property is made of."""


@dataclass(frozen=True)
class Stack:
    """All resources, and how their properties refer to each other."""

    resources: tuple[Resource, ...]

    @cached_property
    def _by_urn(self) -> dict[str, Resource]:
        return {resource.urn: resource for resource in self.resources}

    @cached_property
    def _by_type(self) -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for resource in self.resources:
            found.setdefault(resource.type, []).append(resource)
        return found

    def of(self, *types: str) -> list[Resource]:
        """Return the resources of these types."""
        return [resource for type_ in types for resource in self._by_type.get(type_, ())]

    def used(self, resource: Resource, key: str, *types: str) -> list[Resource]:
        """Return the resources of these types whose values the property `key` of `resource` is made of."""
        urns = resource.property_dependencies.get(key, ())
        return [self._by_urn[urn] for urn in urns if urn in self._by_urn and self._by_urn[urn].type in types]

    def users(self, resource: Resource, key: str, *types: str) -> list[Resource]:
        """Return the resources of these types whose property `key` is made of values of `resource`."""
        return [user for user in self.of(*types) if resource.urn in user.property_dependencies.get(key, ())]
