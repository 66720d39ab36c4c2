"""A request's id: in the response, in each log line, in the database, in what Celery does for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scale.local.servers import PgBouncer, Primary, Redis
from tests.runtime.real.application import Application, Client, Variables, pgbouncer_variables, wait_until
from tests.runtime.real.test_celery import Worker

GENERATED = re.compile(r"[0-9a-f]{32}")
ROOT_ID = "1-67891233-abcdef012345678912345678"


@pytest.fixture(scope="module")
def logged(variables: Variables, servers_folder: Path) -> Iterator[Application]:
    """One worker; each connection is kept."""
    with Application(servers_folder / "logged", variables, threads=1) as running:
        yield running


def _line(application: Application, message: str, name: str) -> dict[str, object]:
    found: list[dict[str, object]] = []

    def written() -> bool:
        found[:] = [each for each in application.lines(request_id=name) if message in each["message"]]
        return bool(found)

    wait_until(written, 5)
    return found[0]


def test_the_edges_id_is_in_the_response_the_log_and_the_databases_activity(logged: Application) -> None:
    answer = Client(logged).get("/probe/seen/?token=abc", {"X-Request-ID": "edge-1"})
    assert answer.headers["X-Request-ID"] == "edge-1"
    assert answer.json["names"] == ["tests:edge-1"] * 2
    said, access = _line(logged, "looked", "edge-1"), _line(logged, "GET", "edge-1")
    assert said["view"] == access["view"] == "probe-seen"
    assert said["logger"] == "probe"
    assert {key: access[key] for key in ("logger", "level", "method", "path", "status")} == {
        "logger": "django_scale.access",
        "level": "INFO",
        "method": "GET",
        "path": "/probe/seen/",
        "status": 200,
    }
    assert isinstance(access["seconds"], float)
    assert 0 < access["seconds"] < 15


def test_each_statement_carries_id_and_view_in_front(logged: Application) -> None:
    queries = Client(logged).get("/probe/seen/", {"X-Request-ID": "edge-2"}).json["queries"]
    comment = "/*request_id='edge-2',view='probe-seen'*/ SELECT application_name"
    # The first statement of a request is Django's health check of the connection, and takes the new name along.
    assert all(query.startswith(comment) for query in queries)


def test_a_kept_connection_has_the_id_of_the_request_it_serves(logged: Application) -> None:
    for name in ("one", "two", "three", "two"):
        assert Client(logged).get("/probe/seen/", {"X-Request-ID": name}).json["names"] == [f"tests:{name}"] * 2


def test_an_async_view_logs_and_queries_under_its_id(logged: Application) -> None:
    answer = Client(logged).get("/probe/seen/async/", {"X-Request-ID": "edge-3"})
    assert answer.json == {"name": "tests:edge-3"}
    assert _line(logged, "looked asynchronously", "edge-3")["view"] == "probe-seen-async"


def test_a_load_balancers_trace_id_is_taken_where_there_is_no_other(logged: Application) -> None:
    client, trace = Client(logged), {"X-Amzn-Trace-Id": f"Self=1-67891234-12456789abcdef012345678;Root={ROOT_ID}"}
    assert client.get("/probe/seen/", trace).headers["X-Request-ID"] == ROOT_ID
    assert client.get("/probe/seen/", trace | {"X-Request-ID": "mine"}).headers["X-Request-ID"] == "mine"


def test_without_an_id_one_is_made_for_each_request(logged: Application) -> None:
    names = {Client(logged).get("/probe/seen/").headers["X-Request-ID"] for _ in range(5)}
    assert len(names) == 5
    assert all(GENERATED.fullmatch(name) for name in names)


@pytest.mark.parametrize(
    "hostile",
    [
        "a'; DROP TABLE articles_article; --",
        "*/ SELECT 1 /*",
        "x" * 65,
        'a","level":"FATAL',
        "%s%(x)s{}",
        "",
        "Root=",
        "Root=a b",
        "é",
    ],
)
def test_a_hostile_id_is_replaced(hostile: str, logged: Application) -> None:
    answer = Client(logged).get("/probe/seen/", {"X-Request-ID": hostile.encode("latin-1").decode("latin-1")})
    assert answer.status == 200
    name = answer.headers["X-Request-ID"]
    assert GENERATED.fullmatch(name)
    assert answer.json["names"] == [f"tests:{name}"] * 2


def test_a_failed_first_statement_leaves_the_next_ones_under_their_id(logged: Application) -> None:
    """SET is undone with the statement that it came with, and comes again with the next."""
    names = Client(logged).get("/probe/rolled-back/", {"X-Request-ID": "outer"}).json["names"]
    assert names == ["tests:outer", "tests:inner", "tests:inner"]


def test_statements_of_every_kind_give_what_they_gave(logged: Application) -> None:
    assert Client(logged).get("/probe/rows/").json == {
        "found": ["rows 100 %"],
        "changed": 1,
        "streamed": [7],
        "deleted": 1,
    }


def test_an_error_has_its_view_and_exception_and_no_secret(logged: Application) -> None:
    assert Client(logged).get("/probe/broken/?token=abc", {"X-Request-ID": "edge-4"}).status == 500
    error = _line(logged, "Internal Server Error", "edge-4")
    assert {key: error[key] for key in ("level", "view", "status", "exception_type", "logger")} == {
        "level": "ERROR",
        "view": "probe-broken",
        "status": 500,
        "exception_type": "ValueError",
        "logger": "django.request",
    }
    assert str(error["exception"]).endswith("ValueError: no answer from https://api.example/?token=*** with ***")
    access = _line(logged, "GET /probe/broken/ 500", "edge-4")
    assert (access["status"], access["view"]) == (500, "probe-broken")


def test_no_query_string_no_secret_and_no_forged_line_is_in_the_log(logged: Application, variables: Variables) -> None:
    Client(logged).get("/probe/seen/%0a%7B%22forged%22%3A1%7D?password=tell-nobody", {"X-Request-ID": "edge-5"})
    _line(logged, "GET", "edge-5")
    text = (logged.folder / "log").read_text(encoding="utf-8")
    assert "tell-nobody" not in text
    assert "token=abc" not in text
    assert not any(variables[name] in text for name in ("DJANGO_SECRET_KEY", "DB_PASSWORD"))
    assert not re.search(r"^\{.?.forged", text, re.MULTILINE)


def test_a_stream_belongs_to_its_request_until_its_last_byte(logged: Application) -> None:
    answer = Client(logged).get("/probe/streamed/", {"X-Request-ID": "edge-6"})
    assert answer.text == "one two"
    assert _line(logged, "in the stream", "edge-6")["view"] == "probe-streamed"
    assert _line(logged, "GET /probe/streamed/", "edge-6")["status"] == 200


def test_probes_of_the_load_balancer_are_not_logged(logged: Application) -> None:
    answer = Client(logged, host="10.1.2.3").get("/health/live", {"X-Request-ID": "probe"})
    assert (answer.status, answer.headers.get("X-Request-ID")) == (200, None)
    assert logged.lines(request_id="probe") == []


def test_gunicorns_own_lines_are_json_too(logged: Application) -> None:
    lines = (logged.folder / "log").read_text(encoding="utf-8").splitlines()
    assert logged.lines(logger="gunicorn.error")
    assert [line for line in lines if not line.startswith("{")] == []


@pytest.mark.parametrize(
    ("pooling", "tags", "named", "commented"),
    [
        ("psycopg-pool", "both", True, True),
        # Behind PgBouncer a name costs a round trip: unless it is asked for, the comment alone carries the id.
        ("pgbouncer", "both", False, True),
        ("pgbouncer", "application_name", True, False),
    ],
)
def test_shared_connections_are_not_confused(
    pooling: str,
    tags: str,
    named: bool,
    commented: bool,
    variables: Variables,
    pgbouncer: PgBouncer,
    servers_folder: Path,
) -> None:
    chosen = variables | {"DB_POOLING": pooling, "DB_POOL_SIZE": "2"}
    if pooling == "pgbouncer":
        chosen = {k: v for k, v in variables.items() if not k.startswith("DB_")} | pgbouncer_variables(pgbouncer)
    with Application(servers_folder / f"tags-{pooling}-{tags}", chosen | {"DB_REQUEST_ID": tags}) as running:
        for name in ("one", "two", "three", "two"):
            answer = Client(running).get("/probe/seen/", {"X-Request-ID": name}).json
            assert answer["names"] == [f"tests:{name}" if named else "tests"] * 2
            assert all((f"/*request_id='{name}'," in query) is commented for query in answer["queries"])


@pytest.mark.parametrize(
    ("chosen", "names", "commented"),
    [("none", "tests", False), ("comment", "tests", True), ("application_name", "tests:edge", False)],
)
def test_what_sql_carries_is_chosen(
    chosen: str, names: str, commented: bool, variables: Variables, servers_folder: Path
) -> None:
    with Application(servers_folder / f"tags-{chosen}", variables | {"DB_REQUEST_ID": chosen}) as running:
        answer = Client(running).get("/probe/seen/", {"X-Request-ID": "edge"}).json
        assert answer["names"] == [names] * 2
        assert all(("/*request_id='edge'" in query) is commented for query in answer["queries"])


def test_a_task_logs_and_queries_under_the_id_of_the_request_that_sent_it(
    variables: Variables, primary: Primary, session_store: Redis, servers_folder: Path
) -> None:
    broker = {"CELERY_BROKER_URL": f"redis://{session_store.address}/2", "CELERY_DEFAULT_QUEUE_FOR_TESTS": "default"}
    chosen = variables | broker | {"LOG_LEVEL": "INFO"}
    primary.execute("ALTER SYSTEM SET log_min_duration_statement = 0")
    primary.execute("SELECT pg_reload_conf()")
    try:
        with Application(servers_folder / "sender", chosen) as application:
            client = Client(application)
            client.post("/probe/write/", {"title": "sent"})
            pk = primary.value("SELECT max(id) FROM articles_article WHERE title = 'sent'")
            assert client.get(f"/articles/{pk}/", {"X-Request-ID": "sender-1"}).status == 200
        with Worker(servers_folder / "worker-logs", chosen) as worker:
            wait_until(lambda: primary.value(f"SELECT views FROM articles_article WHERE id = {pk}") == 1, 20)
            wait_until(lambda: worker.lines(request_id="sender-1", logger="celery.app.trace"), 5)
            line = worker.lines(request_id="sender-1")[0]
            assert line["task"] == "articles.tasks.count_view"
            assert "args" not in line
        slow = (primary.folder / "log").read_text(encoding="utf-8", errors="replace")
        assert "/*request_id='sender-1',task='articles.tasks.count_view'*/ UPDATE" in slow
    finally:
        primary.execute("ALTER SYSTEM RESET log_min_duration_statement")
        primary.execute("SELECT pg_reload_conf()")
