"""An HTTP server that takes what the application sends: OTLP traces, and Sentry's envelopes."""

from __future__ import annotations

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Receiver:
    """Keeps each body; `status` is what it answers."""

    def __init__(self) -> None:
        self.bodies: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                receiver.bodies.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def address(self) -> str:
        """host:port."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _requests(self) -> list[ExportTraceServiceRequest]:
        return [ExportTraceServiceRequest.FromString(body) for path, _, body in self.bodies if path == "/v1/traces"]

    def spans(self) -> list[Span]:
        """All spans that came."""
        return [
            span
            for request in self._requests()
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def resource(self) -> dict[str, str]:
        """What the spans say of the process that sent them."""
        found = self._requests()[0].resource_spans[0].resource.attributes
        return {each.key: each.value.string_value for each in found}

    def trace(self, request_id: str) -> list[Span]:
        """The spans of the trace in which one has this request's id."""
        spans = self.spans()
        (found,) = {span.trace_id for span in spans if attributes(span).get("request.id") == request_id}
        return [span for span in spans if span.trace_id == found]

    def events(self) -> list[dict[str, Any]]:
        """Sentry's events."""
        found: list[dict[str, Any]] = []
        for path, _, body in self.bodies:
            if path.endswith("/envelope/"):
                lines = body.split(b"\n")
                items = zip(lines[1::2], lines[2::2], strict=False)
                found += [json.loads(item) for head, item in items if json.loads(head)["type"] == "event"]
        return found


def attributes(span: Span) -> dict[str, Any]:
    """A span's attributes."""
    return {each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in span.attributes}
