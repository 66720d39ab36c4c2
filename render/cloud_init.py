"""What a server does when it starts, as EC2's user data."""

from __future__ import annotations

import shlex
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from model.environment import CERTIFICATES, DATABASE_PASSWORD
from render.collector import collector
from render.templating import template

# EC2 takes 16 KB of user data before it is encoded (EC2 guide, "User data").
LIMIT_BYTES = 16 * 1024

# RFC 1952: the magic number, deflate, no flags, no time, no extra flags, an unknown system. The standard library's own
# header names the system it was compressed on, and another launch template would replace all servers.
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


@dataclass(frozen=True)
class Companion:
    """A program beside the application's container: its image, its configuration file, and who it is there."""

    image: str
    configuration: str
    user: int
    """The number of its user and its group."""


@dataclass(frozen=True)
class Container:
    """The containers of a server.

    `environment` holds the plain variables; `secrets` the ARN of the secret for each variable that has one;
    a new `secret_generation` makes another script, and so other servers, which read the secrets anew;
    `registries` are the hosts of the registries of Amazon ECR that images are in. Where there is a `pgbouncer`, the
    variables and secrets have the database's user and password.
    """

    image: str
    region: str
    log_group: str
    draining_seconds: int
    secret_generation: int
    environment: Mapping[str, str]
    secrets: Mapping[str, str]
    registries: tuple[str, ...]
    nginx: Companion
    pgbouncer: Companion | None = None
    collector: str | None = None
    """Where a collector of traces listens (host:port), where there is one."""


def user_data(container: Container) -> bytes:
    """Return the script, compressed with gzip where it is too long: cloud-init unpacks it ("User-data formats").

    Raises ValueError as `cloud_init` does, and when it is longer than EC2 takes.
    """
    return packed(cloud_init(container), "the servers' user data", "shorten application.environment")


def packed(script: str, what: str, remedy: str) -> bytes:
    """Return a script, compressed with gzip where it is too long. Raises ValueError, which says `what` and the
    `remedy`, where it is longer than EC2 takes."""
    text = script.encode()
    if len(text) <= LIMIT_BYTES:
        # Not compressed without need: builds of zlib differ in what they make of a text, and one who deploys with
        # another build than a colleague would replace all servers.
        return text
    deflate = zlib.compressobj(level=9, wbits=-zlib.MAX_WBITS)
    trailer = zlib.crc32(text).to_bytes(4, "little") + len(text).to_bytes(4, "little")
    data = _GZIP_HEADER + deflate.compress(text) + deflate.flush() + trailer
    if len(data) > LIMIT_BYTES:
        raise ValueError(f"{what} has {len(data)} bytes, EC2 takes {LIMIT_BYTES}: {remedy}")
    return data


def cloud_init(container: Container) -> str:
    """Return the script that starts the containers and keeps them running.

    Raises ValueError when a variable has more than one line, which Docker's environment file cannot hold.
    """
    for name, value in container.environment.items():
        if "\n" in value or "\r" in value:
            raise ValueError(f"{name}: must be one line")
    secrets = {name: shlex.quote(arn) for name, arn in container.secrets.items()}
    text = template("cloud-init.sh.j2").render(
        image=shlex.quote(container.image),
        region=container.region,
        log_group=shlex.quote(container.log_group),
        draining_seconds=container.draining_seconds,
        secret_generation=container.secret_generation,
        environment=sorted(container.environment.items()),
        secrets=sorted(secrets.items()),
        registries=container.registries,
        certificates=CERTIFICATES,
        nginx=container.nginx,
        pgbouncer=container.pgbouncer,
        password=secrets.get(DATABASE_PASSWORD),
        database_user=shlex.quote(container.environment.get("DB_USER", "")),
        beside=["django-scale-nginx", *(["django-scale-pgbouncer"] if container.pgbouncer else [])],
    )
    if container.collector is not None:
        text += collector(container.collector, container.region)
    return text
