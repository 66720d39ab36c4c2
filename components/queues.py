"""Where tasks wait for Celery's workers: Amazon SQS."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components import permissions
from model.workload import DEAD_LETTERS, Tasks

# Long polling costs a request a poll, and 20 s is the longest (SQS, ReceiveMessageWaitTimeSeconds).
_POLL_SECONDS = 20
_DEAD_LETTER_DAYS = 14
_DAY = 86_400
# A redrive permission names ten queues at most (SQS, SetQueueAttributes, RedriveAllowPolicy).
_MOST_SOURCES = 10


class Queues(pulumi.ComponentResource):
    """A queue for each name in the settings, and one for the tasks that no worker could take.

    ElastiCache in cluster mode cannot be Celery's broker: Kombu's Redis transport uses transactions over several keys,
    which a cluster refuses. SQS has no server to run, and a queue that does not fill any memory.
    """

    urls: dict[str, pulumi.Output[str]]
    """The queues' URLs by name."""
    arns: list[pulumi.Output[str]]
    """The queues' ARNs; not that of the dead letters."""
    dead_letters_arn: pulumi.Output[str]

    def __init__(self, name: str, tasks: Tasks, opts: pulumi.ResourceOptions | None = None) -> None:
        """Build the queues."""
        super().__init__("django-scale:tasks:Queues", name, None, opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        dead = aws.sqs.Queue(
            f"{name}-{DEAD_LETTERS}",
            message_retention_seconds=_DEAD_LETTER_DAYS * _DAY,
            sqs_managed_sse_enabled=True,
            opts=self._child,
        )
        self._require_tls(DEAD_LETTERS, dead)
        queues = {queue: self._create(queue, seconds, tasks, dead) for queue, seconds in tasks.queues.items()}
        aws.sqs.RedriveAllowPolicy(
            f"{name}-{DEAD_LETTERS}",
            queue_url=dead.id,
            redrive_allow_policy=pulumi.Output.json_dumps(_sources([queue.arn for queue in queues.values()])),
            opts=self._child,
        )
        self.urls = {queue: made.url for queue, made in queues.items()}
        self.arns = [made.arn for made in queues.values()]
        self.dead_letters_arn = dead.arn
        self.register_outputs({"urls": self.urls, "dead_letters_arn": self.dead_letters_arn})

    def _create(self, queue: str, invisible_seconds: int, tasks: Tasks, dead: aws.sqs.Queue) -> aws.sqs.Queue:
        made = aws.sqs.Queue(
            f"{self._name}-{queue}",
            visibility_timeout_seconds=invisible_seconds,
            receive_wait_time_seconds=_POLL_SECONDS,
            message_retention_seconds=tasks.retention_days * _DAY,
            sqs_managed_sse_enabled=True,
            redrive_policy=pulumi.Output.json_dumps(
                {"deadLetterTargetArn": dead.arn, "maxReceiveCount": tasks.attempts}
            ),
            opts=self._child,
        )
        self._require_tls(queue, made)
        return made

    def _require_tls(self, role: str, queue: aws.sqs.Queue) -> None:
        aws.sqs.QueuePolicy(
            f"{self._name}-{role}",
            queue_url=queue.id,
            policy=permissions.document(
                permissions.deny(
                    ["sqs:*"],
                    [queue.arn],
                    principal={"AWS": "*"},
                    conditions={"Bool": {"aws:SecureTransport": "false"}},
                )
            ),
            opts=self._child,
        )


def _sources(arns: list[pulumi.Output[str]]) -> dict[str, object]:
    """Return whose dead letters the queue takes: those of these queues, or of the account's where they are too many."""
    if len(arns) > _MOST_SOURCES:
        return {"redrivePermission": "allowAll"}
    return {"redrivePermission": "byQueue", "sourceQueueArns": arns}
