"""Does a secret reach a place where someone can read it?"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from scale.plan.findings import Finding
from scale.plan.recording import Recording, Resource
from scale.plan.values import Value, leaves

SECRET_PROPERTIES: dict[tuple[str, str], str] = {
    ("aws:elasticache/user:User", "authenticationMode.passwords"): "ElastiCache keeps a hash of it",
    ("aws:elasticache/user:User", "passwords"): "ElastiCache keeps a hash of it",
    ("aws:elasticache/replicationGroup:ReplicationGroup", "authToken"): "ElastiCache keeps it and does not return it",
    ("aws:rds/cluster:Cluster", "masterPassword"): "RDS keeps it and does not return it",
    ("aws:rds/instance:Instance", "password"): "RDS keeps it and does not return it",
    ("aws:secretsmanager/secretVersion:SecretVersion", "secretString"): "Secrets Manager is where secrets belong",
    ("aws:secretsmanager/secretVersion:SecretVersion", "secretBinary"): "Secrets Manager is where secrets belong",
    ("aws:ssm/parameter:Parameter", "value"): "a SecureString is encrypted",
    ("kubernetes:core/v1:Secret", "data"): "a Secret is read with a permission of its own",
    ("kubernetes:core/v1:Secret", "stringData"): "a Secret is read with a permission of its own",
}
"""Properties that may hold a secret, and why; besides those that the SDK itself declares secret."""

_READABLE: dict[str, str] = {
    "userData": "every process on the server reads user data, and so does who may describe the instance",
    "userDataBase64": "every process on the server reads user data, and so does who may describe the instance",
}
"""Properties that may never hold one, wrapped or not."""

_BASE64 = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}")
_DEPTH = 3
_INDEX = re.compile(r"\[\d+\]")


def check_secrets(update: Recording) -> Iterator[Finding]:
    """Yield secrets in clear, and secrets in properties that are not made for them."""
    needles = _needles(update.markers)
    for resource in update.resources.values():
        yield from _check_resource(resource, needles)
    for urn, outputs in update.registered_outputs.items():
        kind = "the output" if urn == update.stack_urn else "the registered output"
        for path, value, secret in leaves(dict(outputs)):
            if not secret and (origin := _origin(value, needles)):
                owner = "" if urn == update.stack_urn else urn
                yield Finding("error", "secret-in-clear", owner, f"{kind} {path} shows {origin}")
    for message in update.messages:
        if origin := _origin(message.text, needles):
            yield Finding("error", "secret-in-clear", message.urn, f"a message of the program shows {origin}")


def _check_resource(resource: Resource, needles: Mapping[str, str]) -> Iterator[Finding]:
    if origin := _origin(resource.name, needles):
        yield Finding("error", "secret-in-clear", resource.urn, f"its name shows {origin}")
    wrong: dict[str, str] = {}
    for path, value, secret in leaves(dict(resource.properties)):
        if secret:
            reason = _refusal(resource, path)
            if reason is not None:
                wrong.setdefault(_root(path), reason)
        elif origin := _origin(value, needles):
            yield Finding("error", "secret-in-clear", resource.urn, f"{path} shows {origin}")
    for path, reason in wrong.items():
        yield Finding("error", "secret-in-plain-property", resource.urn, f"{path} holds a secret: {reason}")


def _refusal(resource: Resource, path: str) -> str | None:
    """Return why a secret may not be at `path`, None where it may."""
    root = _root(path)
    if root in _READABLE:
        return _READABLE[root]
    if resource.is_component or resource.is_provider or root in resource.additional_secret_outputs:
        return None
    plain_path = _INDEX.sub("", path)
    names = plain_path.split(".")
    if any((resource.type, ".".join(names[:length])) in SECRET_PROPERTIES for length in range(1, len(names) + 1)):
        return None
    return "the provider does not treat this property as secret; put it into Secrets Manager and pass its ARN"


def _root(path: str) -> str:
    return _INDEX.sub("", path.partition(".")[0])


def _needles(markers: Mapping[str, str]) -> dict[str, str]:
    """Return each secret as it would stand in text, in JSON and in a URL, with where it comes from."""
    return {
        form: origin
        for plaintext, origin in markers.items()
        for form in (plaintext, json.dumps(plaintext)[1:-1], quote(plaintext, safe=""))
        if form
    }


def _origin(value: Value, needles: Mapping[str, str], depth: int = 0) -> str | None:
    """Return where the secret in `value` comes from, None where there is none; base64 and gzip are opened."""
    if not isinstance(value, str):
        return None
    for needle, origin in needles.items():
        if needle in value:
            return origin
    if depth < _DEPTH and needles:
        for encoded in _BASE64.findall(value):
            inner = _decoded(encoded)
            if inner and (origin := _origin(inner, needles, depth + 1)):
                return origin
    return None


def _decoded(encoded: str) -> str | None:
    try:
        content = base64.b64decode(encoded + "=" * (-len(encoded) % 4))
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
    except (binascii.Error, EOFError, OSError, zlib.error):
        return None  # Not every long word is base64.
    return content.decode("utf-8", errors="ignore")
