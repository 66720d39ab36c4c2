"""Pods and tasks as settings: bounds, the arithmetic of workers, what is refused by name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.workload import Tasks, Workers
from tests.model.parsing import problems

KEY = "compute.kubernetes"


def refused(**kubernetes: Any) -> list[str]:
    return problems(compute={"kubernetes": kubernetes})


def workers(**given: Any) -> dict[str, Any]:
    return {"tasks": {"app": "project", "workers": [given]}}


@pytest.mark.parametrize(
    ("delay", "task", "concurrency", "backlog"),
    [
        (60, 1.0, 4, 240),
        (60, 30.0, 4, 8),
        (60, 0.5, 1, 120),
        (10, 4.0, 1, 2),
        # A task that takes longer than may be waited: each pod has what it runs, and one waits.
        (10, 60.0, 1, 1),
    ],
)
def test_a_backlog_is_what_a_pod_works_off_in_the_acceptable_delay(
    delay: int, task: float, concurrency: int, backlog: int
) -> None:
    found = Workers(acceptable_delay_seconds=delay, task_seconds=task, concurrency=concurrency)
    assert found.backlog == backlog


@given(st.integers(1, 86_400), st.floats(0.001, 20_000), st.integers(1, 256))
def test_no_task_of_a_backlog_waits_longer_than_is_acceptable(delay: int, task: float, concurrency: int) -> None:
    found = Workers(acceptable_delay_seconds=delay, task_seconds=task, concurrency=concurrency)
    assert found.backlog >= 1
    assert found.backlog == 1 or found.backlog * task / concurrency <= delay * (1 + 1e-9)


def test_the_default_queue_is_the_first_of_the_first_workers() -> None:
    tasks = Tasks(app="project", workers=(Workers(queues=("mail", "default")), Workers(name="b", queues=("slow",))))
    assert tasks.default_queue == "mail"
    assert list(tasks.queues) == ["mail", "default", "slow"]


RULES = [
    ({"web": {"min": 4, "max": 3}}, f"{KEY}.web.max: must be at least min (4), is 3", {"web": {"min": 3, "max": 3}}),
    (
        {"web": {"resources": {"cpu_millicores": 3000}}},
        f"{KEY}.web.resources.cpu_limit_millicores: must be at least cpu_millicores (3000), is 2000",
        {"web": {"resources": {"cpu_millicores": 2000}}},
    ),
    (
        workers(min=0),
        f"{KEY}.tasks.workers[0].min: must be at least 1 without metrics: keda, is 0",
        {**workers(min=0), "metrics": "keda"},
    ),
    (
        workers(task_seconds=301.0),
        f"{KEY}.tasks.workers[0].longest_task_seconds: must be at least task_seconds (301), is 300",
        workers(task_seconds=300.0),
    ),
    (
        workers(queues=["mail", "dead-letters"]),
        f"{KEY}.tasks.workers[0].queues[1]: must not be 'dead-letters', where tasks end that no worker could take",
        workers(queues=["mail", "dead-letter"]),
    ),
    (
        workers(queues=["mail", "mail"]),
        f"{KEY}.tasks.workers[0].queues[1]: must be unique, 'mail' is named twice",
        workers(queues=["mail", "other"]),
    ),
    (
        {"tasks": {"app": "project", "workers": [{}, {"name": "other"}]}},
        f"{KEY}.tasks.workers[1].queues[0]: must be of one group of workers, 'default' is of two: each would be sized "
        "for all of it",
        {"tasks": {"app": "project", "workers": [{}, {"name": "other", "queues": ["slow"]}]}},
    ),
    (
        {"tasks": {"app": "project"}, "scaling": {"tasks": {"queue": "mail"}}},
        f"{KEY}.scaling.tasks.queue: must be a queue of tasks.workers (default), is 'mail'",
        {"tasks": {"app": "project"}, "scaling": {"tasks": {"queue": "default"}}},
    ),
    (
        {"egress_ports": [587, 587]},
        f"{KEY}.egress_ports: must name each port once",
        {"egress_ports": [587, 465]},
    ),
]


@pytest.mark.parametrize(("wrong", "message", "near"), RULES, ids=lambda each: each if isinstance(each, str) else "")
def test_what_cannot_be_is_refused_by_name(wrong: dict[str, Any], message: str, near: dict[str, Any]) -> None:
    assert refused(**wrong) == [message]
    assert refused(**near) == []


@pytest.mark.parametrize("app", ["", "1project", "project celery", "project;rm"])
def test_an_application_is_a_module(app: str) -> None:
    assert len(refused(tasks={"app": app})) == 1
    assert refused(tasks={"app": "project.celery:app"}) == []
