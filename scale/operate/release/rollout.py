"""The roll-out of a release on a Kubernetes cluster, as far as it has come."""

from __future__ import annotations

from typing import Any

from scale.operate.errors import MissingError, one_line
from scale.operate.find import Finder
from scale.operate.release.reference import parse
from scale.operate.release.refresh import Progress, State
from scale.operate.status.cluster import deployments, full_name


def progress(finder: Finder, image: str) -> Progress:
    """Return how far the deployments that run this image have come.

    Raises AccountError; MissingError where no deployment runs an image of that name.
    """
    name = parse(image).name
    found = [each for each in deployments(finder) if any(_name(one) == name for one in _images(each))]
    if not found:
        raise MissingError(f"no deployment on the cluster {finder.cluster} runs {name}")
    waiting = [full_name(each) for each in found if image not in _images(each)]
    wanted = sum(each.spec.replicas or 0 for each in found)
    ready = sum(_ready(each) for each in found if full_name(each) not in waiting)
    failed = [reason for each in found if (reason := _failure(each))]
    complete = not waiting and all(_complete(each) for each in found)
    state: State = "failed" if failed else "waiting" if waiting else "done" if complete else "running"
    percent = 100 if complete else min(99, 100 * ready // wanted) if wanted else 0
    what = f"pods of {', '.join(full_name(each) for each in found)}"
    stack = finder.settings.stack
    back = f"scale release {stack} OLD_IMAGE, then pulumi up -s {stack}" if failed else ""
    return Progress(what, state, percent, state, "; ".join(failed), "", (), back)


def _images(deployment: Any) -> list[str]:
    return [str(container.image) for container in deployment.spec.template.spec.containers]


def _name(image: str) -> str:
    return parse(image).name


def _ready(deployment: Any) -> int:
    """Return the new pods that serve."""
    return min(deployment.status.updated_replicas or 0, deployment.status.available_replicas or 0)


def _complete(deployment: Any) -> bool:
    """Return whether all old pods are gone and all new ones serve (as `kubectl rollout status` judges)."""
    status, wanted = deployment.status, deployment.spec.replicas or 0
    return (
        (status.observed_generation or 0) >= (deployment.metadata.generation or 0)
        and (status.updated_replicas or 0) >= wanted
        and (status.replicas or 0) <= (status.updated_replicas or 0)
        and (status.available_replicas or 0) >= (status.updated_replicas or 0)
    )


def _failure(deployment: Any) -> str:
    for condition in deployment.status.conditions or ():
        if condition.type == "Progressing" and condition.reason == "ProgressDeadlineExceeded":
            return f"{full_name(deployment)}: {one_line(str(condition.message))}"
    return ""
