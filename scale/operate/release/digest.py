"""The digest that a tag stands for now: from ECR, or from any registry by the Docker Registry HTTP API v2.

The API: the OCI Distribution Specification, "Pulling manifests"; its tokens: Docker's "Token Authentication
Specification".
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from email.message import Message
from pathlib import Path
from typing import Any, cast

from scale.operate.account import Account
from scale.operate.errors import one_line
from scale.operate.release.reference import ImageError, Reference

SECONDS = 15
"""How long an answer is waited for."""
_MOST_BYTES = 4 << 20  # The specification asks registries to take manifests of at least so much.
_MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_HUB_HOST, _HUB_KEY = "registry-1.docker.io", "https://index.docker.io/v1/"
_OTHERWISE = "give the digest with --digest (`docker buildx imagetools inspect` prints it)"


def in_ecr(reference: Reference, account: Account) -> str:
    """Return the digest of an image in ECR. Raises AccountError."""
    place = reference.ecr
    if place is None:
        raise ValueError(f"{reference.name} is not in ECR")
    found = account.items(
        "ecr",
        "describe_images",
        region=place[1],
        registryId=place[0],
        repositoryName=reference.repository,
        imageIds=[{"imageTag": reference.tag}],
    )
    if not found:
        raise ImageError(f"{reference.name} has no image {reference.tag}")
    return str(found[0]["imageDigest"])


def in_registry(reference: Reference) -> str:
    """Return the digest of an image in any other registry. Raises ImageError."""
    host = _HUB_HOST if reference.registry == "docker.io" else reference.registry
    url = f"{_scheme(host)}://{host}/v2/{reference.repository}/manifests/{reference.tag}"
    headers = {"Accept": ", ".join(_MANIFESTS)}
    try:
        status, answer, _ = _ask("HEAD", url, headers)
        if status == 401:
            headers |= _authorization(reference, answer.get("WWW-Authenticate", ""))
            status, answer, _ = _ask("HEAD", url, headers)
        _check(reference, status)
        if digest := answer.get("Docker-Content-Digest"):
            return _checked(reference, digest)
        # Not every registry names it in a header: it is the manifest's own hash.
        status, answer, body = _ask("GET", url, headers)
        _check(reference, status)
        return _checked(reference, answer.get("Docker-Content-Digest") or f"sha256:{hashlib.sha256(body).hexdigest()}")
    except (OSError, ValueError) as error:
        raise ImageError(f"{reference.registry} does not answer ({one_line(str(error))}): {_OTHERWISE}") from error


def _check(reference: Reference, status: int) -> None:
    image = f"{reference.name}:{reference.tag}"
    if status in (401, 403):
        raise ImageError(f"{reference.registry} does not show {image}: run `docker login`, or {_OTHERWISE}")
    if status == 404:
        raise ImageError(f"{reference.registry} has no {image}: push it first")
    if status == 429:
        raise ImageError(f"{reference.registry} has had enough requests for now: wait, or {_OTHERWISE}")
    if status != 200:
        raise ImageError(f"{reference.registry} answers {status} for {image}: {_OTHERWISE}")


def _checked(reference: Reference, digest: str) -> str:
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        raise ImageError(f"{reference.registry} answers with no sha256 digest but {digest!r}: {_OTHERWISE}")
    return digest


def _scheme(host: str) -> str:
    """Return `http` for this machine's own registries, as Docker does, and `https` for all others."""
    name = host.partition(":")[0]
    try:
        return "http" if name == "localhost" or ipaddress.ip_address(name).is_loopback else "https"
    except ValueError:
        return "https"


def _authorization(reference: Reference, challenge: str) -> dict[str, str]:
    """Return the header that answers a challenge: a token for pulling, or what `docker login` kept."""
    kind, _, rest = challenge.partition(" ")
    pairs: list[tuple[str, str]] = re.findall(r'(\w+)="([^"]*)"', rest)
    asked = dict(pairs)
    kept = _kept_login(reference)
    basic = {"Authorization": f"Basic {kept}"} if kept else {}
    if kind.lower() != "bearer" or "realm" not in asked:
        return basic
    query = {key: asked[key] for key in ("service", "scope") if key in asked}
    query.setdefault("scope", f"repository:{reference.repository}:pull")
    realm = urllib.parse.urlsplit(asked["realm"])
    if realm.scheme != "https" and _scheme(realm.netloc) != "http":
        raise ImageError(f"{reference.registry} wants its token asked for without TLS: {_OTHERWISE}")
    status, _, body = _ask("GET", f"{asked['realm']}?{urllib.parse.urlencode(query)}", basic)
    if status != 200:
        raise ImageError(f"{reference.registry} gives no token ({status}): run `docker login`, or {_OTHERWISE}")
    answer: dict[str, Any] = json.loads(body)
    token = answer.get("token") or answer.get("access_token")
    if not token:
        raise ImageError(f"{reference.registry} gives no token: {_OTHERWISE}")
    return {"Authorization": f"Bearer {token}"}


def _kept_login(reference: Reference) -> str | None:
    """Return the user and password that `docker login` wrote for the registry; a helper's are the helper's alone."""
    folder = os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker"
    try:
        kept: object = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    logins: dict[str, Any] = cast("dict[str, Any]", kept).get("auths", {}) if isinstance(kept, dict) else {}
    for key in (
        reference.registry,
        f"https://{reference.registry}",
        *([_HUB_KEY] * (reference.registry == "docker.io")),
    ):
        login: dict[str, str] = logins.get(key) or {}
        found = login.get("auth")
        if found:
            base64.b64decode(found)  # A header takes nothing else: what is no base64 is a ValueError here.
            return found
    return None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A manifest is answered where it is asked for; a token must not follow a redirect to somebody else."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def _ask(method: str, url: str, headers: Mapping[str, str]) -> tuple[int, Message, bytes]:
    """Return status, headers and body. Raises OSError where there is no answer."""
    request = urllib.request.Request(url, method=method, headers={"User-Agent": "django-scale", **headers})  # noqa: S310
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=SECONDS) as answer:
            return answer.status, answer.headers, answer.read(_MOST_BYTES)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, b""
