"""What makes spans: requests, statements, commands to the cache."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from opentelemetry import trace
from opentelemetry.instrumentation.django import DjangoInstrumentor  # pyright: ignore[reportMissingTypeStubs]
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.trace import Span, SpanKind

from django_scale.cache.client import ShardedClient
from django_scale.logs.context import request_id
from django_scale.settings.http import HEALTH, LOG


def connect() -> None:
    """Instrument Django, psycopg, redis-py and this package's own client of the cache."""
    installed = list(settings.MIDDLEWARE)
    # It reads the request's host, which health probes do not have; and the request's id must be known.
    place = max((installed.index(name) + 1 for name in (HEALTH, LOG) if name in installed), default=0)
    django: Any = DjangoInstrumentor()
    django.instrument(middleware_position=place, request_hook=_note_request)
    others: tuple[Any, ...] = (PsycopgInstrumentor(), RedisInstrumentor())
    for each in others:
        each.instrument()
    client: Any = ShardedClient
    # Not scatter, which sends when its caller iterates.
    client.batch, client.get_many = _traced(client.batch), _traced(client.get_many)


def _note_request(span: Span, _: HttpRequest) -> None:
    """Hook of the Django instrumentation."""
    span.set_attribute("request.id", request_id())


def _traced(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of the cache's client with a span around it; keys and values are not in it."""
    tracer = trace.get_tracer("django_scale")

    @wraps(method)
    def call(self: ShardedClient, *arguments: Any, **options: Any) -> Any:
        if not trace.get_current_span().is_recording():
            return method(self, *arguments, **options)
        with tracer.start_as_current_span(f"cache {method.__name__}", kind=SpanKind.CLIENT) as span:
            span.set_attribute("db.system", "redis")
            return method(self, *arguments, **options)

    return call
