"""Small stacks for rules and refusals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from policies.view import Resource, Stack

Uses = Mapping[str, Sequence[Resource]]


def resource(
    type_: str,
    values: Mapping[str, object] | None = None,
    *,
    name: str = "it",
    uses: Uses | None = None,
    protect: bool = False,
    ignore_changes: tuple[str, ...] = (),
) -> Resource:
    """Return a resource; `uses` names those whose values its properties are made of."""
    return Resource(
        values=values or {},
        type=type_,
        name=name,
        urn=f"urn:pulumi:prod::shop::{type_}::{name}",
        protect=protect,
        ignore_changes=ignore_changes,
        property_dependencies={key: tuple(each.urn for each in found) for key, found in (uses or {}).items()},
    )


def stack(*resources: Resource) -> Stack:
    """Return a stack of resources."""
    return Stack(resources)
