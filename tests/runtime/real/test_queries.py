"""The saved queries name fields that the lines really have: those of the application and of PostgreSQL are real."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from model.observability import Observability
from render.queries import PLACEHOLDER, SavedQuery, saved_queries
from scale.local.servers import Primary, Redis
from tests.runtime.real.application import Application, Client, Variables, wait_until
from tests.runtime.real.test_celery import Worker

QUERIES = {query.name: query for query in saved_queries(Observability(), firewall=True)}
# Those that CloudWatch gives every line ("Supported logs and discovered fields").
SYSTEM = {"@timestamp", "@message", "@log", "@logStream"}
# The log record of AWS WAF, of which the queries use few ("Log fields", AWS WAF guide).
WAF = {"action", "terminatingRuleId", "terminatingRuleType", "responseCodeSent", "httpRequest.clientIp"}
_WORDS = re.compile(r"@?[A-Za-z_][\w.]*")
_LANGUAGE = {
    *("fields", "filter", "stats", "sort", "limit", "parse", "display"),
    *("and", "or", "like", "as", "by", "desc", "asc", "count", "pct", "sum", "latest", "coalesce"),
}


def names(text: str) -> set[str]:
    """The fields that a query reads: its names without the language's words, and without those that it makes itself."""
    plain = re.sub(r'"[^"]*"', "", text)
    made = set(re.findall(r"\bas (\w+)", plain)) | set(re.findall(r"\(\?<(\w+)>", plain))
    without_patterns = re.sub(r"/(?:[^/\n])*/", "", plain)
    return set(_WORDS.findall(without_patterns)) - _LANGUAGE - made - {"e"}


def test_the_reader_of_queries_finds_their_fields() -> None:
    text = 'fields a, b.c as d | filter e_f = "not_this" and @message like /nor (?<g>this)/ | stats count(*) by d, g'
    assert names(text) == {"a", "b.c", "e_f", "@message"}


@pytest.fixture(scope="module")
def lines(
    variables: Variables, primary: Primary, session_store: Redis, servers_folder: Path
) -> list[dict[str, object]]:
    """The lines of the example: requests, an error, and a task of a worker."""
    chosen = variables | {
        "CELERY_BROKER_URL": f"redis://{session_store.address}/3",
        "CELERY_DEFAULT_QUEUE_FOR_TESTS": "default",
        "LOG_LEVEL": "INFO",
    }
    with Application(servers_folder / "queried", chosen) as application:
        client = Client(application)
        client.get("/probe/seen/", {"X-Request-ID": "queried-1"})
        client.get("/probe/broken/", {"X-Request-ID": "queried-2"})
        client.post("/probe/write/", {"title": "queried"})
        pk = client.get("/probe/newest/").json["pk"]
        client.get(f"/articles/{pk}/")
        with Worker(servers_folder / "queried-worker", chosen) as worker:
            wait_until(lambda: any("task" in line for line in worker.lines()), 20)
            return [*application.lines(), *worker.lines()]


@pytest.mark.parametrize(
    "query", [each for each in QUERIES.values() if "application" in each.sources], ids=lambda q: q.name
)
def test_its_fields_are_fields_of_real_lines(query: SavedQuery, lines: list[dict[str, object]]) -> None:
    known = {key for line in lines for key in line}
    assert names(query.text) - SYSTEM <= known


@pytest.mark.parametrize(
    "query", [each for each in QUERIES.values() if "application" in each.sources], ids=lambda q: q.name
)
def test_what_it_filters_by_is_what_real_lines_say(query: SavedQuery, lines: list[dict[str, object]]) -> None:
    said = {(key, value) for line in lines for key, value in line.items() if isinstance(value, str)}
    wanted = set(re.findall(r'(\w+) = "([^"]*)"', query.text)) - {("request_id", PLACEHOLDER), ("level", "CRITICAL")}
    assert wanted <= said


def test_fields_that_a_query_shows_together_are_of_one_line(lines: list[dict[str, object]]) -> None:
    access = [line for line in lines if line["logger"] == "django_scale.access"]
    assert access
    resolved = [line for line in access if "view" in line]
    assert all(line.keys() >= names(QUERIES["slow-requests"].text) - SYSTEM for line in resolved)
    assert len(resolved) == len(access)
    errors = [line for line in lines if line["level"] == "ERROR"]
    assert errors
    assert all(line.keys() >= {"view", "exception_type", "message", "request_id"} for line in errors)


def test_slow_sql_reads_postgresqls_own_line(variables: Variables, primary: Primary, servers_folder: Path) -> None:
    primary.execute("ALTER SYSTEM SET log_min_duration_statement = 0")
    primary.execute("SELECT pg_reload_conf()")
    try:
        with Application(servers_folder / "slow-sql", variables) as application:
            Client(application).get("/probe/seen/", {"X-Request-ID": "slow-sql-1"})
    finally:
        primary.execute("ALTER SYSTEM RESET log_min_duration_statement")
        primary.execute("SELECT pg_reload_conf()")
    log = (primary.folder / "log").read_text(encoding="utf-8", errors="replace").splitlines()
    patterns = [
        re.compile(found.replace("(?<", "(?P<"))
        for found in re.findall(r"(?:parse|filter) @message (?:like )?/(.*)/", QUERIES["slow-sql"].text)
    ]
    assert len(patterns) == 5
    read = [
        {key: value for match in matches if match for key, value in match.groupdict().items()}
        for line in log
        if all(matches := [pattern.search(line) for pattern in patterns])
    ]
    ours = [each for each in read if each["request_id"] == "slow-sql-1"]
    assert ours
    assert all(float(each["milliseconds"]) >= 0 and each["place"] == "probe-seen" for each in ours)
    assert any("pg_stat_activity" in each["statement"] for each in ours)


def test_refused_clients_reads_the_firewalls_own_fields() -> None:
    assert names(QUERIES["refused-clients"].text) <= WAF
