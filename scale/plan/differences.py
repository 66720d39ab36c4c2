"""What differs between two stacks of one program.

Compared is what the program decides, as a preview shows it: a value that a provider computes is different in every
stack and says nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scale.plan import words
from scale.plan.values import UNKNOWN, Asset, Secret, Value

if TYPE_CHECKING:
    from scale.plan.plan import Plan
    from scale.plan.recording import Recording, Resource

_Key = tuple[str, str]
"""A resource's type with its parents', and its name without the stack's prefix."""


@dataclass(frozen=True)
class Difference:
    """A property that has another value in the other stack; None where it is absent."""

    resource: str
    path: str
    here: Value
    there: Value


@dataclass
class Group:
    """The differences within one component."""

    only_here: list[str] = field(default_factory=list[str])
    only_there: list[str] = field(default_factory=list[str])
    properties: list[Difference] = field(default_factory=list[Difference])


def differences(here: Plan, there: Plan) -> dict[str, Group]:
    """Return the differences by component (`Cache sessions`), in the order of the stacks; equal ones are left out."""
    first, second = _Side(here.passes.preview), _Side(there.passes.preview)
    groups: dict[str, Group] = defaultdict(Group)
    for key in dict.fromkeys([*first.resources, *second.resources]):
        one, other = first.resources.get(key), second.resources.get(key)
        label = words.label(key[0].rpartition("$")[2], key[1])
        if one is None or other is None:
            side, resource = (first, one) if one else (second, other)
            if resource is not None:
                group = groups[side.component(resource)]
                (group.only_here if one else group.only_there).append(label)
            continue
        found = [
            Difference(label, path, before, after)
            for path, before, after in _unlike(one.properties, other.properties, first.prefix, second.prefix, "")
        ]
        if found:
            groups[first.component(one)].properties.extend(found)
    return groups


class _Side:
    """One of the two stacks, by keys that both have."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self.prefix = words.prefix(recording)
        self.resources: dict[_Key, Resource] = {
            (resource.urn.split("::")[2], words.without(self.prefix, resource.name)): resource
            for resource in recording.all()
        }

    def component(self, resource: Resource) -> str:
        """Return the title of the outermost component that a resource is in, or that it is."""
        while resource.parent != self._recording.stack_urn and resource.parent in self._recording.resources:
            resource = self._recording.resources[resource.parent]
        return words.title(resource, self.prefix) if resource.is_component else "Stack"


def _unlike(
    one: Value | Mapping[str, Value], other: Value | Mapping[str, Value], first: str, second: str, path: str
) -> Iterator[tuple[str, Value, Value]]:
    match one, other:
        case Mapping(), Mapping():
            for key in sorted({*one, *other}):
                yield from _unlike(one.get(key), other.get(key), first, second, f"{path}.{key}" if path else key)
        case list(), list() if len(one) == len(other):
            for place, (before, after) in enumerate(zip(one, other, strict=True)):
                yield from _unlike(before, after, first, second, f"{path}[{place}]")
        case Secret(), Secret():
            return
        case Asset(_, before), Asset(_, after):
            yield from _unlike(before, after, first, second, path)
        case str(), str() if first and one.replace(first, second) == other:
            return
        case _ if one is not UNKNOWN and other is not UNKNOWN and one != other:
            yield path, one, other  # pyright: ignore[reportReturnType]
        case _:
            return
