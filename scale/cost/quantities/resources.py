"""What the quantities read of a plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scale.plan import words
from scale.plan.properties import text, texts
from scale.plan.recording import Recording, Resource
from scale.plan.values import Value, reveal


def component(update: Recording, resource: Resource) -> str:
    """Return the title of the topmost component that a resource is in, `Database db`."""
    owner = resource
    while owner.parent in update.resources and owner.parent != update.stack_urn:
        owner = update.resources[owner.parent]
    return words.title(owner, words.prefix(update)) if owner.is_component else words.noun(resource.type)


def groups(value: Value) -> Iterator[Mapping[str, Value]]:
    """Yield the groups in a list."""
    revealed = reveal(value)
    for entry in revealed if isinstance(revealed, list) else []:
        found = reveal(entry)
        if isinstance(found, dict):
            yield found


def number(value: Value) -> float:
    """Return a value as a number, 0 where it is none: providers take `"30"` for 30."""
    found = reveal(value)
    if isinstance(found, bool):
        return 0.0
    if isinstance(found, int | float):
        return float(found)
    try:
        return float(found) if isinstance(found, str) else 0.0
    except ValueError:
        return 0.0


def is_public(update: Recording, subnet_ids: Value) -> bool:
    """Return whether what starts in these subnets is given a public address."""
    public = {
        subnet.id
        for subnet in update.all("aws:ec2/subnet:Subnet")
        if reveal(subnet.properties.get("mapPublicIpOnLaunch")) is True
    }
    return any(subnet in public for subnet in texts(subnet_ids))


def is_true(resource: Resource, key: str) -> bool:
    """Return whether a property is true."""
    return reveal(resource.properties.get(key)) is True


def kind(resource: Resource, key: str, default: str) -> str:
    """Return a property as text, or AWS's own default."""
    return text(resource, key) or default
