"""The plan beside the live environment: which live resource is which of the program's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from scale.operate.find import Finder
from scale.operate.status.fleet import describe_group
from scale.operate.status.traffic import describe_alarms
from scale.operate.verify.difference import BUILD, UP, Danger, Difference
from scale.plan.recording import Recording, Resource
from scale.plan.values import reveal

Equal = Callable[[Any, Any], bool]
_SUFFIX = r"-[0-9a-f]{7}"
"""What Pulumi adds to a name that the program leaves to it."""


@dataclass(frozen=True)
class Look:
    """What a comparison needs. `live` has the real identifier of each that the plan made up."""

    finder: Finder
    plan: Recording
    live: dict[str, str] = field(default_factory=dict[str, str])

    @cached_property
    def group(self) -> dict[str, Any] | None:
        """The description of the Auto Scaling group, None where there is none. Raises AccountError."""
        return describe_group(self.finder) if self.finder.group else None

    @cached_property
    def policies(self) -> list[dict[str, Any]]:
        """The group's scaling policies, none where there is no group. Raises AccountError."""
        if self.group is None:
            return []
        name = self.group["AutoScalingGroupName"]
        return self.finder.account.items("autoscaling", "describe_policies", AutoScalingGroupName=name)

    @cached_property
    def alarms(self) -> list[dict[str, Any]]:
        """The environment's alarms. Raises AccountError."""
        return describe_alarms(self.finder)

    def learn(self, resource: Resource, **real: str) -> None:
        """Keep the real values of a resource's outputs, by the outputs' names."""
        for key, value in real.items():
            made_up = resource.id if key == "id" else reveal(resource.state.get(key))
            if isinstance(made_up, str) and made_up:
                self.live[made_up] = value

    def wanted(self, resource: Resource) -> dict[str, Any]:
        """Return a resource's inputs as the live environment would have them."""
        return {key: self._real(value) for key, value in resource.properties.items()}

    def _real(self, value: Any) -> Any:
        value = reveal(value)
        if isinstance(value, dict):
            return {key: self._real(inner) for key, inner in cast("dict[str, Any]", value).items()}
        if isinstance(value, list):
            return [self._real(item) for item in cast("list[Any]", value)]
        if isinstance(value, str):
            for made_up, real in self.live.items():
                value = value.replace(made_up, real) if made_up in value else value
        return value


def is_named(resource: Resource, name: str) -> bool:
    """Return whether a live name is one that Pulumi makes of the resource's, or the one that the program gives."""
    given = {str(reveal(resource.properties.get(key))) for key in ("name", "alarmName", "identifier", "bucket")}
    return name in given or re.fullmatch(re.escape(resource.name) + _SUFFIX, name) is not None


def named(resource: Resource, found: Iterable[Mapping[str, Any]], key: str) -> dict[str, Any] | None:
    """Return the description whose name at `key` is the resource's, None where there is none."""
    return next((dict(each) for each in found if is_named(resource, str(each[key]))), None)


def same(wanted: Any, found: Any) -> bool:
    """Return whether two values are equal whatever their form: `"0"` and 0.0, true and `"true"`, off and not there."""
    if wanted is False and found is None:
        return True
    if isinstance(wanted, bool) or isinstance(found, bool):
        return str(wanted).lower() == str(found).lower()
    try:
        return float(wanted) == float(found)
    except (TypeError, ValueError):
        return wanted == found


def starts(wanted: Any, found: Any) -> bool:
    """Return whether a found version is the wanted one or a minor one of it: 17.4 for 17."""
    return found == wanted or str(found).startswith(f"{wanted}.")


def members(wanted: Any, found: Any) -> bool:
    """Return whether two lists have the same members, in any order."""
    return sorted(map(str, wanted or [])) == sorted(map(str, found or []))


@dataclass(frozen=True)
class Field:
    """An input of the program's, and where AWS describes it: `HealthCheck.Path` or a key of attributes."""

    key: str
    found: str
    what: str
    danger: Danger
    mend: str = UP
    equal: Equal = same


def compare(
    look: Look, resource: Resource, described: Mapping[str, Any], fields: Iterable[Field]
) -> Iterator[Difference]:
    """Yield the fields that differ. An input that the program leaves to AWS is not compared."""
    wanted = look.wanted(resource)
    for each in fields:
        value, found = at(wanted, each.key), at(described, each.found)
        if value is not None and not each.equal(value, found):
            yield Difference(each.danger, resource.name, each.what, shown(value), shown(found), each.mend)


def at(group: Mapping[str, Any], path: str) -> Any:
    """Return the value at a path, None where there is none. A key may hold dots itself."""
    if path in group:
        return group[path]
    value: Any = group
    for part in path.split("."):
        value = cast("Mapping[str, Any]", value).get(part) if isinstance(value, Mapping) else None
    return value


def entries(value: Any) -> list[Any]:
    """Return a list, empty where there is none."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def missing(resource: Resource, danger: Danger, what: str, mend: str = BUILD) -> Difference:
    """Return the difference of a resource that is not there."""
    return Difference(danger, resource.name, what, "there", "not there", mend)


def shown(value: Any) -> str:
    """Return a value as it is told."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return ", ".join(shown(item) for item in cast("list[Any]", value)) or "nothing"
    if isinstance(value, dict):
        return ", ".join(f"{key} {shown(inner)}" for key, inner in cast("dict[str, Any]", value).items())
    return str(value)


def attributes(found: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return the attributes of a load balancer or a target group, by key."""
    return {each["Key"]: each["Value"] for each in found}
