"""Is every resource where it belongs?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from scale.plan.findings import Finding
from scale.plan.recording import Recording, Resource


def check_tree(update: Recording) -> Iterator[Finding]:
    """Yield resources outside their component, and components that register no outputs."""
    components = [resource for resource in update.all() if resource.is_component]
    by_name: dict[str, list[Resource]] = defaultdict(list)
    for component in components:
        by_name[component.name].append(component)
    for resource in update.all():
        if resource.parent == update.stack_urn and resource.custom and not (resource.is_provider or resource.read):
            yield Finding(
                "error",
                "outside-component",
                resource.urn,
                "stands outside any component: pass ResourceOptions(parent=self)",
            )
        elif not resource.is_component and not resource.is_provider:
            yield from _named_for_another(resource, update, by_name)
    for component in components:
        if component.urn not in update.registered_outputs and not component.remote:
            yield Finding(
                "error", "no-outputs", component.urn, "registers no outputs: end it with self.register_outputs(...)"
            )


def _named_for_another(resource: Resource, update: Recording, by_name: dict[str, list[Resource]]) -> Iterator[Finding]:
    ancestors = list(_ancestors(resource, update))
    if not ancestors or any(_begins_with(resource.name, ancestor.name) for ancestor in ancestors):
        return
    # The longest name decides, and only where one component alone has it.
    parts = resource.name.split("-")
    for length in range(len(parts), 0, -1):
        named = by_name.get("-".join(parts[:length]), [])
        if len(named) == 1:
            yield Finding(
                "warning",
                "outside-component",
                resource.urn,
                f"is named for the component {named[0].name} and is a child of {ancestors[0].name}",
            )
        if named:
            return


def _ancestors(resource: Resource, update: Recording) -> Iterator[Resource]:
    parent = update.resources.get(resource.parent)
    while parent is not None and parent.urn != update.stack_urn:
        yield parent
        parent = update.resources.get(parent.parent)


def _begins_with(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}-")
