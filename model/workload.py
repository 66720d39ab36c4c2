"""The pods: what runs in them, how they start and end, and how the tasks' workers are sized."""

from __future__ import annotations

from collections.abc import Iterator
from math import floor
from typing import Annotated, Literal

from pydantic import Field

from model.fields import (
    Count,
    Days,
    FractionalSeconds,
    MiB,
    Millicores,
    Name,
    Percent,
    Problem,
    Seconds,
    Section,
    form,
)

APPLICATION_CONTAINER = "django"
"""The container of the application's image in every pod."""

WEB = "web"
"""The Deployment that serves requests, its Service and its autoscaler."""

BEAT = "beat"
DEAD_LETTERS = "dead-letters"
"""The queue of tasks that no worker could take."""

SERVICE_ACCOUNT = "application"

PROPAGATION_SECONDS = 10
"""What passes from a pod's deletion until the load balancer has been told of it (estimate)."""

SHUTDOWN_SECONDS = 35
"""gunicorn's graceful_timeout, 30 s by default, and a margin."""

WORKER_SHUTDOWN_SECONDS = 30
"""A margin above the longest task, for the worker's own end."""

# A message may stay invisible for 12 hours at most (SQS, SetQueueAttributes, VisibilityTimeout).
_LONGEST_INVISIBLE = 43_200

Queue = Annotated[str, form(r"[a-z][a-z0-9_-]{0,39}", "lower-case letters, digits, hyphens and underscores")]
Argument = Annotated[str, form(r"[^\n\r\0]{1,256}", "an argument of one line, not empty")]


class Resources(Section):
    """What a container asks of its node, and what it may take at most."""

    cpu_millicores: Millicores = Field(default=750, ge=10, le=192_000)
    """Processor time that is kept for it: 1000 is one virtual processor. The autoscaler's percentages are of this."""

    cpu_limit_millicores: Millicores = Field(default=2000, ge=10, le=192_000)
    """The most processor time it may take; above it the container is slowed down."""

    memory_mib: MiB = Field(default=1536, ge=32, le=1_500_000)
    """Memory that is kept for it. The autoscaler's percentages are of this."""

    memory_limit_mib: MiB = Field(default=2048, ge=32, le=1_500_000)
    """The most memory it may take; above it the container is killed."""

    def problems(self) -> Iterator[Problem]:
        """Yield limits below what is asked for."""
        for request, limit in (("cpu_millicores", "cpu_limit_millicores"), ("memory_mib", "memory_limit_mib")):
            least, most = getattr(self, request), getattr(self, limit)
            if most < least:
                yield Problem(limit, f"must be at least {request} ({least}), is {most}")


class Probes(Section):
    """How the kubelet judges a web pod: when it has started, when it takes requests, when it is restarted."""

    startup_seconds: Seconds = Field(default=120, ge=10, le=1800)
    """How long a start may take, first answer included, before the container is restarted."""

    ready_period_seconds: Seconds = Field(default=5, ge=1, le=60)
    """Time between two questions whether the pod can serve."""

    ready_failures: Count = Field(default=3, ge=1, le=20)
    """Refusals in a row that take the pod out of service."""

    timeout_seconds: Seconds = Field(default=5, ge=3, le=60)
    """Time after which a question has failed. The health endpoint itself gives a check of a server 2 seconds."""

    live_seconds: Seconds = Field(default=120, ge=40, le=3600)
    """How long a pod must have answered nothing at all before it is restarted. A slow database keeps every thread
    busy: keep this above `database.statement_timeout_ms`, so that such a query ends before its pod does."""


class WebPods(Section):
    """The pods that serve requests."""

    min: Count = Field(default=3, ge=1, le=1000)
    """The fewest pods."""

    max: Count = Field(default=50, ge=1, le=5000)
    """The most pods."""

    resources: Resources = Resources()
    """What the application's container asks for, for all its gunicorn workers together."""

    probes: Probes = Probes()
    """How a pod is judged."""

    surge_percent: Percent = Field(default=25, ge=1, le=100)
    """Pods of a new release that are started at a time, as a share of all. None of the old leaves before one of the
    new serves."""

    max_unavailable_percent: Percent = Field(default=25, ge=1, le=100)
    """The share of the pods, at least one, that nodes that are emptied may take away at a time."""

    zone_spread: Literal["preferred", "required"] = "preferred"
    """Whether a pod waits when it would unbalance the zones (`required`), or runs where there is room."""

    def problems(self) -> Iterator[Problem]:
        """Yield bounds out of order."""
        if self.max < self.min:
            yield Problem("max", f"must be at least min ({self.min}), is {self.max}")


