"""Traces and error reports, sent to a real HTTP server; and what their absence changes: nothing but one warning."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from scale.local.servers import free_port
from tests.runtime.real.application import Application, Client, Variables, wait_until
from tests.runtime.real.receiver import Receiver, attributes

TRACED = {"OTEL_TRACES_SAMPLER": "always_on", "OTEL_BSP_SCHEDULE_DELAY": "100", "DJANGO_SCALE_RELEASE": "1.4.0"}
# As a stack's `application.environment` would: modules that are not there.
WITHOUT_EXTRAS = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("opentelemetry", "sentry_sdk"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
"""


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture(scope="module")
def traced(variables: Variables, receiver: Receiver, servers_folder: Path) -> Iterator[Application]:
    """Traced and reported to the receiver."""
    chosen = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{receiver.address}",
        "OTEL_EXPORTER_OTLP_HEADERS": "x-key=the-key",
        "SENTRY_DSN": f"http://public@{receiver.address}/1",
        "ERROR_TRACKER": "tests.runtime.real.tracker:start",
    }
    with Application(servers_folder / "traced", variables | TRACED | chosen, workers=2) as running:
        yield running


def _came(receiver: Receiver, name: str) -> list[Span]:
    wait_until(lambda: any(attributes(span).get("request.id") == name for span in receiver.spans()), 15)
    return receiver.trace(name)


def test_a_request_is_a_trace_with_its_statements(traced: Application, receiver: Receiver) -> None:
    Client(traced).get("/probe/seen/?token=tell-nobody", {"X-Request-ID": "traced-1"})
    spans = _came(receiver, "traced-1")
    (root,) = [span for span in spans if span.kind == Span.SPAN_KIND_SERVER]
    statements = [span for span in spans if attributes(span).get("db.system") == "postgresql"]
    assert root.name == "GET probe/seen/"
    assert root.parent_span_id == b""
    assert len([each for each in statements if "pg_stat_activity" in attributes(each)["db.statement"]]) == 2
    assert {each.parent_span_id for each in statements} == {root.span_id}
    # What carries the request's id into the database is no statement of the application.
    assert not any(
        re.search("application_name TO|request_id=", attributes(each)["db.statement"]) for each in statements
    )
    assert {each.name for each in statements} == {"SELECT"}


def test_commands_to_the_cache_are_spans_without_keys(traced: Application, receiver: Receiver) -> None:
    Client(traced).get("/", {"X-Request-ID": "traced-2"})
    found = [span for span in _came(receiver, "traced-2") if span.name.startswith("cache ")]
    assert found
    assert {attributes(span)["db.system"] for span in found} == {"redis"}
    assert not any("popular" in str(attributes(span)) for span in found)


def test_a_trace_names_service_version_and_environment_and_sends_its_key(
    traced: Application, receiver: Receiver
) -> None:
    Client(traced).get("/probe/seen/", {"X-Request-ID": "traced-3"})
    _came(receiver, "traced-3")
    found = receiver.resource()
    names = ("service.name", "service.version", "deployment.environment.name")
    assert [found[name] for name in names] == ["tests", "1.4.0", "tests"]
    assert {headers["x-key"] for path, headers, _ in receiver.bodies if path == "/v1/traces"} == {"the-key"}


def test_no_secret_of_a_query_string_is_in_a_trace(traced: Application, receiver: Receiver) -> None:
    Client(traced).get("/probe/seen/?token=tell-nobody&page=2", {"X-Request-ID": "traced-4"})
    _came(receiver, "traced-4")
    assert not any(b"tell-nobody" in body for _, _, body in receiver.bodies)


def test_probes_and_monitors_are_no_traces(traced: Application, receiver: Receiver) -> None:
    assert Client(traced, host="10.1.2.3").get("/health/ready").status == 200
    Client(traced).get("/probe/seen/", {"X-Request-ID": "traced-5"})
    _came(receiver, "traced-5")
    roots = [span for span in receiver.spans() if not span.parent_span_id]
    assert {span.kind for span in roots} == {Span.SPAN_KIND_SERVER}
    assert not any("health" in str(attributes(span)) for span in roots)


def test_a_client_cannot_have_its_requests_traced(traced: Application, receiver: Receiver) -> None:
    theirs = "0af7651916cd43dd8448eb211c80319c"
    headers = {"X-Request-ID": "traced-6", "traceparent": f"00-{theirs}-b7ad6b7169203331-01"}
    Client(traced).get("/probe/seen/", headers)
    assert {span.trace_id.hex() for span in _came(receiver, "traced-6")} != {theirs}


