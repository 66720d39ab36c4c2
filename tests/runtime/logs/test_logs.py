"""A request's id, its lines, and what must not stand in them; without a server."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any, cast

import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import RequestFactory, override_settings
from django_scale.db import tags
from django_scale.logs import JsonFormatter, RequestLogMiddleware, request_id
from django_scale.logs.context import Context, current, taken
from django_scale.logs.formatter import MESSAGE_CHARACTERS, TRACEBACK_CHARACTERS
from django_scale.logs.redaction import Redactor

ROOT_ID = "1-67891233-abcdef012345678912345678"
UUID = "123e4567-e89b-12d3-a456-426614174000"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (UUID, UUID),
        ("a" * 64, "a" * 64),
        ("a" * 65, ""),
        ("", ""),
        (None, ""),
        (f"Root={ROOT_ID}", ROOT_ID),
        (f"Self=1-67891234-12456789abcdef012345678;Root={ROOT_ID};CalledFrom=app", ROOT_ID),
        ("Root=", ""),
        ("Root=*/", ""),
        ("Root=a\nb", ""),
        ("a\n", ""),
        ("a b", ""),
        ("a'b", ""),
        ('a"b', ""),
        ("a/b*", ""),
        ("a%sb", ""),
        ("a\\b", ""),
        ("ä", ""),
        ("\u0661", ""),
    ],
)
def test_an_id_is_taken_that_can_do_no_harm(value: str | None, found: str) -> None:
    assert taken(value) == found


@pytest.mark.parametrize(
    ("own", "name", "whole"),
    [
        ("shop-prod", "edge-1", "shop-prod:edge-1"),
        ("it's\\ü", "edge-1", "it_s__:edge-1"),
        ("shop-prod", "a" * 64, "shop-prod:" + "a" * 53),
    ],
)
def test_a_connections_name_is_what_postgresql_keeps_unchanged(own: str, name: str, whole: str) -> None:
    assert tags.application_name(own, Context(name)) == whole
    assert len(whole) <= 63


def test_outside_a_request_a_connection_has_its_own_name() -> None:
    assert tags.application_name("shop-prod", None) == "shop-prod"


def test_a_comment_ends_where_it_should_whatever_the_task_is_called() -> None:
    assert tags.comment(Context("a", task="*/ DROP TABLE x; /* %s '")) == (
        "/*request_id='a',task='___DROP_TABLE_x______s__'*/ "
    )


class Lines(logging.Handler):
    """Keeps what the formatter makes of each record."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.found: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(json.loads(self.format(record)))


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    handler = Lines()
    logger = logging.getLogger("django_scale.access")
    logger.addHandler(handler)
    with override_settings(DJANGO_SCALE={"ACCESS_LOG": True}):
        yield handler.found
    logger.removeHandler(handler)


def serve(view: Any, path: str = "/", **headers: str) -> HttpResponseBase:
    answer = RequestLogMiddleware(view)(RequestFactory().get(path, headers=headers))
    return cast("HttpResponseBase", answer)


def test_the_id_is_the_responses_and_the_views(lines: list[dict[str, Any]]) -> None:
    answer = serve(lambda _: HttpResponse(request_id()), **{"X-Request-ID": "edge-1"})
    assert (answer["X-Request-ID"], cast("HttpResponse", answer).content) == ("edge-1", b"edge-1")
    assert lines[0]["request_id"] == "edge-1"
    assert request_id() == ""


@override_settings(DJANGO_SCALE={"REQUEST_ID_HEADERS": ["X-Amzn-Trace-Id"]})
def test_only_the_headers_of_the_edge_count() -> None:
    answer = serve(lambda _: HttpResponse(), **{"X-Request-ID": "mine", "X-Amzn-Trace-Id": f"Root={ROOT_ID}"})
    assert answer["X-Request-ID"] == ROOT_ID


@override_settings(DJANGO_SCALE={})
def test_without_access_log_there_is_an_id_and_no_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert len(serve(lambda _: HttpResponse())["X-Request-ID"]) == 32
    assert caplog.records == []


def test_a_path_cannot_forge_a_line(lines: list[dict[str, Any]]) -> None:
    serve(lambda _: HttpResponse(status=404), "/a%0Ab%1B[31m/?token=hidden")
    assert (lines[0]["path"], lines[0]["message"]) == (r"/a\nb\x1b[31m/", r"GET /a\nb\x1b[31m/ 404")


