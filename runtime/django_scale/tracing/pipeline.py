"""From a span to the collector: which are kept, who is believed, how they are sent."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider, sampling
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, Status
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from django_scale.logs.redaction import Redactor
from django_scale.settings.environment import Environment

logger = logging.getLogger("django_scale.tracing")

# A worker that ends waits for its last batch no longer than this, where OTEL_EXPORTER_OTLP_TIMEOUT does not say.
EXPORT_SECONDS = 3.0


class Served(sampling.Sampler):
    """Another sampler, without what nobody asked for: health checks and monitors query from threads of their own, and
    each of their statements would be a trace."""

    def __init__(self, inner: sampling.Sampler) -> None:
        self._inner = inner

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        *arguments: Any,
        **options: Any,
    ) -> sampling.SamplingResult:
        """Drop a call to a server that is a trace's first span."""
        parent = trace.get_current_span(parent_context).get_span_context()
        if kind is SpanKind.CLIENT and not parent.is_valid:
            return sampling.SamplingResult(sampling.Decision.DROP)
        return self._inner.should_sample(parent_context, trace_id, name, kind, *arguments, **options)

    def get_description(self) -> str:
        """For the SDK's own messages."""
        return f"Served{{{self._inner.get_description()}}}"


class Outbound(TextMapPropagator):
    """Tells servers that are called of the trace, and believes no caller: a client of a public site could have each of
    its requests traced, at the site's cost. OTEL_PROPAGATORS=tracecontext believes them."""

    _inner = TraceContextTextMapPropagator()

    def extract(
        self, carrier: CarrierT, context: Context | None = None, getter: Getter[CarrierT] = default_getter
    ) -> Context:
        """The context as it was."""
        return Context() if context is None else context

    def inject(
        self, carrier: CarrierT, context: Context | None = None, setter: Setter[CarrierT] = default_setter
    ) -> None:
        """Add `traceparent`."""
        self._inner.inject(carrier, context, setter)

    @property
    def fields(self) -> set[str]:
        """The headers."""
        return self._inner.fields


class Exporter(SpanExporter):
    """An exporter that sends no secrets, and says once that the collector is away, and once that it is back."""

    def __init__(self, inner: SpanExporter, endpoint: str) -> None:
        self._inner, self._endpoint, self._lost = inner, endpoint, False
        self._redactor = Redactor()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans; those that cannot be sent are lost."""
        result = self._inner.export([self._clean(span) for span in spans])
        lost = result is not SpanExportResult.SUCCESS
        if lost and not self._lost:
            logger.warning("no traces: %s does not take them", self._endpoint)
        elif self._lost and not lost:
            logger.warning("%s takes traces again", self._endpoint)
        self._lost = lost
        return result

    def _clean(self, span: ReadableSpan) -> ReadableSpan:
        """A copy without secrets: instrumentations record URLs and exceptions as they are."""
        clean, status = self._redactor.clean_all, span.status
        return ReadableSpan(
            name=span.name,
            context=span.get_span_context(),
            parent=span.parent,
            resource=span.resource,
            attributes=clean(span.attributes),
            events=[Event(each.name, clean(each.attributes), each.timestamp) for each in span.events],
            links=span.links,
            kind=span.kind,
            status=Status(status.status_code, clean(status.description)),
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )

    def shutdown(self) -> None:
        """Give up what is under way."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing waits here."""
        return self._inner.force_flush(timeout_millis)


def sampler(env: Environment) -> sampling.Sampler:
    """OTEL_TRACES_SAMPLER and its argument."""
    name = env.text("OTEL_TRACES_SAMPLER").removeprefix("parentbased_")
    root: sampling.Sampler = {
        "always_on": sampling.ALWAYS_ON,
        "always_off": sampling.ALWAYS_OFF,
        "traceidratio": sampling.TraceIdRatioBased(env.number("OTEL_TRACES_SAMPLER_ARG")),
    }[name]
    return Served(sampling.ParentBased(root) if env.text("OTEL_TRACES_SAMPLER") != name else root)


def provider(env: Environment) -> TracerProvider:
    """The process's provider, in place."""
    service = {
        "service.name": env.text("OTEL_SERVICE_NAME") or env.text("DJANGO_SCALE_ENVIRONMENT") or "django",
        "service.version": env.text("DJANGO_SCALE_RELEASE"),
        "deployment.environment.name": env.text("DJANGO_SCALE_ENVIRONMENT"),
    }
    made = TracerProvider(
        sampler=sampler(env), resource=Resource.create({key: value for key, value in service.items() if value})
    )
    # The exporter's own words, one a batch, are replaced by Exporter's one.
    for name in ("opentelemetry.exporter", "opentelemetry.sdk._shared_internal"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    timeout = None if "OTEL_EXPORTER_OTLP_TIMEOUT" in os.environ else EXPORT_SECONDS
    exporter = Exporter(OTLPSpanExporter(timeout=timeout), env.text("OTEL_EXPORTER_OTLP_ENDPOINT"))
    made.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(made)
    if not os.environ.get("OTEL_PROPAGATORS"):
        propagate.set_global_textmap(Outbound())
    return made
