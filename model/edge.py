"""What nginx and HAProxy need beside the limits: retries, time-outs, connections, sizes.

The load balancer of AWS has settings of its own for a part of this, in `traffic` itself; docs/edge.md has the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from model.fields import Count, KiB, MiB, Problem, Seconds, Section

RetryCause = Literal["error", "timeout", "invalid_response", "http_500", "http_502", "http_503", "http_504"]

# gunicorn closes an idle connection after 75 s (django_scale.gunicorn). Whoever closes second sends a request into a
# closed connection now and then, and a POST that meets that fails: the balancer must be first, with time to spare.
LONGEST_IDLE_SECONDS = 70


class Retries(Section):
    """When a request is sent to another server. Never one that may already have had an effect: POST, PATCH, LOCK."""

    tries: Count = Field(default=3, ge=1, le=10)
    """Servers that are asked at most, the first among them; 1 never asks another."""

    seconds: Seconds = Field(default=10, ge=1, le=300)
    """Time from the first try after which no other begins (nginx)."""

    causes: tuple[RetryCause, ...] = ("error", "timeout", "invalid_response", "http_502", "http_503")
    """What makes it ask another. `http_500` is left out: a page with a mistake in it would be computed by every
    server, and nginx counts what is retried as the server's failure: such a page takes all servers out but one."""

    def problems(self) -> Iterator[Problem]:
        """Yield causes that are named twice."""
        for index, cause in enumerate(self.causes):
            if cause in self.causes[:index]:
                yield Problem(f"causes[{index}]", f"must be unique, {cause!r} is named twice")


class Timeouts(Section):
    """How long nginx and HAProxy wait."""

    connect_seconds: Seconds = Field(default=5, ge=1, le=75)
    """For a server to accept a connection."""

    read_seconds: Seconds = Field(default=60, ge=1, le=3600)
    """For a server that says nothing; gunicorn gives a worker up after 60 s."""

    send_seconds: Seconds = Field(default=60, ge=1, le=3600)
    """For a server that takes nothing of the request."""

    queue_seconds: Seconds = Field(default=10, ge=1, le=300)
    """For a place at a server, where all have `pool.connections` already (HAProxy); then the answer is 503."""

    client_header_seconds: Seconds = Field(default=10, ge=1, le=120)
    """For the whole of a request's head."""

    client_seconds: Seconds = Field(default=30, ge=1, le=3600)
    """For a client that sends nothing of a body, or takes nothing of an answer."""

    keepalive_seconds: Seconds = Field(default=60, ge=0, le=3600)
    """For a client's next request on its connection; 0 closes after each. Behind another balancer it is longer than
    `idle_timeout_seconds`, so that it is the other one that closes."""


class Pool(Section):
    """The connections to the servers, and when a server is left out."""

    keepalive: Count = Field(default=32, ge=1, le=1024)
    """Idle connections to the servers that are kept: by each of nginx's workers, or by HAProxy to each server."""

    keepalive_seconds: Seconds = Field(default=60, ge=1, le=LONGEST_IDLE_SECONDS)
    """How long one is kept; shorter than gunicorn keeps it (75 s)."""

    connections: Count | None = Field(default=100, ge=1, le=100_000)
    """Requests that a server of the greatest weight is given at once, in proportion to its weight the others; further
    ones wait (HAProxy). nginx has no queue and would refuse what gunicorn can still take: it does not use this."""

    max_fails: Count = Field(default=3, ge=1, le=100)
    """Failures within `fail_seconds` after which a server is left out."""

    fail_seconds: Seconds = Field(default=30, ge=1, le=3600)
    """How long it is left out by nginx. HAProxy asks it again once `health_check` has found it well."""


class Sizes(Section):
    """The largest request. What is larger is refused: 413, 414, 431 or 400."""

    body_mib: MiB = Field(default=10, ge=1, le=5120)
    """A request's body; HAProxy goes by the length that the request says it has."""

    header_kib: KiB = Field(default=8, ge=4, le=32)
    """The request line, or a field of the head; HAProxy allows twice as much for the whole head."""
