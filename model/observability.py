"""What is written down of each request, and where it goes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from model.fields import FractionalPercent, FractionalSeconds, Section, form

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
DatabaseTags = Literal["both", "application_name", "comment", "none"]

COLLECTOR_PORTS = (4317, 4318)
"""Its ports for OTLP: that of gRPC, which nothing here uses, and that of HTTP."""

COLLECTOR = f"127.0.0.1:{COLLECTOR_PORTS[1]}"
"""Where the collector of a server listens: loopback, which the containers share and the network does not reach."""


class Tracing(Section):
    """OpenTelemetry traces of a share of the requests. The image needs the runtime's extra `otel`."""

    sample_percent: FractionalPercent = Field(default=5.0, gt=0, le=100)
    """The share of requests that is traced. X-Ray is paid by the trace."""

    endpoint: (
        Annotated[str, form(r"https?://[^\s?#]+", "an address of OTLP over HTTP that begins with https:// or http://")]
        | None
    ) = None
    """Where the application sends traces, such as `https://otlp.example.com`; a key for it goes into `secrets` as
    OTEL_EXPORTER_OTLP_HEADERS. By default X-Ray, through a collector on each server; with `compute.kubernetes` it must
    be set."""


class Observability(Section):
    """Logs, traces and error reports. An error tracker is switched on by SENTRY_DSN in `secrets`."""

    log_level: LogLevel = "INFO"
    """The least level that is logged."""

    access_log: bool = True
    """Whether the application logs a line for each request. Paid by the byte; the load balancer logs to a bucket."""

    slow_seconds: FractionalSeconds = Field(default=1.0, gt=0, le=600)
    """The time above which the saved query `slow-requests` shows a request."""

    database_tags: DatabaseTags = "both"
    """How a statement carries its request's id into the database: `application_name` (`pg_stat_activity`), `comment`
    (the log of slow statements), `both` or `none`. Behind PgBouncer, `both` is the comment alone."""

    error_tracker: (
        Annotated[str, form(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", "a function's path such as package.module:function")]
        | None
    ) = None
    """A function of the image that starts an error tracker other than Sentry; it is called once in each process."""

    tracing: Tracing | None = None
    """Traces; none by default."""

    @property
    def collects(self) -> bool:
        """Whether each server runs a collector."""
        return self.tracing is not None and self.tracing.endpoint is None