def test_a_task_is_a_span_of_the_request_that_sent_it(traced: Application, receiver: Receiver) -> None:
    client = Client(traced)
    client.post("/probe/write/", {"title": "traced"})
    pk = client.get("/probe/newest/").json["pk"]
    client.get(f"/articles/{pk}/", {"X-Request-ID": "traced-7"})
    spans = _came(receiver, "traced-7")
    (task,) = [span for span in spans if span.name == "articles.tasks.count_view"]
    assert any(span.parent_span_id == task.span_id for span in spans)


def test_an_error_is_a_failed_trace_and_an_event_with_the_requests_id(traced: Application, receiver: Receiver) -> None:
    assert Client(traced).get("/probe/broken/?token=tell-nobody", {"X-Request-ID": "broken-1"}).status == 500
    (root,) = [span for span in _came(receiver, "broken-1") if span.kind == Span.SPAN_KIND_SERVER]
    assert root.status.code == Status.STATUS_CODE_ERROR
    wait_until(lambda: any(event["tags"].get("request_id") == "broken-1" for event in receiver.events()), 15)
    (event,) = [event for event in receiver.events() if event["tags"].get("request_id") == "broken-1"]
    assert (event["release"], event["environment"], event["tags"]["view"]) == ("1.4.0", "tests", "probe-broken")
    (thrown,) = event["exception"]["values"]
    assert (thrown["type"], thrown["value"]) == (
        "ValueError",
        "no answer from https://api.example/?token=*** with ***",
    )
    assert not any(b"tell-nobody" in body or b"a secret of the tests" in body for _, _, body in receiver.bodies)


def test_another_tracker_is_started_in_each_process(traced: Application) -> None:
    started = traced.lines(logger="tracker")
    assert len({line["process"] for line in started}) == len(started) == 2


def test_traces_that_wait_are_sent_when_a_server_ends(
    variables: Variables, receiver: Receiver, servers_folder: Path
) -> None:
    patient = {"OTEL_BSP_SCHEDULE_DELAY": "600000", "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{receiver.address}"}
    with Application(servers_folder / "patient", variables | TRACED | patient) as running:
        Client(running).get("/probe/seen/", {"X-Request-ID": "last-1"})
        assert not any(attributes(span).get("request.id") == "last-1" for span in receiver.spans())
    assert receiver.trace("last-1")


def test_a_ratio_of_nothing_traces_nothing(variables: Variables, receiver: Receiver, servers_folder: Path) -> None:
    never = TRACED | {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}
    chosen = variables | never | {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{receiver.address}"}
    with Application(servers_folder / "never", chosen) as running:
        assert Client(running).get("/probe/seen/", {"X-Request-ID": "never-1"}).status == 200
    assert not any(attributes(span).get("request.id") == "never-1" for span in receiver.spans())


def test_without_a_collector_nothing_changes_but_one_warning(variables: Variables, servers_folder: Path) -> None:
    away = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    with Application(servers_folder / "away", variables | TRACED | away) as running:
        for _ in range(2):
            assert Client(running).get("/probe/seen/").status == 200
            time.sleep(1.5)
        warnings = [line for line in running.lines(level="WARNING") if "tracing" in line["logger"]]
        warnings += [line for line in running.lines() if "opentelemetry" in line["logger"]]
    assert [line["message"] for line in warnings] == [
        f"no traces: {away['OTEL_EXPORTER_OTLP_ENDPOINT']} does not take them"
    ]


def test_without_the_extras_nothing_changes_but_a_warning_each(variables: Variables, servers_folder: Path) -> None:
    folder = servers_folder / "without-extras"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(WITHOUT_EXTRAS)
    chosen = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318",
        "SENTRY_DSN": "http://public@127.0.0.1:9/1",
        "ERROR_TRACKER": "tests.runtime.real.tracker:fail",
    }
    running = Application(folder, variables | TRACED | chosen)
    running.add_path(folder)
    with running:
        assert Client(running).get("/probe/seen/").status == 200
        warnings = {line["logger"]: line["message"] for line in running.lines(level="WARNING")}
        assert "`otel` is not installed" in warnings["django_scale.tracing"]
        assert "`sentry` is not installed" in warnings["django_scale.errors"]
        (failed,) = running.lines(level="ERROR", logger="django_scale.errors")
        assert failed["exception_type"] == "RuntimeError"
