"""The servers of the EC2 path: an Auto Scaling group of one instance type or several."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from model import instances
from model.fields import Count, GiB, InstanceType, LogRetention, Percent, Problem, Seconds, Section, form


class WarmPool(Section):
    """Servers started ahead of need, which join in seconds instead of minutes."""

    min_size: Count = Field(default=0, ge=0, le=1000)
    """Servers always held in the pool."""

    max_prepared: Count | None = Field(default=None, ge=0, le=1000)
    """Servers in the pool and in service together, at most; by default the group's maximum."""

    state: Literal["stopped", "hibernated", "running"] = "stopped"
    """How they wait: stopped costs storage only."""

    reuse: bool = True
    """Whether a server goes back to the pool on scale-in."""


class Refresh(Section):
    """How a new launch template version reaches the servers."""

    min_healthy_percent: Percent = Field(default=100, ge=0, le=100)
    """The share of the fleet that stays in service. 100 starts a new server before an old one is taken away."""

    max_healthy_percent: Percent = Field(default=150, ge=100, le=200)
    """The share that may run during a refresh; at most 100 above the minimum."""

    def problems(self) -> Iterator[Problem]:
        """Yield what StartInstanceRefresh would refuse."""
        if self.max_healthy_percent - self.min_healthy_percent > 100:
            yield Problem(
                "max_healthy_percent",
                f"must be at most 100 above the minimum ({self.min_healthy_percent}), is {self.max_healthy_percent}",
            )


class Servers(Section):
    """The fleet. One server (`min: 1`, `max: 1`) is a fleet too: it is replaced when it fails, grows by its type."""

    instance_type: InstanceType = "t4g.medium"
    """The EC2 instance type."""

    other_instance_types: tuple[InstanceType, ...] = Field(default=(), max_length=39)
    """Further types of the same size, so that a spot request finds capacity."""

    min: Count = Field(default=2, ge=1, le=1000)
    """The fewest servers, and how many are started first."""

    max: Count = Field(default=6, ge=1, le=1000)
    """The most servers."""

    spot_percent: Percent = Field(default=0, ge=0, le=100)
    """The share of spot instances above `on_demand_base`."""

    on_demand_base: Count = Field(default=2, ge=0, le=1000)
    """Servers that are on demand before the spot share begins; without a spot share it means nothing."""

    warm_pool: WarmPool | None = None
    """A warm pool; none by default."""

    refresh: Refresh = Refresh()
    """How a deployment replaces the servers."""

    launch_template_version: Count | None = Field(default=None, ge=1, le=10000)
    """A known-good launch template version to return to. By default the newest."""

    ami: Annotated[
        str, form(r"keep|latest|ami-([0-9a-f]{8}|[0-9a-f]{17})", "keep, latest or an image's id (ami-...)")
    ] = "keep"
    """The machine image: `keep` takes the newest Amazon Linux 2023 once and stays with it; `latest` follows each
    release with a refresh of the fleet; or an image's id."""

    root_volume_gib: GiB = Field(default=30, ge=8, le=1024)
    """The encrypted gp3 root volume. Nothing on it outlives the server."""

    grace_seconds: Seconds = Field(default=300, ge=0, le=7200)
    """How long a new server may fail the load balancer's health check."""

    log_retention_days: LogRetention = 30
    """How long the container's logs are kept."""

    egress_ports: tuple[Annotated[Count, Field(ge=1, le=65_535)], ...] = Field(default=(), max_length=40)
    """Further TCP ports that servers may reach anywhere, such as 587 for mail. The web, 80 and 443, is open to them."""

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with sizes and types together."""
        if self.max < self.min:
            yield Problem("max", f"must be at least servers.min ({self.min}), is {self.max}")
        if self.warm_pool is not None and (self.spot_percent or self.other_instance_types):
            yield Problem("warm_pool", "must be absent from a fleet with a spot share or several instance types")
        if len({80, 443, *self.egress_ports}) < 2 + len(self.egress_ports):
            yield Problem("egress_ports", "must name each port once, and neither 80 nor 443")
        if self.warm_pool is not None and self.warm_pool.state == "hibernated":
            yield from self._hibernation_problems()

    def _hibernation_problems(self) -> Iterator[Problem]:
        """Yield what keeps a server from hibernating: its memory must fit its root volume beside the system."""
        size = instances.size(self.instance_type)
        if size is not None and self.root_volume_gib * 1024 < size.memory_mib + 8 * 1024:
            needed = -(-size.memory_mib // 1024) + 8
            yield Problem("root_volume_gib", f"must be at least {needed} to hibernate, is {self.root_volume_gib}")

    @property
    def types(self) -> tuple[str, ...]:
        """Every instance type that may run."""
        return (self.instance_type, *self.other_instance_types)

    @property
    def mixed(self) -> bool:
        """Whether the group needs a mixed instances policy."""
        return bool(self.spot_percent or self.other_instance_types)
