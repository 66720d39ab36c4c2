"""The parts of an image's name, as Docker reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scale.operate.errors import AccountError

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_ECR = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_PATH = re.compile(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*")
_DOCKER_HUB = "docker.io"


class ImageError(AccountError):
    """An image that cannot be released; the text says why."""


@dataclass(frozen=True)
class Reference:
    """`registry/repository:tag@digest`; `name` is what the user wrote before the tag."""

    name: str
    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def ecr(self) -> tuple[str, str] | None:
        """The account and the region of a repository in ECR, None for any other."""
        found = _ECR.fullmatch(self.registry)
        return (found["account"], found["region"]) if found else None

    def at(self, digest: str) -> str:
        """Return the image by its digest. The tag stays for people: where there is a digest nothing reads it."""
        return f"{self.name}{f':{self.tag}' if self.tag else ''}@{digest}"


def parse(image: str) -> Reference:
    """Return the parts of an image's name. Raises ImageError where it is none."""
    rest, at, digest = image.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise ImageError(f"{image}: the digest must be sha256: and 64 hexadecimal digits")
    head, slash, tail = rest.rpartition("/")
    last, colon, tag = tail.partition(":")
    name = f"{head}{slash}{last}"
    if colon and not _TAG.fullmatch(tag):
        raise ImageError(f"{image}: {tag!r} is not a tag")
    # The first part is a registry where it has a dot or a port, or is localhost; else the name is Docker Hub's.
    first, slash, path = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        registry, repository = first, path
    else:
        registry, repository = _DOCKER_HUB, name if slash else f"library/{name}"
    if not _PATH.fullmatch(repository):
        raise ImageError(f"{image} is not an image: it must be such as registry.example.com/shop:1.5.0")
    return Reference(name, registry, repository, tag, digest)
