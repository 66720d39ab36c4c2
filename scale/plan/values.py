"""Property values as a program sends them to Pulumi's engine, in plain Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal, TypeAlias

from google.protobuf import struct_pb2
from pulumi.runtime import rpc


class Unknown(Enum):
    """The one value that stands for all that is known only after a deployment."""

    UNKNOWN = "[unknown]"


UNKNOWN = Unknown.UNKNOWN


@dataclass(frozen=True)
class Secret:
    """A value that the engine encrypts in the state and masks in what it prints."""

    value: Value


@dataclass(frozen=True)
class Asset:
    """A file, text or URL, or an archive of these."""

    kind: Literal["asset", "archive"]
    content: dict[str, Value]


@dataclass(frozen=True)
class Reference:
    """A resource passed as a value; `identifier` is None for a component."""

    urn: str
    identifier: Value


Value: TypeAlias = (
    "bool | int | float | str | list[Value] | dict[str, Value] | Secret | Asset | Reference | Unknown | None"
)

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105
_ASSET = "c44067f5952c0a294b673a41bacd8c17"
_ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
_RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"
"""The signatures of special values (pulumi/pulumi, sdk/go/common/resource); the SDK keeps them private."""


def decode(struct: struct_pb2.Struct) -> dict[str, Value]:
    """Return the properties in a request's `struct`."""
    return {name: _decode(value) for name, value in sorted(struct.fields.items())}


def _decode(value: struct_pb2.Value) -> Value:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value == rpc.UNKNOWN else value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [_decode(item) for item in value.list_value.values]
    if kind == "struct_value":
        return _decode_struct(value.struct_value)
    return None


def _decode_struct(struct: struct_pb2.Struct) -> Value:
    fields = decode(struct)
    signature = fields.pop(_SIGNATURE, None)
    if signature is None:
        return fields
    if signature == _SECRET:
        return Secret(fields.get("value"))
    if signature == _ASSET:
        return Asset("asset", fields)
    if signature == _ARCHIVE:
        return Asset("archive", fields)
    if signature == _RESOURCE:
        return Reference(str(fields.get("urn")), fields.get("id"))
    raise ValueError(f"a special value with the signature {signature!r}, which this version does not know")


def encode(value: Value) -> object:
    """Return `value` in the form that a protobuf Struct takes."""
    match value:
        case Unknown():
            return rpc.UNKNOWN
        case Secret(inner):
            return {_SIGNATURE: _SECRET, "value": encode(inner)}
        case Asset(kind, content):
            return {_SIGNATURE: _ASSET if kind == "asset" else _ARCHIVE, **_encode_all(content)}
        case Reference(urn, identifier):
            reference: dict[str, object] = {_SIGNATURE: _RESOURCE, "urn": urn}
            return reference if identifier is None else {**reference, "id": encode(identifier)}
        case dict():
            return _encode_all(value)
        case list():
            return [encode(item) for item in value]
        case _:
            return value


def _encode_all(values: Mapping[str, Value]) -> dict[str, object]:
    return {name: encode(value) for name, value in values.items()}


def reveal(value: Value) -> Value:
    """Return `value` with what is in secrets in their place."""
    match value:
        case Secret(inner):
            return reveal(inner)
        case dict():
            return {name: reveal(inner) for name, inner in value.items()}
        case list():
            return [reveal(item) for item in value]
        case _:
            return value


def plain(value: Value) -> object:
    """Return `value` as JSON can hold it, secrets as `[secret]` and unknown values as `[unknown]`."""
    match value:
        case Unknown():
            return value.value
        case Secret():
            return "[secret]"
        case Asset(kind, content):
            return {kind: {name: plain(inner) for name, inner in content.items()}}
        case Reference(urn, _):
            return urn
        case dict():
            return {name: plain(inner) for name, inner in value.items()}
        case list():
            return [plain(item) for item in value]
        case _:
            return value


def leaves(value: Value, path: str = "", *, secret: bool = False) -> Iterator[tuple[str, Value, bool]]:
    """Yield every value that holds no other, with its path (`tags.Name`, `rules[0].port`) and whether it is secret."""
    match value:
        case Secret(inner):
            yield from leaves(inner, path, secret=True)
        case Asset(_, content):
            yield from leaves(content, path, secret=secret)
        case dict():
            for name, inner in value.items():
                yield from leaves(inner, f"{path}.{name}" if path else name, secret=secret)
        case list():
            for place, item in enumerate(value):
                yield from leaves(item, f"{path}[{place}]", secret=secret)
        case _:
            yield path, value, secret
