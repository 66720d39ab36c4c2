"""What a server does when it starts, as EC2's user data."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from model.environment import CERTIFICATES
from render.collector import collector

if TYPE_CHECKING:
    from jinja2 import Template

# EC2 takes 16 KB of user data before it is encoded (EC2 guide, "User data").
LIMIT_BYTES = 16 * 1024


@dataclass(frozen=True)
class Container:
    """The container of a server.

    `environment` holds the plain variables; `secrets` the ARN of the secret for each variable that has one;
    a new `secret_generation` makes another script, and so other servers, which read the secrets anew;
    `ecr_registry` is the registry's host where the image is in Amazon ECR.
    """

    image: str
    port: int
    region: str
    log_group: str
    draining_seconds: int
    secret_generation: int
    environment: Mapping[str, str]
    secrets: Mapping[str, str]
    ecr_registry: str | None
    collector: str | None = None
    """Where a collector of traces listens (host:port), where there is one."""


def cloud_init(container: Container) -> str:
    """Return the script that starts the container and keeps it running.

    Raises ValueError when a variable has more than one line, which Docker's environment file cannot hold, or when
    the script is longer than EC2 takes.
    """
    for name, value in container.environment.items():
        if "\n" in value or "\r" in value:
            raise ValueError(f"{name}: must be one line")
    text = _template().render(
        image=shlex.quote(container.image),
        port=container.port,
        region=container.region,
        log_group=shlex.quote(container.log_group),
        draining_seconds=container.draining_seconds,
        secret_generation=container.secret_generation,
        environment=sorted(container.environment.items()),
        secrets=sorted((name, shlex.quote(arn)) for name, arn in container.secrets.items()),
        ecr_registry=container.ecr_registry,
        certificates=CERTIFICATES,
    )
    if container.collector is not None:
        text += collector(container.collector, container.region)
    size = len(text.encode())
    if size > LIMIT_BYTES:
        raise ValueError(
            f"the servers' user data has {size} bytes, EC2 takes {LIMIT_BYTES}: shorten application.environment"
        )
    return text


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(  # noqa: S701 - the result is a shell script, which knows no HTML to escape
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    source = Path(__file__).with_name("templates") / "cloud-init.sh.j2"
    return environment.from_string(source.read_text())
