"""The team's own balancer: a pair of HAProxy servers."""

from __future__ import annotations

from pydantic import Field

from model.fields import InstanceType, Seconds, Section
from model.instances import Architecture

HTTP_PORT, HTTPS_PORT, HEALTH_PORT = 8080, 8443, 8405
"""Where HAProxy listens on its servers. It runs without the right to listen below 1024."""

SERVERS = 2

_SMALL: dict[Architecture, str] = {"arm64": "t4g.small", "x86_64": "t3.small"}


class HaproxyServers(Section):
    """The two servers that HAProxy runs on, where `traffic.balancer` is `haproxy`."""

    instance_type: InstanceType | None = None
    """Their EC2 instance type; by default t4g.small or t3.small, by `application.architecture`."""

    interval_seconds: Seconds = Field(default=10, ge=2, le=60)
    """Time between two looks at which servers there are. One that leaves is sent requests for so long."""

    def type_for(self, architecture: Architecture) -> str:
        """Return the instance type."""
        return self.instance_type or _SMALL[architecture]
