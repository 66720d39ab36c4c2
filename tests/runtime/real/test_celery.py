"""A real Celery worker on a Redis broker."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from scale.local.servers import Primary, Redis
from tests.runtime.real.application import Application, Client, Variables, wait_until


class Worker(Application):
    """A worker of the example, one task at a time."""

    def command(self) -> list[str]:
        return [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "project",
            "worker",
            "-P",
            "solo",
            "-l",
            "WARNING",
            "-Q",
            "default",
        ]

    def ready(self) -> bool:
        """Its test waits for what it does."""
        return True


def _queued(application: Application) -> float:
    text = Client(application).get("/metrics").text
    return float(re.findall(r'^celery_queue_length\{queue="default"\} (\S+)$', text, re.MULTILINE)[0])


def test_waiting_tasks_are_a_metric_and_a_worker_sees_what_the_request_wrote(
    variables: Variables, primary: Primary, session_store: Redis, servers_folder: Path
) -> None:
    broker = f"redis://{session_store.address}/1"
    chosen = variables | {
        "CELERY_BROKER_URL": broker,
        "CELERY_QUEUES": "default",
        "CELERY_DEFAULT_QUEUE_FOR_TESTS": "default",
        "METRICS_EXPORTER": "prometheus",
    }
    with Application(servers_folder / "publisher", chosen) as application:
        client = Client(application)
        client.post("/probe/write/", {"title": "counted"})
        pk = primary.value("SELECT max(id) FROM articles_article WHERE title = 'counted'")
        for _ in range(3):
            assert client.get(f"/articles/{pk}/").status == 200
        assert _queued(application) == 3
        with Worker(servers_folder / "worker", chosen):
            wait_until(lambda: primary.value(f"SELECT views FROM articles_article WHERE id = {pk}") == 3, 20)
