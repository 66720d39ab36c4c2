"""The subnets of an environment, computed from one CIDR block."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network

# A load balancer's subnet is a /27 or larger with 8 free addresses (Elastic Load Balancing guide,
# "Application Load Balancers", subnets). A public subnet is a sixteenth of the block, so the block is a /23 or larger.
LONGEST_PREFIX = 23
SHORTEST_PREFIX = 16


@dataclass(frozen=True)
class Subnets:
    """One block a zone, in the order of the zones."""

    private: tuple[IPv4Network, ...]
    public: tuple[IPv4Network, ...]
    isolated: tuple[IPv4Network, ...]


def subnets(cidr: IPv4Network, zones: int) -> Subnets:
    """Divide `cidr` for `zones` (1 to 4) availability zones.

    The private half has a block for each of four zones, so that a zone can be added without renumbering; a
    quarter each is divided the same way for the public and for the isolated subnets.
    """
    if not 1 <= zones <= 4:
        raise ValueError(f"zones: must be 1 to 4, is {zones}")
    private, rest = cidr.subnets(prefixlen_diff=1)
    public, isolated = rest.subnets(prefixlen_diff=1)
    return Subnets(
        private=tuple(private.subnets(prefixlen_diff=2))[:zones],
        public=tuple(public.subnets(prefixlen_diff=2))[:zones],
        isolated=tuple(isolated.subnets(prefixlen_diff=2))[:zones],
    )