def test_async_views_have_ids_of_their_own_at_once(lines: list[dict[str, Any]]) -> None:
    async def view(_: HttpRequest) -> HttpResponse:
        before = request_id()
        await asyncio.sleep(0.01)
        assert request_id() == before
        return HttpResponse(before)

    async def both() -> list[HttpResponse]:
        middleware: Any = RequestLogMiddleware(view)  # type: ignore[arg-type]
        made = [RequestFactory().get("/", headers={"X-Request-ID": f"edge-{number}"}) for number in range(5)]
        return await asyncio.gather(*(middleware(request) for request in made))

    answers = asyncio.run(both())
    assert [answer.content.decode() for answer in answers] == [f"edge-{number}" for number in range(5)]
    assert sorted(line["request_id"] for line in lines) == [f"edge-{number}" for number in range(5)]


def test_a_streams_line_comes_when_it_is_closed(lines: list[dict[str, Any]]) -> None:
    answer = serve(lambda _: StreamingHttpResponse(iter([request_id().encode(), b"!"])), **{"X-Request-ID": "edge-1"})
    assert lines == []
    answer.close()
    assert [line["request_id"] for line in lines] == ["edge-1"]
    assert request_id() == ""


def test_a_view_that_is_torn_down_leaves_no_id_behind() -> None:
    def view(_: HttpRequest) -> HttpResponse:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        serve(view)
    assert request_id() == ""


SECRETS = {
    "DB_PASSWORD": "correct-horse",
    "STRIPE_KEY": 'a"quoted\\key',
    "SHORT_KEY": "abc",
    "CACHE_KEY_PREFIX": "shop-prod-prefix",
}


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("password authentication failed: correct-horse", "password authentication failed: ***"),
        ('key a"quoted\\key refused', "key *** refused"),
        ("abc and shop-prod-prefix", "abc and shop-prod-prefix"),
        ("GET https://a.example/?page=2&token=t&x=1", "GET https://a.example/?page=2&token=***&x=1"),
        ("?X-Amz-Signature=0af7&next=/", "?X-Amz-Signature=***&next=/"),
        ("redis://app:secret@cache.example:6379/0", "redis://app:***@cache.example:6379/0"),
        ("https://a.example/b@c", "https://a.example/b@c"),
        ("tokens = 5", "tokens = 5"),
    ],
)
def test_secrets_are_taken_out(text: str, clean: str) -> None:
    assert Redactor(SECRETS).clean(text) == clean


def record(message: str = "m", **more: Any) -> dict[str, Any]:
    made = logging.makeLogRecord({"name": "n", "levelname": "ERROR", "msg": message, **more})
    return json.loads(JsonFormatter().format(made))


def test_djangos_request_and_celerys_arguments_are_left_out() -> None:
    entry = record(request=RequestFactory().get("/?token=hidden"), status_code=500, data={"args": "('hidden',)"})
    assert "hidden" not in str(entry)
    assert (entry["status"], "status_code" in entry) == (500, False)


def test_what_is_within_an_extra_field_is_cleaned_and_always_json() -> None:
    deep = {("a", 1): ["?token=hidden", {"b": "redis://u:hidden@c"}], "set": {1}}
    assert record(deep=deep)["deep"] == {"('a', 1)": ["?token=***", {"b": "redis://u:***@c"}], "set": "{1}"}


def test_a_line_fits_into_what_docker_takes_as_one() -> None:
    error = ValueError("x" * 50_000)
    made = record("y" * 50_000, exc_info=(ValueError, error, None))
    assert len(made["message"]) == MESSAGE_CHARACTERS
    assert len(made["exception"]) == TRACEBACK_CHARACTERS
    assert made["exception_type"] == "ValueError"
    assert MESSAGE_CHARACTERS + TRACEBACK_CHARACTERS < 16 * 1024 * 0.8


def test_a_line_within_a_task_names_it() -> None:
    before = current.get()
    current.set(Context("edge-1", task="articles.tasks.count_view"))
    try:
        entry = record()
    finally:
        current.set(before)
    assert (entry["request_id"], entry["task"], "view" in entry) == ("edge-1", "articles.tasks.count_view", False)
