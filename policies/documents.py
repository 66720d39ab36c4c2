"""IAM policy documents, as rules read them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

Statement = Mapping[str, Any]


def statements(document: object) -> Iterator[Statement]:
    """Yield the statements of a document, given as JSON or parsed."""
    parsed: Any = json.loads(document) if isinstance(document, str) and document else document
    if not isinstance(parsed, Mapping):
        return
    found: Any = cast("Mapping[str, Any]", parsed).get("Statement", ())
    yield from cast("list[Statement]", [found] if isinstance(found, Mapping) else found)


def allowed(document: object) -> Iterator[Statement]:
    """Yield the statements that allow something."""
    return (statement for statement in statements(document) if statement.get("Effect") == "Allow")


def listed(value: object) -> list[str]:
    """Return one text or a list of them as a list."""
    return [str(item) for item in cast("list[object]", value)] if isinstance(value, list) else [str(value)]


def is_public(statement: Statement) -> bool:
    """Return whether a statement speaks of anyone, under no condition."""
    principal: object = statement.get("Principal")
    if isinstance(principal, Mapping):
        principal = cast("Mapping[str, object]", principal).get("AWS")
    anyone = principal is not None and "*" in listed(principal)
    return anyone and not statement.get("Condition")


def allows_plain_http(document: object) -> bool:
    """Return whether no statement refuses requests without TLS to everybody."""
    for statement in statements(document):
        condition = cast("Mapping[str, Mapping[str, object]]", statement.get("Condition") or {})
        without_tls = str(condition.get("Bool", {}).get("aws:SecureTransport", "")).lower() == "false"
        principal: object = statement.get("Principal")
        if isinstance(principal, Mapping):
            principal = cast("Mapping[str, object]", principal).get("AWS")
        actions = listed(statement.get("Action"))
        everything = "s3:*" in actions or "*" in actions
        everybody = principal is not None and "*" in listed(principal)
        if statement.get("Effect") == "Deny" and without_tls and everything and everybody:
            return False
    return True
