"""In Celery: a task is a span of the trace of whoever sent it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from django_scale.extras import installed
from django_scale.logs.context import request_id
from django_scale.tracing import shut_down

_OPEN = "_django_scale_span"
# Always, whatever the propagator of HTTP is: a broker's messages are the application's own.
_propagator = TraceContextTextMapPropagator()


def publish(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """Receiver of `before_task_publish`."""
    if headers is not None:
        _propagator.inject(headers)


def begin(task: Any = None, **_: Any) -> None:
    """Receiver of `task_prerun`."""
    headers: dict[str, Any] = dict(getattr(task.request, "headers", None) or {})
    sent = getattr(task.request, "traceparent", None) or headers.get("traceparent")
    parent = _propagator.extract({"traceparent": sent}) if isinstance(sent, str) else None
    tracer = trace.get_tracer("django_scale")
    context = tracer.start_as_current_span(task.name, context=parent, kind=SpanKind.CONSUMER)
    context.__enter__().set_attribute("request.id", request_id())
    setattr(task.request, _OPEN, context)


def end(task: Any = None, state: str | None = None, **_: Any) -> None:
    """Receiver of `task_postrun`."""
    context = getattr(task.request, _OPEN, None)
    if context is None:
        return
    if state == "FAILURE":
        trace.get_current_span().set_status(StatusCode.ERROR)
    context.__exit__(None, None, None)


def stop(**_: Any) -> None:
    """Receiver of `worker_process_shutdown`: a pool's process ends without what `atexit` has registered."""
    shut_down()


def connect() -> None:
    """Connect the receivers where Celery is installed."""
    if not installed("celery"):
        return
    signals: Any = import_module("celery.signals")
    signals.before_task_publish.connect(publish, dispatch_uid="django_scale.tracing.publish")
    signals.task_prerun.connect(begin, dispatch_uid="django_scale.tracing.begin")
    signals.task_postrun.connect(end, dispatch_uid="django_scale.tracing.end")
    signals.worker_process_shutdown.connect(stop, dispatch_uid="django_scale.tracing.stop")
