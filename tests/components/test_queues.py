"""Where tasks wait: the queues, their dead letters, and who may use them."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from components.application_permissions import application_statements
from components.queues import Queues
from model.workload import Tasks
from scale.testing import Recording, Resource, run
from tests.components.building import component, counts, document, get, statements
from tests.components.kubernetes.cluster_building import NAME, TASKS

QUEUE = "aws:sqs/queue:Queue"
QUEUE_POLICY = "aws:sqs/queuePolicy:QueuePolicy"
REDRIVE = "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy"


def register(**tasks: Any) -> Recording:
    return run(lambda: Queues(NAME, Tasks.model_validate({**TASKS, **tasks})))


@cache
def built() -> Recording:
    return register()


def queue(name: str) -> Resource:
    return built().one(QUEUE, f"{NAME}-{name}")


def test_it_has_exactly_these_resources() -> None:
    assert counts(built()) == {"Queue": 4, "QueuePolicy": 4, "RedriveAllowPolicy": 1}
    assert len(built().children(component(built(), "Queues"))) == 9


def test_a_task_stays_invisible_for_longer_than_a_worker_may_hold_it() -> None:
    for name, longest in (("default", 300), ("mail", 300), ("reports", 900)):
        assert get(queue(name), "visibilityTimeoutSeconds") > 2 * longest
    slow = register(workers=[{"longest_task_seconds": 20_000}]).one(QUEUE, f"{NAME}-default")
    assert 2 * 20_000 < get(slow, "visibilityTimeoutSeconds") <= 43_200


def test_a_task_that_no_worker_could_take_goes_to_the_dead_letters_and_is_kept_for_longer() -> None:
    dead = queue("dead-letters")
    for name in ("default", "mail", "reports"):
        assert document(queue(name), "redrivePolicy") == {
            "deadLetterTargetArn": dead.state["arn"],
            "maxReceiveCount": 5,
        }
        assert get(dead, "messageRetentionSeconds") > get(queue(name), "messageRetentionSeconds")
    assert get(dead, "redrivePolicy") is None


def test_the_dead_letters_are_these_queues_alone() -> None:
    allowed = document(built().one(REDRIVE), "redriveAllowPolicy")
    assert allowed["redrivePermission"] == "byQueue"
    assert set(allowed["sourceQueueArns"]) == {str(queue(name).state["arn"]) for name in ("default", "mail", "reports")}


def test_more_queues_than_a_permission_names_are_those_of_the_account() -> None:
    workers = [
        {"name": "many", "queues": [f"queue-{place}" for place in range(10)]},
        {"name": "one", "queues": ["last"]},
    ]
    assert document(register(workers=workers).one(REDRIVE), "redriveAllowPolicy") == {"redrivePermission": "allowAll"}


def test_every_queue_is_encrypted_and_refuses_what_comes_without_tls() -> None:
    for each in built().all(QUEUE):
        assert get(each, "sqsManagedSseEnabled") is True
    for each in built().all(QUEUE_POLICY):
        (only,) = statements(each)
        assert (only["Effect"], only["Action"]) == ("Deny", ["sqs:*"])
        assert only["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize("queues", [[], ["arn:one", "arn:two"]])
def test_the_application_may_use_these_queues_and_make_none(queues: list[str]) -> None:
    allowed = [entry for entry in application_statements([], queues) if entry["Action"][0].startswith("sqs:")]
    assert {arn for entry in allowed for arn in entry["Resource"]} == set(queues)
    actions = {action for entry in allowed for action in entry["Action"]}
    assert not actions & {"sqs:CreateQueue", "sqs:DeleteQueue", "sqs:PurgeQueue", "sqs:ListQueues", "sqs:*"}
