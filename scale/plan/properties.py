"""A resource's properties, where only one kind of value is of use."""

from __future__ import annotations

from collections.abc import Iterator

from scale.plan.recording import Resource
from scale.plan.values import Value, plain, reveal


def text(resource: Resource, key: str) -> str:
    """Return a property as text, empty where it is absent or a group."""
    value = reveal(resource.properties.get(key))
    return "" if value is None or isinstance(value, dict | list) else str(plain(value))


def state(resource: Resource, key: str) -> str:
    """Return an output as text."""
    return str(plain(resource.state.get(key)))


def nested(resource: Resource, key: str, inner: str) -> str:
    """Return the text at `inner` in the group at `key`, empty where there is none."""
    value = reveal(resource.properties.get(key))
    found = value.get(inner) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def count(resource: Resource, key: str) -> int:
    """Return a property as a whole number, 0 where it is none."""
    value = reveal(resource.properties.get(key))
    return value if isinstance(value, int) else 0


def texts(value: Value) -> Iterator[str]:
    """Yield the texts in a list."""
    revealed = reveal(value)
    for item in revealed if isinstance(revealed, list) else []:
        if isinstance(item, str):
            yield item
