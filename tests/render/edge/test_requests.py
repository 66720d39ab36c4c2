"""Requests that are made to be read in two ways, and requests that are too large."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.render.edge.backend import Backend
from tests.render.edge.client import ask, raw, statuses
from tests.render.edge.conftest import Start
from tests.render.edge.fronts import KINDS, Front, Kind, front, policy, upstreams
from tests.render.needs import need


@pytest.fixture(scope="module", params=KINDS)
def running(request: pytest.FixtureRequest, folder: Path, backends: list[Backend]) -> Iterator[Front]:
    """One balancer for all of them."""
    need(request.param)
    sized = policy(sizes={"body_mib": 1}, timeouts={"client_header_seconds": 2, "client_seconds": 2})
    with ExitStack() as stack:
        yield stack.enter_context(front(request.param, folder, upstreams(backends[:1]), sized))


def _request(*lines: str, body: bytes = b"", end: str = "\r\n") -> bytes:
    return end.join(["POST /first HTTP/1.1", "Host: localhost", *lines, "", ""]).encode("latin-1") + body


CHUNKED, EMPTY = "Transfer-Encoding: chunked", b"0\r\n\r\n"

# What each answers: 400 unless it is said here.
CASES: dict[str, bytes] = {
    "length and chunks": _request("Content-Length: 6", CHUNKED, body=b"0\r\n\r\nG"),
    "chunks and length": _request(CHUNKED, "Content-Length: 4", body=b"5c\r\nGET /smuggled HTTP/1.1\r\n\r\n0\r\n\r\n"),
    "two lengths that differ": _request("Content-Length: 5", "Content-Length: 6", body=b"hello"),
    "two lengths that agree": _request("Content-Length: 5", "Content-Length: 5", body=b"hello"),
    "a list of lengths": _request("Content-Length: 5, 5", body=b"hello"),
    "a length with a sign": _request("Content-Length: +5", body=b"hello"),
    "a negative length": _request("Content-Length: -5", body=b"hello"),
    "a hexadecimal length": _request("Content-Length: 0x5", body=b"hello"),
    "an unknown encoding": _request("Transfer-Encoding: xchunked", body=EMPTY),
    "two encodings": _request(CHUNKED, "Transfer-Encoding: identity", body=EMPTY),
    "chunks that are not last": _request("Transfer-Encoding: chunked, identity", body=EMPTY),
    "a space before the colon": _request("Transfer-Encoding : chunked", body=EMPTY),
    "a tab before the value": _request("Transfer-Encoding:\tchunked", body=EMPTY),
    "a vertical tab before the value": _request("Transfer-Encoding:\x0bchunked", body=EMPTY),
    "a field that goes on in the next line": _request("X-A: b", " c"),
    "an encoding in the next line": _request("Transfer-Encoding:", " chunked", body=EMPTY),
    "lines that end in LF alone": _request("X-A: b", end="\n"),
    "a field that ends in LF alone": _request("X-A: b\nX-B: c"),
    "a CR alone": _request("X-A: b\rX-B: c"),
    "a zero byte in a value": _request("X-A: b\x00c"),
    "a zero byte in a name": _request("X\x00A: b"),
    "a space in a name": _request("X A: b"),
    "two hosts": _request("Host: other"),
    "a chunk's extension that ends in LF": _request(CHUNKED, body=b"5;a\nxx\r\nhello\r\n0\r\n\r\n"),
    "a chunk's size that is none": _request(CHUNKED, body=b"zz\r\nhello\r\n0\r\n\r\n"),
    "a chunk longer than its size": _request(CHUNKED, body=b"5\r\nhello!\r\n0\r\n\r\n"),
    "no host": b"GET /first HTTP/1.1\r\n\r\n",
    "a host that is none": b"GET /first HTTP/1.1\r\nHost: a/b@c\r\n\r\n",
    "a field of 20,000 bytes": _request("X-A: " + "a" * 20_000),
    "a line of 20,000 bytes": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
}

# 501: nginx knows no other encoding than chunked, and says so. 414: the line, not the head, is too long.
# 200 where the request has one meaning once it is written anew, and the server gets it in that form: RFC 9112, section
# 6.3 has the chunks win over the length and lets equal lengths pass, 2.2 lets LF end a line, 5.2 lets a proxy unfold.
# None: HAProxy takes the chunks, and waits for what is missing of the first one.
DEVIATIONS: dict[Kind, dict[str, int | None]] = {
    "nginx": {
        "an unknown encoding": 501,
        "chunks that are not last": 501,
        "a tab before the value": 501,
        "a vertical tab before the value": 501,
        "lines that end in LF alone": 200,
        "a field that ends in LF alone": 200,
        "a line of 20,000 bytes": 414,
    },
    "haproxy": {
        "length and chunks": 200,
        "chunks and length": None,
        "two lengths that agree": 200,
        "a list of lengths": 200,
        "a tab before the value": 200,
        "a field that goes on in the next line": 200,
        "an encoding in the next line": 200,
        "lines that end in LF alone": 200,
        "a field that ends in LF alone": 200,
    },
}


@pytest.mark.parametrize("case", CASES)
def test_a_request_that_can_be_read_in_two_ways_is_refused_or_reaches_the_server_in_one(
    running: Front, web: list[Backend], case: str
) -> None:
    after = b"GET /after HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answered = statuses(raw(running.port, CASES[case] + after))
    assert next(iter(answered), None) in (DEVIATIONS[running.kind].get(case, 400), 408)
    seen = web[0].requests
    assert {request.target for request in seen} <= {"/first", "/after"}
    for request in seen:
        lengths = [name for name in request.names if name.lower() == "content-length"]
        encodings = [name for name in request.names if name.lower() == "transfer-encoding"]
        assert len(lengths) + len(encodings) <= 1
        assert not any("\x00" in value or "\n" in value for value in request.headers.values())


def test_a_body_of_a_get_is_no_second_request(running: Front, web: list[Backend]) -> None:
    inner = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    head = f"GET /first HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(inner)}\r\nConnection: close\r\n\r\n"
    assert statuses(raw(running.port, head.encode() + inner)) == [200]
    assert [(request.target, request.body) for request in web[0].requests] == [("/first", inner)]


def test_a_client_cannot_have_fields_of_ours_taken_away_or_the_protocol_changed(
    running: Front, web: list[Backend]
) -> None:
    headers = {"Connection": "X-Forwarded-For, Upgrade, close", "Upgrade": "h2c"}
    assert ask(running.port, "/", headers=headers).status == 200
    (seen,) = web[0].requests
    assert seen.headers["x-forwarded-for"] == "127.0.0.1"
    assert "upgrade" not in seen.headers
    assert seen.headers.get("connection") in (None, "keep-alive")


@pytest.mark.parametrize(("size", "status"), [(1 << 20, 200), ((1 << 20) + 1, 413)])
def test_a_body_above_the_policy_s_size_is_refused(running: Front, web: list[Backend], size: int, status: int) -> None:
    head = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n".encode()
    sent = head + b"x" * size if status == 200 else head
    assert statuses(raw(running.port, sent, enough=b"\r\n\r\n"))[0] == status
    assert [len(request.body) for request in web[0].requests] == ([size] if status == 200 else [])


def test_of_a_chunked_body_only_nginx_knows_the_size(running: Front, web: list[Backend]) -> None:
    chunk = b"%x\r\n%s\r\n" % (1 << 16, b"x" * (1 << 16))
    body = chunk * 17 + b"0\r\n\r\n"
    answered = statuses(raw(running.port, _request(CHUNKED, "Connection: close", body=body)))
    assert answered == ([413] if running.kind == "nginx" else [200])


def test_a_chunked_body_reaches_the_server_whole(running: Front, web: list[Backend]) -> None:
    body = b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    assert statuses(raw(running.port, _request(CHUNKED, "Connection: close", body=body))) == [200]
    assert web[0].requests[0].body == b"hello world"


def test_a_head_of_eight_thousand_bytes_is_taken(start: Start, web: list[Backend]) -> None:
    balancer = start(web[:1])
    assert ask(balancer.port, "/", headers={"Cookie": "a" * 8000}).status == 200
    assert len(web[0].requests[0].headers["cookie"]) == 8000


def test_a_larger_head_is_taken_where_the_policy_says_so(start: Start, web: list[Backend]) -> None:
    balancer = start(web[:1], policy(sizes={"header_kib": 32}))
    assert ask(balancer.port, "/", headers={"Cookie": "a" * 30_000}).status == 200
