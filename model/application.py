"""The application: its image, how gunicorn runs it, where it is found."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import Field

from model.fields import AllowedHost, Count, HostName, Image, MiB, Name, Port, Problem, Section
from model.instances import Architecture

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LINE_ENDS = ("\n", "\r", "\0")


class Application(Section):
    """The Django application and its container."""

    name: Name = Field(default="django", min_length=2, max_length=24)
    """The application's name. With the stack's name it begins every resource's name."""

    image: Image
    """The container image by tag or, better, by digest (`registry/name@sha256:...`); `latest` is refused."""

    architecture: Architecture = "arm64"
    """The processor architecture the image was built for. The servers' instance types must have the same."""

    port: Port = 8000
    """The port at which nginx listens on a server, in front of the container."""

    workers: Count = Field(default=4, ge=1, le=64)
    """gunicorn worker processes on a server (`WEB_CONCURRENCY`)."""

    threads: Count = Field(default=2, ge=1, le=64)
    """Threads of a gunicorn worker. Each thread may hold one connection to each database."""

    worker_memory_mib: MiB = Field(default=256, ge=32, le=65536)
    """Resident memory of one gunicorn worker under load. The plan compares the sum with the instance's memory."""

    domain: HostName | None = None
    """The host name users type. Without one the load balancer serves plain HTTP under its own name."""

    hosted_zone: HostName | None = None
    """The Route 53 public hosted zone that holds the domain's records; by default the zone is the domain itself."""

    allowed_hosts: tuple[AllowedHost, ...] = ()
    """Further host names that Django accepts, besides the domain; `.example.com` with all below it."""

    environment: dict[str, str] = Field(default={})
    """Further environment variables of the container, readable by anyone who may read the stack. No secrets here."""

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with domain and environment."""
        if self.hosted_zone and self.domain is None:
            yield Problem("hosted_zone", f"is {self.hosted_zone!r}, but there is no application.domain in it")
        if self.domain and self.hosted_zone and not f".{self.domain}".endswith(f".{self.hosted_zone}"):
            yield Problem("hosted_zone", f"must contain the domain {self.domain}, is {self.hosted_zone!r}")
        for name in self.environment:
            if not _VARIABLE.fullmatch(name):
                yield Problem(f"environment.{name}", "must be a name of letters, digits and underscores")
            elif any(end in self.environment[name] for end in _LINE_ENDS):
                yield Problem(
                    f"environment.{name}", "must be one line: Docker's environment file has no way to quote more"
                )

    @property
    def release(self) -> str:
        """What logs, traces and reports call this version: the first digits of the image's digest, else its tag."""
        named, _, digest = self.image.partition("@sha256:")
        return digest[:12] or named.rpartition("/")[2].partition(":")[2]

    @property
    def zone(self) -> str | None:
        """The hosted zone of the domain, None without a domain."""
        return self.hosted_zone or self.domain
