"""OpenTelemetry traces, where OTEL_EXPORTER_OTLP_ENDPOINT is set and the extra `otel` is installed.

The application starts it for itself. Whatever goes wrong costs traces and one warning, never a request.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from django_scale.extras import installed
from django_scale.settings.environment import read

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

logger = logging.getLogger("django_scale.tracing")

_NEEDED = (
    "opentelemetry.sdk",
    "opentelemetry.exporter.otlp.proto.http",
    "opentelemetry.instrumentation.django",
    "opentelemetry.instrumentation.psycopg",
    "opentelemetry.instrumentation.redis",
)

_provider: TracerProvider | None = None


def start() -> bool:
    """Trace this process, and those that it forks. Gives whether it is traced."""
    global _provider
    env = read()
    if _provider is not None or not env.text("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return _provider is not None
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if not all(installed(name) for name in _NEEDED):
        logger.warning("OTEL_EXPORTER_OTLP_ENDPOINT is set, but the extra `otel` is not installed: nothing is traced")
        return False
    from django_scale.tracing import instruments, pipeline, tasks

    # The SDK starts its thread anew in each process that is forked later (preload_app, Celery's pool).
    _provider = pipeline.provider(env)
    instruments.connect()
    tasks.connect()
    return True


def shut_down() -> None:
    """Send what is waiting. For a process that ends without running what `atexit` has registered."""
    if _provider is not None:
        _provider.shutdown()
