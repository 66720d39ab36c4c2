"""In Celery: a task's log lines and SQL carry the id of the request that sent it."""

from __future__ import annotations

import logging.config
from importlib import import_module
from typing import Any

from django.conf import settings

from django_scale.extras import installed
from django_scale.logs.context import Context, current, new_id, request_id, taken

HEADER = "django_scale_request_id"
_PREVIOUS = "_django_scale_context"


def publish(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """Receiver of `before_task_publish`."""
    if headers is not None and (sent := request_id()):
        headers[HEADER] = sent


def begin(task: Any = None, **_: Any) -> None:
    """Receiver of `task_prerun`."""
    headers: dict[str, Any] = getattr(task.request, "headers", None) or {}
    sent = taken(getattr(task.request, HEADER, None) or headers.get(HEADER))
    previous = current.get()
    # Run where it is sent (task_always_eager), it has no headers, and the request's context about it.
    inherited = previous.request_id if previous is not None else ""
    setattr(task.request, _PREVIOUS, previous)
    current.set(Context(sent or inherited or new_id(), task=task.name))


def end(task: Any = None, **_: Any) -> None:
    """Receiver of `task_postrun`."""
    current.set(getattr(task.request, _PREVIOUS, None))


def configure(**_: Any) -> None:
    """Receiver of `setup_logging`, which keeps Celery from replacing the project's handlers by its own."""
    logging.config.dictConfig(settings.LOGGING)


def connect() -> None:
    """Connect the receivers where Celery is installed."""
    if not installed("celery"):
        return
    signals: Any = import_module("celery.signals")
    signals.before_task_publish.connect(publish, dispatch_uid="django_scale.logs.publish")
    signals.task_prerun.connect(begin, dispatch_uid="django_scale.logs.begin")
    signals.task_postrun.connect(end, dispatch_uid="django_scale.logs.end")
    if settings.LOGGING:
        signals.setup_logging.connect(configure, dispatch_uid="django_scale.logs.configure")
