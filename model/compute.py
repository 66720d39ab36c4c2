"""What runs the application: servers of the EC2 fleet, pods on Kubernetes, or both with the traffic split."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from model.fields import Problem, Section, Weight
from model.kubernetes import Kubernetes


class Split(Section):
    """How the load balancer divides requests between servers and pods: each gets its weight's share of the sum."""

    servers: Weight = Field(default=100, ge=0, le=999)
    """The servers' weight. 0 sends them nothing and keeps them warm for the way back."""

    kubernetes: Weight = Field(default=0, ge=0, le=999)
    """The pods' weight. 0 sends them nothing, for a first look at them."""

    def problems(self) -> Iterator[Problem]:
        """Yield a split that serves nobody."""
        if self.servers == self.kubernetes == 0:
            yield Problem(
                "kubernetes", "must not be 0 where servers is 0: the load balancer would send nobody anywhere"
            )


class Compute(Section):
    """Servers, pods, or both. Without a word here there are the servers alone."""

    servers: bool = True
    """Whether the EC2 fleet of `servers` and `scaling` runs."""

    kubernetes: Kubernetes | None = None
    """An EKS cluster that runs the same image as pods; none by default."""

    split: Split | None = None
    """How requests are divided between the two; only where both run, and then all go to the servers by default."""

    def problems(self) -> Iterator[Problem]:
        """Yield what leaves no path, or divides traffic where there is one."""
        if not self.servers and self.kubernetes is None:
            yield Problem(
                "servers", "must be true where compute.kubernetes is absent: nothing would run the application"
            )
        if self.split is not None and not (self.servers and self.kubernetes):
            yield Problem("split", "must be absent where requests have one way only: compute.servers and .kubernetes")

    @property
    def weights(self) -> Split:
        """The division that holds."""
        if self.split is not None:
            return self.split
        return Split() if self.servers else Split(servers=0, kubernetes=100)
