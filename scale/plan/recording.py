"""What one pass of a program registered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from scale.plan.values import Value

Mode = Literal["preview", "update"]
"""A preview knows nothing that a provider computes; an update knows plausible values for all of it."""

STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_PREFIX = "pulumi:providers:"


@dataclass(frozen=True)
class CustomTimeouts:
    """How long the engine lets a provider take, as `60m`; empty where the provider's own default holds."""

    create: str = ""
    update: str = ""
    delete: str = ""


@dataclass(frozen=True)
class Alias:
    """A former place of a resource: a whole URN, or the parts of it that were different."""

    urn: str = ""
    name: str = ""
    type: str = ""
    stack: str = ""
    project: str = ""
    parent: str = ""
    no_parent: bool = False


@dataclass(frozen=True)
class Resource:
    """One registration (or, with `read`, one lookup of a resource that exists), as the engine receives it.

    `properties` are inputs by the provider's names for them (`cidrBlock`), `state` is what the program got back.
    """

    urn: str
    type: str
    name: str
    parent: str
    custom: bool
    id: str
    properties: Mapping[str, Value]
    state: Mapping[str, Value] = field(repr=False)
    provider: str = ""
    providers: Mapping[str, str] = field(default_factory=dict[str, str])
    protect: bool | None = None
    aliases: tuple[Alias, ...] = ()
    ignore_changes: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    delete_before_replace: bool | None = None
    replace_on_changes: tuple[str, ...] = ()
    retain_on_delete: bool | None = None
    deleted_with: str = ""
    custom_timeouts: CustomTimeouts = CustomTimeouts()
    additional_secret_outputs: tuple[str, ...] = ()
    import_id: str = ""
    version: str = ""
    remote: bool = False
    read: bool = False

    @property
    def is_provider(self) -> bool:
        """Whether this is a provider, such as `pulumi:providers:aws`."""
        return self.type.startswith(PROVIDER_PREFIX)

    @property
    def is_component(self) -> bool:
        """Whether this groups others and has no counterpart in the cloud."""
        return not self.custom and not self.read and self.type != STACK_TYPE

    @property
    def depends_on(self) -> tuple[str, ...]:
        """URNs that it waits for without using a value of theirs: the `depends_on` option."""
        used = {urn for urns in self.property_dependencies.values() for urn in urns}
        return tuple(urn for urn in self.dependencies if urn not in used)


@dataclass(frozen=True)
class Invoke:
    """One lookup, such as `aws:index/getAvailabilityZones:getAvailabilityZones`, with its answer."""

    token: str
    arguments: Mapping[str, Value]
    provider: str
    answer: Mapping[str, Value] = field(repr=False)


@dataclass(frozen=True)
class Message:
    """What a program logged, or printed (severity `output`)."""

    severity: Literal["debug", "info", "warning", "error", "output"]
    text: str
    urn: str = ""


MisuseKind = Literal["condition", "comparison", "text"]


@dataclass(frozen=True)
class Misuse:
    """An Output used as if it were its value, and where: `components/fleet.py:40`."""

    kind: MisuseKind
    place: str


@dataclass
class Recording:
    """One pass: everything in the order it was registered."""

    mode: Mode
    project: str
    stack: str
    resources: dict[str, Resource] = field(default_factory=dict[str, Resource])
    registered_outputs: dict[str, Mapping[str, Value]] = field(default_factory=dict[str, Mapping[str, Value]])
    """By the URN of the component, or of the stack."""
    collisions: list[Resource] = field(default_factory=list[Resource])
    """Registrations of a URN that was already there; `resources` holds the first."""
    invokes: list[Invoke] = field(default_factory=list[Invoke])
    messages: list[Message] = field(default_factory=list[Message])
    transformed: list[str] = field(default_factory=list[str])
    """URNs of resources with transforms, which only the engine runs; the stack's for a transform of the whole."""
    misuses: list[Misuse] = field(default_factory=list[Misuse])
    markers: dict[str, str] = field(default_factory=dict[str, str])
    """Plaintexts that stand for secrets, with where each comes from."""
    _by_parent: dict[str, list[Resource]] = field(
        default_factory=dict[str, list[Resource]], init=False, repr=False, compare=False
    )
    _order: dict[str, int] = field(default_factory=dict[str, int], init=False, repr=False, compare=False)

    @property
    def stack_urn(self) -> str:
        """The URN of the stack itself."""
        return f"urn:pulumi:{self.stack}::{self.project}::{STACK_TYPE}::{self.project}-{self.stack}"

    def all(self, type_: str | None = None) -> list[Resource]:
        """Return the resources of a type, or all but the stack itself, in the order of registration."""
        return [
            resource
            for resource in self.resources.values()
            if (resource.type != STACK_TYPE if type_ is None else resource.type == type_)
        ]

    def one(self, type_: str, name: str | None = None) -> Resource:
        """Return the only resource of a type, or the one of that name. Raises LookupError, naming those there are."""
        found = [resource for resource in self.all(type_) if name is None or resource.name == name]
        if len(found) == 1:
            return found[0]
        wanted = type_ if name is None else f"{type_} named {name}"
        present = [resource.name for resource in self.all(type_)] or sorted({each.type for each in self.all()})
        raise LookupError(f"{len(found)} resources are {wanted}; there are {', '.join(present) or 'none'}")

    def children(self, parent: Resource | str, type_: str | None = None) -> list[Resource]:
        """Return the direct children of a resource, given itself or its URN; only those of a type if one is given."""
        urn = parent if isinstance(parent, str) else parent.urn
        return [resource for resource in self._below(urn) if type_ is None or resource.type == type_]

    def descendants(self, parent: Resource | str, type_: str | None = None) -> list[Resource]:
        """Return all that is below a resource, in the order of registration: each parent before its children."""
        found = list(self._below(parent if isinstance(parent, str) else parent.urn))
        for resource in found:  # It grows until the last one has no children.
            found.extend(self._below(resource.urn))
        found.sort(key=lambda resource: self._order[resource.urn])
        return [resource for resource in found if type_ is None or resource.type == type_]

    def _below(self, urn: str) -> Sequence[Resource]:
        """Return a resource's children. Resources are only ever added: what is new since the last call is filed first.

        A search of all resources for each one's children took 9 s of the full report of 6,600.
        """
        if len(self._order) < len(self.resources):
            for resource in islice(self.resources.values(), len(self._order), None):
                self._order[resource.urn] = len(self._order)
                if resource.type != STACK_TYPE:
                    self._by_parent.setdefault(resource.parent, []).append(resource)
        return self._by_parent.get(urn, ())

    @property
    def outputs(self) -> Mapping[str, Value]:
        """The stack's outputs."""
        return self.registered_outputs.get(self.stack_urn, {})
