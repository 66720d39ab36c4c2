"""The file that `pulumi import --file` reads.

Source: Pulumi's documentation, "Importing resources", bulk import; pulumi/pulumi, `pkg/cmd/pulumi/operations/import.go`
(`importSpec`, `parseImportFile`): `name` tells entries apart inside the file and is what `parent` refers to,
`logicalName` is the program's own name; a component has `component: true` and no id (v3.94.0 and later).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from scale.adopt.matching import Match
from scale.plan.recording import Recording, Resource

PROVIDER = "aws"
"""What the file calls the program's own provider, which has to be in the state before the import."""


def document(update: Recording, matches: Sequence[Match]) -> dict[str, Any]:
    """Return the document: each match under the components that the program has it in, parents first."""
    names: dict[str, str] = {}
    ids = {match.resource.urn: match.import_id for match in matches}
    chains = [_chain(update, match.resource) for match in matches]
    needed = {resource.urn for chain in chains for resource in chain}
    entries: list[dict[str, Any]] = []
    for resource in _parents_first(update, needed):
        names[resource.urn] = _name(resource, set(names.values()))
        entry = {"type": resource.type, "name": names[resource.urn], "logicalName": resource.name}
        if resource.parent in names:
            entry["parent"] = names[resource.parent]
        if resource.is_component:
            entries.append({**entry, "component": True})
        else:
            entries.append({**entry, "id": ids[resource.urn], "provider": PROVIDER})
    return {"nameTable": {PROVIDER: provider_urn(update)}, "resources": entries}


def provider_urn(update: Recording) -> str:
    """Return the URN of the program's provider for AWS."""
    return next(resource.urn for resource in update.all() if resource.type == "pulumi:providers:aws")


def _chain(update: Recording, resource: Resource) -> list[Resource]:
    """Return a resource and the components that it is in."""
    chain = [resource]
    while (parent := update.resources.get(chain[-1].parent)) is not None and parent.is_component:
        chain.append(parent)
    return chain


def _parents_first(update: Recording, needed: set[str]) -> list[Resource]:
    found = [resource for resource in update.all() if resource.urn in needed]
    return sorted(found, key=lambda resource: len(_chain(update, resource)))


def _name(resource: Resource, taken: set[str]) -> str:
    """Return a name that no other entry has: the program gives one to several resources of different types."""
    kind = resource.type.rpartition(":")[2]
    name = re.sub(r"[^A-Za-z0-9_]", "_", f"{resource.name}_{kind}")
    return next(each for each in (name, *(f"{name}_{place}" for place in range(2, 1000))) if each not in taken)
