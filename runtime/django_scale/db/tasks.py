"""Routing in Celery: a task is a scope like a request, and sees what its publisher has written."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django_scale.db.lsn import Token
from django_scale.db.middleware import written_token
from django_scale.db.pool import replica_pool
from django_scale.db.scope import Scope, current

HEADER = "django_scale_lsn"


def publish(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """Receiver of `before_task_publish`: the publisher's token goes along."""
    scope = current.get()
    if scope is None or headers is None or not replica_pool().replicas:
        return
    token = written_token().merge(scope.token) if scope.wrote else scope.token
    if token != Token():
        headers[HEADER] = token.sign()


def begin(task: Any = None, **_: Any) -> None:
    """Receiver of `task_prerun`."""
    headers: dict[str, Any] = getattr(task.request, "headers", None) or {}
    signed: Any = getattr(task.request, HEADER, None) or headers.get(HEADER)
    scope = Scope(Token.read(signed) if isinstance(signed, str) else None)
    # A task that runs where it is sent (task_always_eager) gives the request its scope back.
    scope.parent = current.get()
    current.set(scope)


def end(**_: Any) -> None:
    """Receiver of `task_postrun`."""
    scope = current.get()
    if scope is not None:
        replica_pool().release(scope)
        current.set(scope.parent)


def connect() -> None:
    """Connect the receivers where Celery is installed."""
    if find_spec("celery") is None:
        return
    signals: Any = import_module("celery.signals")
    signals.before_task_publish.connect(publish, dispatch_uid="django_scale.publish")
    signals.task_prerun.connect(begin, dispatch_uid="django_scale.begin")
    signals.task_postrun.connect(end, dispatch_uid="django_scale.end")
