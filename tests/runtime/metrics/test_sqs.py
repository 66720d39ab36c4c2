"""Celery's queues in Amazon SQS: what the settings tell Celery, what a worker does with it, how long the queues are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest
from django.test import override_settings
from django_scale.metrics import sources
from django_scale.settings import celery, read, runtime_options
from moto.server import ThreadedMotoServer

REGION = "eu-west-1"
AWS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": REGION}


@pytest.fixture
def queues(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Yield the variables of a stack with two queues, default and mail, in an SQS that is moto's."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {**AWS, "AWS_ENDPOINT_URL": f"http://{host}:{port}"}.items():
        monkeypatch.setenv(name, value)
    # moto keeps its state in this process, from one server to the next.
    urlopen(Request(f"http://{host}:{port}/moto-api/reset", method="POST")).close()
    client = boto3.client("sqs", region_name=REGION)
    urls = {name: client.create_queue(QueueName=f"shop-prod-{name}")["QueueUrl"] for name in ("default", "mail")}
    yield {
        "AWS_REGION": REGION,
        "DJANGO_DEBUG": "true",
        "CELERY_BROKER_URL": "sqs://",
        "CELERY_QUEUES": "default,mail",
        "CELERY_QUEUE_URLS": ",".join(f"{name}={url}" for name, url in urls.items()),
    }
    server.stop()


def application(variables: dict[str, str]) -> Any:
    from celery import Celery

    app = Celery("probe", set_as_current=False)
    settings = celery(read(variables))
    app.conf.update({key.removeprefix("CELERY_").lower(): value for key, value in settings.items()})
    return app


def test_tasks_wait_in_the_queue_that_they_are_sent_to_and_in_the_first_by_default(queues: dict[str, str]) -> None:
    app = application(queues)
    app.send_task("one")
    app.send_task("two", queue="mail")
    app.send_task("three", queue="mail")
    app.close()
    with override_settings(DJANGO_SCALE=runtime_options(read(queues))):
        assert sources.queue_lengths() == {"default": 1.0, "mail": 2.0}


def test_a_queue_that_cannot_be_read_is_left_out_and_the_others_are_told(queues: dict[str, str]) -> None:
    options = runtime_options(read(queues))
    options["CELERY_QUEUE_URLS"]["mail"] += "-deleted"
    with override_settings(DJANGO_SCALE=options):
        assert sources.queue_lengths() == {"default": 0.0}


def test_celery_is_told_the_queues_that_there_are_and_makes_none(queues: dict[str, str]) -> None:
    app = application(queues)
    options = app.conf.broker_transport_options
    assert list(options["predefined_queues"]) == ["default", "mail"]
    assert (options["region"], app.conf.task_default_queue) == (REGION, "default")
    with pytest.raises(Exception, match="must be defined in 'predefined_queues'"):
        app.send_task("one", queue="unknown")
    app.close()
    assert len(boto3.client("sqs", region_name=REGION).list_queues()["QueueUrls"]) == 2


def test_tasks_are_taken_with_the_stacks_variables_alone(queues: dict[str, str]) -> None:
    """A worker's own loop needs pycurl, which celery[sqs] brings; this takes the same transport's synchronous way."""
    from kombu.entity import Queue
    from kombu.messaging import Consumer

    app = application(queues)
    app.send_task("one", queue="mail")
    taken: list[str] = []
    with app.connection_for_read() as connection, connection.channel() as channel:

        def take(_: Any, message: Any) -> None:
            taken.append(message.headers["task"])
            message.ack()

        with Consumer(channel, queues=[Queue("mail")], callbacks=[take]):
            connection.drain_events(timeout=10)
    app.close()
    assert taken == ["one"]
    with override_settings(DJANGO_SCALE=runtime_options(read(queues))):
        assert sources.queue_lengths() == {"default": 0.0, "mail": 0.0}
