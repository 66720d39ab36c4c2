"""What the pods' settings and other sections do to each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from model.autoscaling import Resource, web_scaling
from model.environment import TASK_VARIABLES
from model.fields import Problem
from model.kubernetes import Kubernetes

if TYPE_CHECKING:
    from model.settings import Settings

_KEY = "compute.kubernetes"


def problems(settings: Settings, kubernetes: Kubernetes) -> Iterator[Problem]:
    """Yield them, with their full keys."""
    yield from _scaling_problems(settings, kubernetes)
    yield from _memory_problems(settings, kubernetes)
    yield from _probe_problems(settings, kubernetes)
    yield from _variable_problems(settings, kubernetes)
    if settings.observability.collects:
        yield Problem(
            "observability.tracing.endpoint",
            "must be set with compute.kubernetes: no collector runs beside the pods, and their variables are the "
            "servers' own",
        )


def _scaling_problems(settings: Settings, kubernetes: Kubernetes) -> Iterator[Problem]:
    policy = web_scaling(settings.scaling, kubernetes.web, kubernetes.scaling, kubernetes.tasks)
    if not policy.targets:
        yield Problem(
            f"{_KEY}.scaling.memory_percent",
            "must be set, or scaling.cpu_percent, or scaling.requests_per_target: nothing would add a pod",
        )
    horizontal = {target.name for target in policy.targets if target.kind == "Resource"}
    acts: frozenset[Resource] = kubernetes.vertical.acts if kubernetes.vertical is not None else frozenset()
    both = sorted(horizontal & acts)
    if both:
        # The VPA would move what the HPA's percentages are of (VPA's known limitations).
        yield Problem(
            f"{_KEY}.vertical.controls",
            f"must leave {' and '.join(both)} to the HPA, which scales the same pods by it. Two ways out: mode: off, "
            "which only recommends; or the HPA on processors and traffic and the VPA on memory alone, with "
            "scaling.memory_percent: null and controls: [memory]",
        )


def _memory_problems(settings: Settings, kubernetes: Kubernetes) -> Iterator[Problem]:
    """Yield containers too small for gunicorn's workers: they would be killed, or have the HPA add pods for ever."""
    resources, percent = kubernetes.web.resources, kubernetes.scaling.memory_percent
    needed = settings.application.workers * settings.application.worker_memory_mib
    if resources.memory_limit_mib < needed:
        yield Problem(
            f"{_KEY}.web.resources.memory_limit_mib",
            f"must be at least {needed}, the memory of all application.workers, is {resources.memory_limit_mib}",
        )
    if percent is not None and resources.memory_mib * percent < needed * 100:
        least = -(-needed * 100 // percent)
        yield Problem(
            f"{_KEY}.web.resources.memory_mib",
            f"must be at least {least}, is {resources.memory_mib}: all application.workers need {needed}, and "
            f"above {percent} % (scaling.memory_percent) the HPA would add pods for ever",
        )


def _probe_problems(settings: Settings, kubernetes: Kubernetes) -> Iterator[Problem]:
    live, statement = kubernetes.web.probes.live_seconds, settings.database.statement_timeout_ms
    if statement > live * 1000:
        yield Problem(
            f"{_KEY}.web.probes.live_seconds",
            f"must be at least {-(-statement // 1000)}, which database.statement_timeout_ms lets a query take, is "
            f"{live}: a slow database would restart every pod",
        )


def _variable_problems(settings: Settings, kubernetes: Kubernetes) -> Iterator[Problem]:
    if kubernetes.tasks is None:
        return
    for name in sorted(TASK_VARIABLES):
        if name in settings.application.environment:
            yield Problem(f"application.environment.{name}", f"must be absent with {_KEY}.tasks, which writes it")
        if name in settings.secrets:
            yield Problem(f"secrets.{name}", f"must be absent with {_KEY}.tasks, which writes it")
