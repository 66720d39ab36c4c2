"""How pods follow their load: one description that is deployed, by an HPA or by KEDA, and simulated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from model.fields import Count, MiB, Millicores, Percent, PerSecondAndPod, Problem, Seconds, Section
from model.scaling import ScalingPolicy
from model.workload import Queue, Tasks, WebPods, Workers

REQUESTS_PER_SECOND = "django_requests_per_second"
QUEUE_LENGTH = "celery_queue_length"
"""The metrics that the runtime exposes to Prometheus and that pods are scaled by."""

MetricsServer = Literal["prometheus-adapter", "keda"]


@dataclass(frozen=True)
class Rate:
    """At most so many pods, or percent of the pods, within a period."""

    kind: Literal["Percent", "Pods"]
    value: int
    period_seconds: int


@dataclass(frozen=True)
class Direction:
    """How fast pods may come, or go. Of several rates `select` takes the one that allows most, or least."""

    stabilization_seconds: int
    rates: tuple[Rate, ...]
    select: Literal["Max", "Min", "Disabled"]


@dataclass(frozen=True)
class Target:
    """A metric and what it is held at.

    `Resource`: percent of what the container asks for. `Pods`: the mean of a metric of each pod. `External`: the sum
    of a metric over `queues`, as it is (`Value`) or divided by the pods (`AverageValue`).
    """

    kind: Literal["Resource", "Pods", "External"]
    name: str
    utilization: int | None = None
    average: float | None = None
    value: float | None = None
    queues: tuple[str, ...] = ()


@dataclass(frozen=True)
class PodScaling:
    """What an autoscaler of pods is told. Of several targets the one that asks for most pods decides."""

    minimum: int
    maximum: int
    targets: tuple[Target, ...]
    up: Direction
    down: Direction


class Pace(Section):
    """How fast pods come or go, by a share or by a number."""

    stabilization_seconds: Seconds = Field(default=60, ge=0, le=3600)
    """How far back the autoscaler looks: it follows the calmest of what it would have done since."""

    percent: Percent = Field(default=50, ge=1, le=1000)
    """The share of the pods, in a period."""

    pods: Count = Field(default=5, ge=1, le=1000)
    """The number of pods, in a period."""

    period_seconds: Seconds = Field(default=60, ge=1, le=1800)
    """The period."""

    def direction(self, select: Literal["Max", "Min", "Disabled"]) -> Direction:
        """Return the pace as an autoscaler takes it."""
        rates = (Rate("Percent", self.percent, self.period_seconds), Rate("Pods", self.pods, self.period_seconds))
        return Direction(self.stabilization_seconds, rates, select)


class Growth(Pace):
    """How fast pods come: by a share or by a number, whichever is more."""


class Decline(Pace):
    """How fast pods go: by a share or by a number, whichever is less."""

    stabilization_seconds: Seconds = Field(default=300, ge=0, le=3600)
    """How far back the autoscaler looks: it keeps the most pods that it would have had since."""

    percent: Percent = Field(default=10, ge=1, le=100)
    """The share of the pods, in a period."""

    pods: Count = Field(default=2, ge=1, le=1000)
    """The number of pods, in a period."""


class WaitingTasks(Section):
    """A queue whose length adds web pods: for an application whose requests wait for tasks."""

    queue: Queue | None = None
    """The queue, one that `tasks.workers` empty; by default the first."""

    length: Count = Field(default=50, ge=1, le=1_000_000)
    """How many tasks may wait. Twice as many double the pods."""


class PodScalingSettings(Section):
    """How the web pods follow their load. Processors and requests are those of `scaling`, for servers and pods alike:
    `cpu_percent: null` and `requests_per_target: null` there switch them off here too, and `scale_in: false` keeps
    the pods."""

    memory_percent: Percent | None = Field(default=80, ge=10, le=95)
    """Memory, of what the container asks for. It is the mean of all pods, and stops no single one from running out."""

    requests_per_second: PerSecondAndPod | None = Field(default=100.0, gt=0, le=100_000)
    """Requests a second that a pod is held at. `null`: as a server is, `scaling.requests_per_target` divided by 60."""

    tasks: WaitingTasks | None = WaitingTasks()
    """Web pods by waiting tasks; nothing without `tasks`. `null` switches it off."""

    up: Growth = Growth()
    """How fast pods come."""

    down: Decline = Decline()
    """How fast pods go."""


VerticalMode = Literal["off", "initial", "recreate", "in-place-or-recreate"]
Resource = Literal["cpu", "memory"]


class Vertical(Section):
    """A VerticalPodAutoscaler: what the application's container should ask for, from what it has used."""

    mode: VerticalMode = "off"
    """`off` only recommends; `initial` decides for new pods; `recreate` and `in-place-or-recreate` for running ones
    too. The webhook and the updater run in the modes that need them."""

    controls: tuple[Resource, ...] = Field(default=("cpu", "memory"), min_length=1, max_length=2)
    """What it decides. What the HPA acts on is not the VPA's, but in mode `off`."""

    least_cpu_millicores: Millicores = Field(default=100, ge=10, le=192_000)
    """The least processor time."""

    most_cpu_millicores: Millicores = Field(default=2000, ge=10, le=192_000)
    """The most processor time."""

    least_memory_mib: MiB = Field(default=128, ge=32, le=1_500_000)
    """The least memory."""

    most_memory_mib: MiB = Field(default=2048, ge=32, le=1_500_000)
    """The most memory."""

    def problems(self) -> Iterator[Problem]:
        """Yield bounds out of order, and a resource named twice."""
        for least, most in (
            ("least_cpu_millicores", "most_cpu_millicores"),
            ("least_memory_mib", "most_memory_mib"),
        ):
            low, high = getattr(self, least), getattr(self, most)
            if high < low:
                yield Problem(most, f"must be at least {least} ({low}), is {high}")
        if len(set(self.controls)) < len(self.controls):
            yield Problem("controls", "must name each resource once")

    @property
    def acts(self) -> frozenset[Resource]:
        """What it changes: nothing in mode `off`."""
        return frozenset(self.controls) if self.mode != "off" else frozenset()


def web_scaling(scaling: ScalingPolicy, web: WebPods, pods: PodScalingSettings, tasks: Tasks | None) -> PodScaling:
    """Return how the web pods are scaled, from the policy that the servers are scaled by."""
    targets: list[Target] = []
    if scaling.cpu_percent is not None:
        targets.append(Target("Resource", "cpu", utilization=scaling.cpu_percent))
    if pods.memory_percent is not None:
        targets.append(Target("Resource", "memory", utilization=pods.memory_percent))
    if scaling.requests_per_target is not None:
        each = pods.requests_per_second or scaling.requests_per_target / 60
        targets.append(Target("Pods", REQUESTS_PER_SECOND, average=each))
    if tasks is not None and pods.tasks is not None:
        queue = pods.tasks.queue or tasks.default_queue
        targets.append(Target("External", QUEUE_LENGTH, value=float(pods.tasks.length), queues=(queue,)))
    down: Literal["Min", "Disabled"] = "Min" if scaling.scale_in else "Disabled"
    return PodScaling(web.min, web.max, tuple(targets), pods.up.direction("Max"), pods.down.direction(down))


def worker_scaling(workers: Workers, pods: PodScalingSettings) -> PodScaling:
    """Return how a group of workers is scaled: by the tasks that wait for each of them."""
    waiting = Target("External", QUEUE_LENGTH, average=float(workers.backlog), queues=workers.queues)
    return PodScaling(workers.min, workers.max, (waiting,), pods.up.direction("Max"), pods.down.direction("Min"))
