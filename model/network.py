"""The network: one CIDR block over two or three availability zones."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import Field

from model import addressing
from model.fields import Count, LogRetention, Section, rule

_PRIVATE = tuple(IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))

# The bridge of Docker on the servers: a container would look there for a database that is in the VPC
# (moby/moby#35206). AWS advises against the range too (VPC guide, "VPC CIDR blocks", IPv4).
_DOCKER = IPv4Network("172.17.0.0/16")


def _block(cidr: IPv4Network) -> str | None:
    shortest, longest = addressing.SHORTEST_PREFIX, addressing.LONGEST_PREFIX
    if not shortest <= cidr.prefixlen <= longest or not any(cidr.subnet_of(block) for block in _PRIVATE):
        return f"a private block (RFC 1918) of /{shortest} to /{longest}"
    return f"a block outside {_DOCKER}, which is Docker's on the servers" if cidr.overlaps(_DOCKER) else None


class Network(Section):
    """The VPC and what leaves it."""

    cidr: Annotated[IPv4Network, rule(_block)] = IPv4Network("10.0.0.0/16")
    """The VPC's private address block, /16 to /23."""

    zones: Count = Field(default=2, ge=2, le=3)
    """How many availability zones are used. RDS and the load balancer need two."""

    nat: Literal["per-zone", "single", "none"] = "per-zone"
    """How servers reach the internet: a NAT gateway in each zone; one for all, which a zone's failure takes along;
    or none: the servers then stand in the public subnets with public addresses, open to the load balancer only."""

    flow_logs: bool = True
    """Whether the VPC's rejected and accepted connections are logged to CloudWatch."""

    flow_log_retention_days: LogRetention = 14
    """How long flow logs are kept."""

    @property
    def subnets(self) -> addressing.Subnets:
        """The subnets of the zones."""
        return addressing.subnets(self.cidr, self.zones)