class Workers(Section):
    """Celery workers of some queues, as a Deployment of their own."""

    name: Name = Field(default="default", max_length=20)
    """Their name."""

    queues: tuple[Queue, ...] = Field(default=("default",), min_length=1, max_length=10)
    """The queues they take tasks from."""

    concurrency: Count = Field(default=4, ge=1, le=256)
    """Worker processes in a pod: tasks at a time."""

    task_seconds: FractionalSeconds = Field(default=1.0, gt=0, le=20_000)
    """How long a task takes, in the mean."""

    acceptable_delay_seconds: Seconds = Field(default=60, ge=1, le=86_400)
    """How long a task may wait before it begins."""

    longest_task_seconds: Seconds = Field(default=300, ge=1, le=20_000)
    """When a task is ended by force. A pod that is taken away is given this long to finish what it has begun."""

    min: Count = Field(default=1, ge=0, le=1000)
    """The fewest pods; 0 with `metrics: keda` only."""

    max: Count = Field(default=20, ge=1, le=5000)
    """The most pods."""

    resources: Resources = Resources(
        cpu_millicores=500, cpu_limit_millicores=1000, memory_mib=512, memory_limit_mib=1024
    )
    """What a pod asks for, for all its worker processes together."""

    def problems(self) -> Iterator[Problem]:
        """Yield bounds and times out of order, and a queue named twice."""
        if self.max < self.min:
            yield Problem("max", f"must be at least min ({self.min}), is {self.max}")
        if self.longest_task_seconds < self.task_seconds:
            yield Problem(
                "longest_task_seconds",
                f"must be at least task_seconds ({self.task_seconds:g}), is {self.longest_task_seconds}",
            )
        for index, queue in enumerate(self.queues):
            if queue in self.queues[:index]:
                yield Problem(f"queues[{index}]", f"must be unique, {queue!r} is named twice")
            if queue == DEAD_LETTERS:
                yield Problem(f"queues[{index}]", f"must not be {queue!r}, where tasks end that no worker could take")

    @property
    def backlog(self) -> int:
        """Tasks that may wait for each pod so that none waits longer than is acceptable, at least one.

        A pod begins `concurrency / task_seconds` tasks a second: in the acceptable delay it works off that many times
        as many.
        """
        return max(1, floor(self.concurrency * self.acceptable_delay_seconds / self.task_seconds))


class Tasks(Section):
    """Celery: its queues, in Amazon SQS, and the workers that empty them."""

    app: Annotated[str, form(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(:\w+)?", "a Python module, as celery -A takes it")]
    """The Celery application, as `celery -A` takes it."""

    workers: tuple[Workers, ...] = Field(default=(Workers(),), min_length=1, max_length=10)
    """The workers. The first queue of the first is the one for tasks that name none."""

    beat: bool = False
    """Whether `celery beat` runs too, once."""

    beat_resources: Resources = Resources(
        cpu_millicores=50, cpu_limit_millicores=500, memory_mib=192, memory_limit_mib=512
    )
    """What beat's pod asks for."""

    attempts: Count = Field(default=5, ge=1, le=1000)
    """How often a task is handed out that no worker has acknowledged, before it goes to the dead letter queue."""

    retention_days: Days = Field(default=4, ge=1, le=14)
    """How long a task that nobody takes is kept. Dead letters are kept for 14 days."""

    def problems(self) -> Iterator[Problem]:
        """Yield workers of one name, and a queue that two of them would share."""
        for index, workers in enumerate(self.workers):
            before = self.workers[:index]
            if workers.name in [other.name for other in before]:
                yield Problem(f"workers[{index}].name", f"must be unique, {workers.name!r} is used twice")
            for place, queue in enumerate(workers.queues):
                if any(queue in other.queues for other in before):
                    yield Problem(
                        f"workers[{index}].queues[{place}]",
                        f"must be of one group of workers, {queue!r} is of two: each would be sized for all of it",
                    )

    @property
    def default_queue(self) -> str:
        """The queue of tasks that name none."""
        return self.workers[0].queues[0]

    @property
    def queues(self) -> dict[str, int]:
        """How long a message of each queue stays invisible once it is handed out, in seconds.

        Twice the longest task, as a worker holds one task more than it runs, and a margin: a message that becomes
        visible under a running task would be run twice.
        """
        return {
            queue: min(_LONGEST_INVISIBLE, 2 * workers.longest_task_seconds + 60)
            for workers in self.workers
            for queue in workers.queues
        }


class Sidecars(Section):
    """What runs beside the application in its pods. The images are those of `images`, as on a server."""

    nginx: Resources = Resources(cpu_millicores=50, cpu_limit_millicores=500, memory_mib=64, memory_limit_mib=128)
    """What nginx asks for."""

    pgbouncer: Resources = Resources(cpu_millicores=50, cpu_limit_millicores=500, memory_mib=32, memory_limit_mib=128)
    """What PgBouncer asks for, where `database.pooling` is `pgbouncer`."""


class Migration(Section):
    """The Job that runs once a release, before the pods of the release start."""

    command: tuple[Argument, ...] = Field(
        default=("python", "manage.py", "migrate", "--noinput"), min_length=1, max_length=20
    )
    """What it runs, in the application's image."""

    deadline_seconds: Seconds = Field(default=900, ge=60, le=21_600)
    """How long it may take, all attempts together; then the release stops, and what ran before runs on."""

    attempts: Count = Field(default=3, ge=1, le=10)
    """How often it is tried."""

    resources: Resources = Resources(
        cpu_millicores=250, cpu_limit_millicores=1000, memory_mib=256, memory_limit_mib=512
    )
    """What its pod asks for."""
