"""What is added to answers: cache times, compression, headers; where static files come from; what is logged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.render.edge.backend import Backend
from tests.render.edge.client import ask, raw, statuses
from tests.render.edge.conftest import Start, until
from tests.render.edge.fronts import BROTLI, Front, Kind, StaticFiles, policy, upstreams

YEAR, MINUTES = 31_536_000, 300
HASHED = f"public, max-age={YEAR}, immutable"
UNHASHED = f"public, max-age={MINUTES}"
STYLE = "/static/css/site.0123456789ab.css"
CSS = "type=text/css&size=4000"


def static(servers: list[Backend], folder: Path | None = None) -> StaticFiles:
    """Return static files from these servers, and from a folder first."""
    return StaticFiles(YEAR, MINUTES, str(folder) if folder else None, upstreams(servers))


@pytest.fixture
def files(folder: Path) -> Path:
    """A folder of static files."""
    made = folder / "static"
    (made / "css").mkdir(parents=True, exist_ok=True)
    (made / "css" / "site.0123456789ab.css").write_text("a {}\n" * 1000)
    (made / "robots.txt").write_text("User-agent: *\n")
    (folder / "secret.txt").write_text("not static")
    for path in (made, *made.rglob("*")):
        path.chmod(0o755)
    return made


# --- static files

CACHED = {
    STYLE: HASHED,
    "/static/app.min.5f1a2b3c4d5e.js": HASHED,
    "/static/LICENSE.5f1a2b3c4d5e": HASHED,
    "/static/robots.txt": UNHASHED,
    "/static/app.5f1a2b3c4d5.js": UNHASHED,
    "/static/5f1a2b3c4d5e/app.js": UNHASHED,
    "/static/app.5F1A2B3C4D5E.js": UNHASHED,
    "/page": None,
}


def test_only_a_file_with_a_hash_in_its_name_is_kept_for_ever(start: Start, web: list[Backend]) -> None:
    running = start(web[:1], static=static([web[1]]))
    assert {path: ask(running.port, path).headers.get("cache-control") for path in CACHED} == CACHED


def test_what_the_static_servers_say_of_caching_does_not_count_and_what_the_application_says_does(
    start: Start, web: list[Backend]
) -> None:
    running = start(web[:1], static=static([web[1]]))
    query = "?header=Cache-Control:no-store"
    assert ask(running.port, f"{STYLE}{query}").headers["cache-control"] == HASHED
    assert ask(running.port, f"/page{query}").headers["cache-control"] == "no-store"


def test_a_static_file_that_is_not_there_is_not_remembered(start: Start, web: list[Backend]) -> None:
    running = start(web[:1], static=static([web[1]]))
    answer = ask(running.port, f"{STYLE}?status=404")
    assert (answer.status, answer.headers.get("cache-control")) == (404, None)
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_static_files_come_from_their_own_servers_and_pages_from_the_application(
    start: Start, web: list[Backend]
) -> None:
    running = start(web[:1], static=static([web[1], web[2]]))
    assert {ask(running.port, STYLE).text for _ in range(6)} == {"web2", "web3"}
    assert ask(running.port, "/page").text == "web1"


nginx_alone = pytest.mark.parametrize("kind", ["nginx"], indirect=True)


@nginx_alone
def test_nginx_serves_files_from_its_folder_and_asks_the_static_servers_for_others(
    start: Start, web: list[Backend], files: Path
) -> None:
    running = start(web[:1], static=static([web[1]], files))
    own = ask(running.port, STYLE)
    assert (own.status, own.headers["cache-control"], own.headers["content-type"]) == (200, HASHED, "text/css")
    other = ask(running.port, "/static/other.0123456789ab.css")
    assert (other.text, other.headers["cache-control"]) == ("web2", HASHED)
    assert not web[0].requests


@nginx_alone
def test_without_static_servers_a_missing_file_is_missing(start: Start, web: list[Backend], files: Path) -> None:
    running = start(web[:1], static=static([], files))
    assert ask(running.port, "/static/robots.txt").text == "User-agent: *\n"
    assert [ask(running.port, path).status for path in ("/static/none.css", "/static/css/", "/static/")] == [404] * 3


@nginx_alone
@pytest.mark.parametrize(
    "way", ["/static/../", "/static../", "/static/%2e%2e/", "/static/..%2f", "/static/css/..%2f../"]
)
def test_no_path_leads_out_of_the_folder(start: Start, web: list[Backend], files: Path, way: str) -> None:
    running = start(web[:1], static=static([], files))
    received = raw(running.port, f"GET {way}secret.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert statuses(received)
    assert b"not static" not in received


# --- compression


def encoding(running: Front, path: str, accepted: str = "gzip") -> str | None:
    return ask(running.port, path, headers={"Accept-Encoding": accepted}).headers.get("content-encoding")


@pytest.mark.parametrize(
    ("compression", "style", "page"), [("none", None, None), ("static", "gzip", None), ("all", "gzip", "gzip")]
)
def test_what_is_compressed_is_the_policy_s(
    start: Start, web: list[Backend], compression: str, style: str | None, page: str | None
) -> None:
    running = start(web[:1], policy(compression=compression), static=static([web[1]]))
    assert encoding(running, f"{STYLE}?{CSS}") == style
    assert encoding(running, "/page?type=text/html&size=4000") == page
    assert encoding(running, f"{STYLE}?{CSS}", "identity") is None
    assert encoding(running, "/static/photo.0123456789ab.jpg?type=image/jpeg&size=4000") is None


def test_what_is_compressed_says_that_it_depends_on_what_is_accepted(start: Start, web: list[Backend]) -> None:
    running = start(web[:1], static=static([web[1]]))
    answer = ask(running.port, f"{STYLE}?{CSS}", headers={"Accept-Encoding": "gzip"})
    assert "accept-encoding" in answer.headers["vary"].lower()
    assert len(answer.body) < 1000


@nginx_alone
@pytest.mark.skipif(not BROTLI.exists(), reason="nginx's Brotli modules are not installed")
def test_brotli_is_preferred_where_it_is_there(start: Start, web: list[Backend], files: Path) -> None:
    running = start(web[:1], static=static([web[1]], files), brotli_modules=str(BROTLI.parent))
    assert encoding(running, STYLE, "gzip, br") == "br"
    assert encoding(running, f"/static/other.css?{CSS}", "gzip, br") == "br"
    assert encoding(running, STYLE, "gzip") == "gzip"
    assert encoding(running, "/page?type=text/html&size=4000", "gzip, br") is None


# --- what the application is told


def test_the_application_is_told_who_asks_for_which_host_and_by_which_request(start: Start, web: list[Backend]) -> None:
    running = start(web[:1])
    ask(running.port, "/page", headers={"Host": "shop.example.com", "X-Request-ID": "forged-request-id"})
    seen = web[0].requests[0].headers
    assert (seen["host"], seen["x-forwarded-for"], seen["x-forwarded-proto"]) == (
        "shop.example.com",
        "127.0.0.1",
        "http",
    )
    assert seen["x-request-id"] not in ("", "forged-request-id")
    assert running.kind == "haproxy" or len(seen["x-request-id"]) == 32


def test_a_trusted_proxy_s_request_id_is_kept_where_it_is_one(start: Start, web: list[Backend]) -> None:
    running = start(web[:1], trusted_proxies=["127.0.0.1/32"])
    for given in ("5f1a2b3c-4d5e", 'a"b', "x" * 65):
        ask(running.port, "/", headers={"X-Request-ID": given})
    first, *others = [request.headers["x-request-id"] for request in web[0].requests]
    assert first == "5f1a2b3c-4d5e"
    assert all(len(other) in (32, 36) for other in others)


@pytest.mark.parametrize(("path", "told"), [("/health/ready", "true"), ("/health/live", "true"), ("/page", None)])
def test_the_application_is_told_of_health_checks(
    start: Start, web: list[Backend], path: str, told: str | None
) -> None:
    running = start(web[:1])
    assert json.loads(ask(running.port, f"{path}?echo=1").text)["headers"].get("x-health-check") == told


# --- the access log

SECONDS = {"nginx": ("seconds", "upstream_seconds"), "haproxy": ("milliseconds", "upstream_milliseconds")}


def test_a_request_is_one_line_of_json_with_its_id_and_its_times(start: Start, web: list[Backend], kind: Kind) -> None:
    running = start(web[:1])
    ask(running.port, "/page?seconds=0.2", headers={"User-Agent": "a test"})
    until(lambda: len(running.log_lines()) == 1)
    (line,) = running.logged()
    assert (line["method"], line["uri"], line["status"]) == ("GET", "/page?seconds=0.2", 200)
    assert (line["client"], line["user_agent"]) == ("127.0.0.1", "a test")
    assert line["request_id"] == web[0].requests[0].headers["x-request-id"]
    whole, upstream = (float(line[name]) for name in SECONDS[kind])
    second = 1 if kind == "nginx" else 1000
    assert upstream >= 0.19 * second
    # nginx takes the one from the wall clock and the other from a monotonic one, which tick at different times.
    assert whole >= upstream - 0.005 * second
    assert line["upstream"] in (web[0].address, "web1")


HOSTILE = [
    b'"} {"status": 200, "x": "',
    b"back\\slash \\u0041 \\",
    b"tab\tbell\x07escape\x1b[31m",
    b"high \xff\xfe bytes \xc3\x28",
    "umlaut ü, snowman ☃".encode(),
    "emoji 🐍".encode(),
    b"\xed\xa0\x80 a surrogate",
    b"%s %n %x ${jndi:ldap://x} $http_host %[src]",
    b"long " * 1000,
]


def test_no_client_can_break_a_line_of_the_log(start: Start, web: list[Backend]) -> None:
    running = start(web[:1])
    for place, text in enumerate(HOSTILE):
        in_line = bytes(sign for sign in text if sign > 32)
        for target, field in ((b"page-%d" % place, text), (in_line, b"none")):
            head = b"GET /%s HTTP/1.1\r\nHost: x\r\nUser-Agent: %s\r\nReferer: %s\r\nConnection: close\r\n\r\n"
            raw(running.port, head % (target, field, field))
    until(lambda: len(running.log_lines()) == 2 * len(HOSTILE))
    lines: list[dict[str, Any]] = [json.loads(line.decode("utf-8")) for line in running.log_lines()]
    assert {frozenset(line) for line in lines} == {frozenset(lines[0])}
    assert {line["status"] for line in lines} <= {200, 400}
    # What is UTF-8 is logged as it is. HAProxy's threads write in any order.
    by_uri = {line["uri"]: line for line in lines}
    for place in (0, 1, 4):
        line = by_uri[f"/page-{place}"]
        assert line["user_agent"] == line["referer"] == HOSTILE[place].decode()


def test_a_health_check_is_logged_only_when_it_fails(start: Start, web: list[Backend]) -> None:
    running = start(web[:1])
    for path in ("/health/ready", "/health/live", "/health/ready?status=503", "/page"):
        ask(running.port, path)
    until(lambda: len(running.log_lines()) >= 2)
    assert [(line["uri"], line["status"]) for line in running.logged()] == [
        ("/health/ready?status=503", 503),
        ("/page", 200),
    ]


def test_a_refused_request_is_logged_as_refused(start: Start, web: list[Backend], kind: Kind) -> None:
    running = start(web[:1], policy(api={"path": "/api/", "per_minute": 1, "burst": 0}))
    for _ in range(2):
        ask(running.port, "/api/")
    until(lambda: len(running.log_lines()) == 2)
    (refused,) = [line for line in running.logged() if line["status"] == 429]
    assert refused["uri"] == "/api/"
    assert refused["limit" if kind == "nginx" else "termination"] == ("REJECTED" if kind == "nginx" else "PR")
