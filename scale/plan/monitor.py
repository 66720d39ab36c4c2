"""A resource monitor that records what a program registers, in place of Pulumi's engine."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sized
from typing import Any, cast

from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.proto import alias_pb2, callback_pb2, resource_pb2

from scale.plan import answers, lookups
from scale.plan.identity import Request
from scale.plan.recording import (
    PROVIDER_PREFIX,
    STACK_TYPE,
    Alias,
    CustomTimeouts,
    Invoke,
    Mode,
    Recording,
    Resource,
)
from scale.plan.values import UNKNOWN, Secret, Value, decode, encode


class RecordingMonitor(MockMonitor):
    """Records every request as it arrives, and answers as the engine would in a preview or in an update.

    Safe to call from several threads, as the SDK does.
    """

    def __init__(self, mode: Mode, *, project: str, stack: str, region: str) -> None:
        """Answer for `region` where a resource's provider names no other."""
        super().__init__(_NoMocks())
        self.recording = Recording(mode, project, stack)
        self._region = region
        self._lock = threading.Lock()
        self._invoked: Counter[str] = Counter()

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """Return a URN as the engine makes it: with the types of all parents but the stack."""
        parent_type = parent.split("::")[2] if parent else ""
        qualified = f"{parent_type}${type_}" if parent_type and parent_type != STACK_TYPE else type_
        return f"urn:pulumi:{self.recording.stack}::{self.recording.project}::{qualified}::{name}"

    def RegisterResource(  # noqa: N802 # the names of gRPC methods are the protocol's
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        """Record a resource and return its outputs."""
        urn = self.make_urn(request.parent, request.type, request.name)
        inputs = decode(request.object)
        if cast("Sized", request.transforms):
            with self._lock:
                self.recording.transformed.append(urn)
        identifier, computed = self._answer(request.type, request.name, urn, request, inputs)
        self._record(_from_registration(request, urn, identifier, inputs, computed))
        response = resource_pb2.RegisterResourceResponse(urn=urn, id=identifier, object=request.object)
        _fill(response.object, computed)
        return response

    def ReadResource(  # noqa: N802
        self, request: resource_pb2.ReadResourceRequest
    ) -> resource_pb2.ReadResourceResponse:
        """Record the lookup of a resource that exists and return its outputs."""
        urn = self.make_urn(request.parent, request.type, request.name)
        inputs = decode(request.properties)
        _, computed = self._answer(request.type, request.name, urn, request, inputs)
        self._record(_from_read(request, urn, inputs, computed))
        response = resource_pb2.ReadResourceResponse(urn=urn, properties=request.properties)
        _fill(response.properties, computed)
        return response

    def RegisterResourceOutputs(  # noqa: N802
        self, request: resource_pb2.RegisterResourceOutputsRequest
    ) -> empty_pb2.Empty:
        """Record the outputs of a component or of the stack."""
        with self._lock:
            self.recording.registered_outputs[request.urn] = decode(request.outputs)
        return empty_pb2.Empty()

    def Invoke(  # noqa: N802
        self, request: resource_pb2.ResourceInvokeRequest
    ) -> resource_pb2.ResourceInvokeResponse:
        """Record a lookup and return its answer. Raises UnknownLookupError for a lookup without one."""
        arguments = decode(request.args)
        with self._lock:
            count = self._invoked[request.tok]
            self._invoked[request.tok] += 1
        region = self._region_of(arguments, request.provider)
        answer = lookups.answer(lookups.Lookup(request.tok, arguments, region, count))
        with self._lock:
            self.recording.markers.update(answer.secrets)
            self.recording.invokes.append(Invoke(request.tok, arguments, request.provider, answer.values))
        response = resource_pb2.ResourceInvokeResponse()
        _fill(getattr(response, "return"), answer.values)
        return response

    def RegisterStackTransform(  # noqa: N802
        self, request: callback_pb2.Callback
    ) -> empty_pb2.Empty:
        """Note a transform of every resource; a plan does not run it."""
        with self._lock:
            self.recording.transformed.append(self.recording.stack_urn)
        return empty_pb2.Empty()

    def _answer(
        self,
        type_: str,
        name: str,
        urn: str,
        request: resource_pb2.RegisterResourceRequest | resource_pb2.ReadResourceRequest,
        inputs: Mapping[str, Value],
    ) -> tuple[str, dict[str, Value]]:
        """Return a resource's id, empty for none or an unknown one, and what its provider computes."""
        # What exists is read in a preview as well; only what would be created is unknown.
        exists = isinstance(request, resource_pb2.ReadResourceRequest)
        given = request.id if exists else request.importId
        if not exists and not request.custom:
            return "", {}
        if self.recording.mode == "preview" and not exists:
            # The engine keeps a computed value secret in a preview too, though it does not know it.
            hidden: dict[str, Value] = {
                key: Secret(UNKNOWN) for key in request.additionalSecretOutputs if key not in inputs
            }
            return "", hidden | answers.completed(type_, inputs, UNKNOWN)
        asked = Request(type_, name, urn, inputs, self._region_of(inputs, request.provider), given)
        if type_.startswith(PROVIDER_PREFIX):
            return asked.uuid, {}
        computed = answers.answer(asked)
        for key in request.additionalSecretOutputs:
            value = computed.get(key, inputs.get(key))
            if value is not None and not isinstance(value, Secret):
                computed[key] = Secret(value)
        return asked.id, computed

    def _region_of(self, inputs: Mapping[str, Value], provider: str) -> str:
        """Return the region that a resource says itself, or its provider does, or the stack's."""
        own = inputs.get("region")
        if isinstance(own, str):
            return own
        with self._lock:
            found = self.recording.resources.get(provider.rpartition("::")[0])
        region = found.properties.get("region") if found else None
        return region if isinstance(region, str) else self._region

    def _record(self, resource: Resource) -> None:
        with self._lock:
            if resource.urn in self.recording.resources:
                self.recording.collisions.append(resource)
            else:
                self.recording.resources[resource.urn] = resource


class _NoMocks(Mocks):
    """Required by MockMonitor's constructor; RecordingMonitor answers every request itself."""

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise NotImplementedError(args.token)

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        raise NotImplementedError(args.typ)


def _fill(struct: struct_pb2.Struct, values: Mapping[str, Value]) -> None:
    for key, value in values.items():
        struct[key] = encode(value)  # pyright: ignore[reportArgumentType] # the stubs know no recursive value


def _from_registration(
    request: resource_pb2.RegisterResourceRequest,
    urn: str,
    identifier: str,
    inputs: dict[str, Value],
    computed: dict[str, Value],
) -> Resource:
    timeouts = request.customTimeouts
    return Resource(
        urn=urn,
        type=request.type,
        name=request.name,
        parent=request.parent,
        custom=request.custom,
        id=identifier,
        properties=inputs,
        state={**inputs, **computed},
        provider=request.provider,
        providers=dict(request.providers),
        protect=request.protect if request.HasField("protect") else None,
        aliases=_aliases(request),
        ignore_changes=tuple(request.ignoreChanges),
        # The SDK sends a set, whose order changes from run to run.
        dependencies=tuple(sorted(request.dependencies)),
        property_dependencies={
            key: tuple(sorted(found.urns)) for key, found in sorted(request.propertyDependencies.items()) if found.urns
        },
        delete_before_replace=request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None,
        replace_on_changes=tuple(request.replaceOnChanges),
        retain_on_delete=request.retainOnDelete if request.HasField("retainOnDelete") else None,
        deleted_with=request.deletedWith,
        custom_timeouts=CustomTimeouts(timeouts.create, timeouts.update, timeouts.delete),
        additional_secret_outputs=tuple(request.additionalSecretOutputs),
        import_id=request.importId,
        version=request.version,
        remote=request.remote,
    )


def _from_read(
    request: resource_pb2.ReadResourceRequest, urn: str, inputs: dict[str, Value], computed: dict[str, Value]
) -> Resource:
    return Resource(
        urn=urn,
        type=request.type,
        name=request.name,
        parent=request.parent,
        custom=True,
        id=request.id,
        properties=inputs,
        state={**inputs, **computed},
        provider=request.provider,
        dependencies=tuple(sorted(request.dependencies)),
        additional_secret_outputs=tuple(request.additionalSecretOutputs),
        version=request.version,
        read=True,
    )


def _aliases(request: resource_pb2.RegisterResourceRequest) -> tuple[Alias, ...]:
    aliases = cast("Iterable[alias_pb2.Alias]", request.aliases)
    return tuple(Alias(urn=alias.urn) if alias.urn else _alias(alias.spec) for alias in aliases)


def _alias(spec: alias_pb2.Alias.Spec) -> Alias:
    return Alias("", spec.name, spec.type, spec.stack, spec.project, spec.parentUrn, spec.noParent)
