"""Nodes: groups that are always there, and a pool of those that come and go."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from model.fields import Count, Days, GiB, InstanceType, Name, Percent, Problem, Seconds, Section, form

NodeImage = Literal["bottlerocket", "al2023"]
# As an alias of Karpenter names them (Karpenter's guide, "NodeClasses", alias).
_VERSIONS: Mapping[NodeImage, re.Pattern[str]] = {
    "bottlerocket": re.compile(r"v\d+\.\d+\.\d+"),
    "al2023": re.compile(r"v\d{8}"),
}
Zones = tuple[Annotated[Count, Field(ge=1, le=3)], ...]


@dataclass(frozen=True)
class GroupPart:
    """One of EKS's node groups, which has one capacity type."""

    capacity: Literal["ON_DEMAND", "SPOT"]
    min: int
    max: int
    desired: int


class NodeGroup(Section):
    """A managed node group: nodes that are always there."""

    name: Name = Field(default="base", max_length=20)
    """Its name."""

    instance_types: tuple[InstanceType, ...] = Field(default=("m7g.large",), min_length=1, max_length=20)
    """The instance types, of one size; several for spot capacity."""

    image: NodeImage = "bottlerocket"
    """The nodes' operating system: Bottlerocket, which holds nothing but what runs containers, or Amazon Linux 2023."""

    min: Count = Field(default=2, ge=0, le=450)
    """The fewest nodes."""

    max: Count = Field(default=4, ge=1, le=450)
    """The most nodes. Nothing but an operator or an update grows a group: what grows by itself is the node pool."""

    desired: Count | None = Field(default=None, ge=0, le=450)
    """How many there are at first; by default the fewest."""

    spot_percent: Percent = Field(default=0, ge=0, le=100)
    """The share that is spot capacity, in a node group of its own; what the share rounds off is on demand."""

    zones: Zones = Field(default=(), max_length=3)
    """The availability zones, 1 being the first; all of the network's by default."""

    volume_gib: GiB = Field(default=30, ge=10, le=1024)
    """The encrypted gp3 volume that holds images and logs."""

    @property
    def parts(self) -> tuple[GroupPart, ...]:
        """The node groups of EKS that it becomes: one on demand, one of spot capacity, or both."""
        sizes = (self.min, self.max, self.min if self.desired is None else self.desired)
        spot = [size * self.spot_percent // 100 for size in sizes]
        on_demand = [size - share for size, share in zip(sizes, spot, strict=True)]
        parts = (GroupPart("ON_DEMAND", *on_demand), GroupPart("SPOT", *spot))
        return tuple(part for part in parts if part.max)

    def problems(self) -> Iterator[Problem]:
        """Yield sizes out of order."""
        if self.max < self.min:
            yield Problem("max", f"must be at least min ({self.min}), is {self.max}")
        if self.desired is not None and not self.min <= self.desired <= self.max:
            yield Problem("desired", f"must be {self.min} to {self.max}, is {self.desired}")
        if len(set(self.zones)) < len(self.zones):
            yield Problem("zones", "must name each zone once")


class NodePool(Section):
    """Nodes that come when pods find no room and go when they are empty."""

    instance_types: tuple[InstanceType, ...] = Field(default=("m7g.large", "m7g.xlarge"), min_length=1, max_length=60)
    """The instance types it chooses from."""

    image: NodeImage = "bottlerocket"
    """The nodes' operating system; in Auto Mode it is always EKS's own Bottlerocket."""

    image_version: Annotated[str, form(r"latest|v[0-9.]{1,15}", "latest or a version such as v20260210 or v1.52.0")] = (
        "latest"
    )
    """`latest` follows each release of the image: nodes are replaced by it, a tenth at a time. A version such as
    `v1.52.0` of Bottlerocket or `v20260210` of Amazon Linux stays until it is changed here."""

    spot: bool = False
    """Whether spot capacity is taken where there is some, on demand where there is none."""

    zones: Zones = Field(default=(), max_length=3)
    """The availability zones, 1 being the first; all of the network's by default."""

    max_processors: Count = Field(default=64, ge=1, le=100_000)
    """The most virtual processors of all its nodes together: the bound on its cost."""

    volume_gib: GiB = Field(default=30, ge=10, le=1024)
    """The encrypted gp3 volume that holds images and logs."""

    consolidate_after_seconds: Seconds = Field(default=60, ge=0, le=86_400)
    """How long a node is spared after the last change to its pods, before it may be emptied and taken away."""

    expire_after_days: Days = Field(default=14, ge=1, le=21)
    """When a node is replaced by a new one. Auto Mode knows no more than 21 days."""

    def problems(self) -> Iterator[Problem]:
        """Yield a zone named twice, and a version that is not the image's."""
        if self.image_version != "latest" and not _VERSIONS[self.image].fullmatch(self.image_version):
            example = {"bottlerocket": "v1.52.0", "al2023": "v20260210"}[self.image]
            yield Problem(
                "image_version",
                f"must be latest or a version of {self.image} such as {example}, is {self.image_version!r}",
            )
        if len(set(self.zones)) < len(self.zones):
            yield Problem("zones", "must name each zone once")
