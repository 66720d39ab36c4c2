"""Which server a request is sent to, how often, and what a server that fails or a client that is slow can do."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from model.traffic import TrafficPolicy
from tests.render.edge.backend import Backend
from tests.render.edge.client import Client, ask, pipelined, statuses
from tests.render.edge.conftest import Start, until
from tests.render.edge.fronts import Kind, policy

# nginx has no queue: gunicorn's own is used (docs/edge.md).
haproxy_alone = pytest.mark.parametrize("kind", ["haproxy"], indirect=True)


def quick_checks(found: TrafficPolicy, seconds: int = 1) -> TrafficPolicy:
    """Return the policy with health checks more often than AWS's balancer makes them: a test need not wait."""
    check = found.health_check.model_copy(update={"interval_seconds": seconds, "timeout_seconds": 1})
    return found.model_copy(update={"health_check": check})


@pytest.mark.parametrize("algorithm", ["round_robin", pytest.param("weighted_random", marks=pytest.mark.soak)])
def test_servers_get_requests_by_their_weights_within_two_percent(
    start: Start, web: list[Backend], algorithm: str
) -> None:
    running = start(web[:3], policy(algorithm=algorithm), weights=[3, 3, 2])
    answers = pipelined(running.port, ["/"] * 8000)
    served = Counter(answer.text for answer in answers if answer.status == 200)
    shares = {name: served[name] / 8000 for name in ("web1", "web2", "web3")}
    assert sum(served.values()) == 8000
    # By turns the shares are exact. By lot 2 % of all requests is four standard deviations of a share of 3 in 8.
    assert shares == pytest.approx({"web1": 3 / 8, "web2": 3 / 8, "web3": 2 / 8}, abs=0.02)


def test_the_server_with_the_fewest_requests_is_asked(start: Start, web: list[Backend]) -> None:
    web[0].held = web[1].held = True
    running = start(web[:2], policy(algorithm="least_outstanding_requests"))
    with ThreadPoolExecutor(6) as pool:
        slow = [pool.submit(ask, running.port, "/wait") for _ in range(6)]
        until(lambda: web[0].at_once + web[1].at_once == 6)
        web[1].held = False
        until(lambda: web[1].at_once == 0)
        # Several hang at the slow server: one request that the balancer does not yet know to be answered makes no tie.
        assert {ask(running.port, "/").text for _ in range(10)} == {"web2"}
        web[0].held = False
        assert Counter(answer.result().text for answer in slow).keys() == {"web1", "web2"}
    assert 2 <= len(web[0].requests) <= 4


def test_a_dead_server_s_requests_go_to_the_others_and_none_fails(start: Start, web: list[Backend]) -> None:
    running = start(web[:2], policy(algorithm="round_robin"))
    web[0].refuse()
    try:
        assert Counter(ask(running.port, "/").text for _ in range(20)) == {"web2": 20}
    finally:
        web[0].start()


def test_a_dead_server_is_not_asked_again_for_its_penalty_time(start: Start, web: list[Backend], kind: Kind) -> None:
    # nginx leaves it out for fail_seconds; HAProxy until two checks in a row, a second apart, have found it well.
    found = policy(algorithm="round_robin", pool={"max_fails": 1, "fail_seconds": 2})
    running = start(web[:2], quick_checks(found))
    web[0].refuse()
    web[0].forget()
    # One of the first two requests fails at it.
    before = time.monotonic()
    until(lambda: _left_out(running.port))
    web[0].start()
    until(lambda: ask(running.port, "/").text == "web1")
    asked = web[0].requests[0].at
    if kind == "nginx":
        assert asked - before >= 1.9
    else:
        assert sum(check.at < asked for check in web[0].checks) >= running.policy.health_check.healthy
    assert all(answer.status == 200 for answer in pipelined(running.port, ["/"] * 10))


def _left_out(port: int) -> bool:
    """Return whether a server is left out by now: it is known by then that one has failed."""
    return [ask(port, "/").text for _ in range(4)] == ["web2"] * 4


def test_the_backup_serves_only_when_all_others_are_down(start: Start, web: list[Backend]) -> None:
    found = quick_checks(policy(algorithm="round_robin", pool={"max_fails": 1, "fail_seconds": 1}))
    running = start(web[:2], found, backups=[web[3]])
    assert "web4" not in {ask(running.port, "/").text for _ in range(20)}
    web[0].refuse()
    try:
        assert {ask(running.port, "/").text for _ in range(20)} == {"web2"}
        web[1].refuse()
        until(lambda: ask(running.port, "/").text == "web4")
        assert {ask(running.port, "/").text for _ in range(20)} == {"web4"}
        web[1].start()
        until(lambda: ask(running.port, "/").text == "web2")
        assert "web4" not in {ask(running.port, "/").text for _ in range(20)}
    finally:
        for backend in web[:2]:
            backend.refuse()
            backend.start()


@haproxy_alone
def test_checks_in_a_row_take_a_server_out_and_bring_it_back(start: Start, web: list[Backend]) -> None:
    running = start(web[:2], quick_checks(policy(algorithm="round_robin")))
    # Of a server that has not been found well yet, the first failed check is enough.
    until(lambda: len(web[0].checks) >= 2)
    web[0].forget()
    web[0].ill = True
    until(lambda: _left_out(running.port), seconds=30)
    last, failed = web[0].requests[-1].at, [check.at for check in web[0].checks]
    assert failed[0] < last, "one failed check is not enough"
    assert len(failed) >= running.policy.health_check.unhealthy
    web[0].ill = False
    web[0].forget()
    until(lambda: ask(running.port, "/").text == "web1", seconds=30)
    first, well = web[0].requests[0].at, [check.at for check in web[0].checks]
    assert sum(at < first for at in well) >= running.policy.health_check.healthy


def test_a_random_choice_with_a_backup_keeps_both(start: Start, web: list[Backend]) -> None:
    running = start(web[:2], policy(algorithm="weighted_random"), backups=[web[3]])
    assert {ask(running.port, "/").text for _ in range(40)} == {"web1", "web2"}


# --- retries


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_a_connection_that_breaks_is_tried_again_elsewhere(start: Start, web: list[Backend], method: str) -> None:
    running = start(web[:2], policy(algorithm="round_robin"))
    web[0].broken = True
    assert {ask(running.port, "/", method=method).status for _ in range(4)} == {200}
    assert len(web[0].requests) >= 1, "the broken server was asked"


@pytest.mark.parametrize("method", ["POST", "PATCH", "LOCK"])
def test_what_may_have_had_an_effect_is_delivered_once(start: Start, web: list[Backend], method: str) -> None:
    running = start(web[:2], policy(algorithm="round_robin"))
    web[0].broken = True
    answers = [ask(running.port, "/", method=method, body=b"a=1").status for _ in range(6)]
    assert sorted(set(answers)) == [200, 502]
    assert len(web[0].requests) == answers.count(502)
    assert len(web[1].requests) == answers.count(200)


def test_a_post_that_reaches_nobody_is_sent_to_another_server(start: Start, web: list[Backend]) -> None:
    running = start(web[:2], policy(algorithm="round_robin"))
    web[0].refuse()
    try:
        assert {ask(running.port, "/", method="POST", body=b"a=1").status for _ in range(6)} == {200}
        assert [request.body for request in web[1].requests] == [b"a=1"] * 6
    finally:
        web[0].start()


@pytest.mark.parametrize(
    ("status", "causes", "asked"),
    [(503, ["error", "http_503"], 2), (503, ["error"], 1), (500, ["error", "http_503"], 1), (502, [], 1), (404, [], 1)],
)
def test_an_answer_is_asked_for_again_only_where_the_policy_names_its_status(
    start: Start, web: list[Backend], status: int, causes: list[str], asked: int
) -> None:
    running = start(web[:2], policy(retries={"causes": causes, "tries": 2}))
    assert ask(running.port, f"/?status={status}").status == status
    assert len(web[0].requests) + len(web[1].requests) == asked


def test_a_page_with_a_mistake_takes_no_server_out(start: Start, web: list[Backend]) -> None:
    running = start(web[:2], policy(pool={"max_fails": 1}, algorithm="round_robin"))
    assert {ask(running.port, "/?status=500").status for _ in range(10)} == {500}
    assert {ask(running.port, "/").text for _ in range(10)} == {"web1", "web2"}


def test_no_more_servers_are_asked_than_the_policy_says(start: Start, web: list[Backend]) -> None:
    for backend in web:
        backend.broken = True
    running = start(web, policy(retries={"tries": 3}, algorithm="round_robin"))
    assert ask(running.port, "/").status in {502, 503}
    assert sum(len(backend.requests) for backend in web) == 3


def test_a_server_that_is_too_slow_is_given_up(start: Start, web: list[Backend]) -> None:
    running = start(web[:1], policy(timeouts={"read_seconds": 1}))
    assert ask(running.port, "/?seconds=5").status == 504


def test_a_client_that_waits_for_a_slow_page_is_not_cut_off(start: Start, web: list[Backend]) -> None:
    running = start(web[:1], policy(timeouts={"client_seconds": 1, "client_header_seconds": 1}))
    assert ask(running.port, "/?seconds=1.5").status == 200


# --- connections


def test_connections_to_the_servers_are_used_again(start: Start, web: list[Backend]) -> None:
    running = start(web[:1], policy())
    for _ in range(5):
        with Client(running.port) as client:
            assert {client.ask("/").status for _ in range(40)} == {200}
    assert len(web[0].requests) == 200
    assert web[0].connections <= 5 + len(web[0].checks)


@haproxy_alone
def test_requests_beyond_a_server_s_connections_wait_for_a_place(start: Start, web: list[Backend]) -> None:
    web[0].held = True
    running = start(web[:1], policy(pool={"connections": 2}))
    with ThreadPoolExecutor(6) as pool:
        answers = [pool.submit(ask, running.port, "/wait") for _ in range(6)]
        until(lambda: web[0].at_once == 2)
        # Time for more to come, if they were let.
        time.sleep(0.3)
        web[0].held = False
    assert [answer.result().status for answer in answers] == [200] * 6
    assert web[0].most_at_once == 2


@haproxy_alone
def test_a_server_of_less_weight_is_given_less_at_once(start: Start, web: list[Backend]) -> None:
    running = start(web[:3], policy(pool={"connections": 100}), weights=[100, 100, 80])
    text = running.server.configuration.read_text()
    assert [f"maxconn {most}" in text for most in (100, 80)] == [True, True]


@haproxy_alone
def test_without_a_place_in_time_the_answer_is_503(start: Start, web: list[Backend]) -> None:
    web[0].held = True
    running = start(web[:1], policy(pool={"connections": 1}, timeouts={"queue_seconds": 1}))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(ask, running.port, "/wait")
        until(lambda: len(web[0].requests) == 1)
        assert ask(running.port, "/").status == 503
        web[0].held = False
        assert first.result().status == 200


# --- slow clients


def _drip(port: int, begin: bytes, stop: threading.Event) -> None:
    """Send a request's beginning, and then a sign now and then: as slow as a client can be."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(begin)
        while not stop.wait(0.2):
            try:
                connection.sendall(b"x")
            except OSError:
                return


SLOW = {
    "a head that does not end": b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    "a body that does not come": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n",
}


@pytest.mark.parametrize("begin", SLOW.values(), ids=list(SLOW))
def test_slow_clients_hold_no_server(start: Start, web: list[Backend], begin: bytes) -> None:
    running = start(web[:1], policy(pool={"connections": 2}))
    stop = threading.Event()
    threads = [threading.Thread(target=_drip, args=(running.port, begin, stop)) for _ in range(12)]
    try:
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        assert {ask(running.port, "/", method="POST", body=b"a=1").status for _ in range(10)} == {200}
        assert {request.body for request in web[0].requests} == {b"a=1"}, "no slow request has reached the server"
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_a_head_that_does_not_end_is_cut_off(start: Start, web: list[Backend]) -> None:
    running = start(web[:1], policy(timeouts={"client_header_seconds": 1}))
    with socket.create_connection(("127.0.0.1", running.port), timeout=30) as connection:
        connection.sendall(SLOW["a head that does not end"])
        received = b""
        # To the end of the connection: a time-out of this side's fails.
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(65536):
                received += part
    assert statuses(received) in ([], [408])


def test_a_client_that_takes_its_answer_slowly_holds_no_server(start: Start, web: list[Backend], kind: Kind) -> None:
    """nginx takes the whole answer in. HAProxy holds what its buffers hold: nginx stands behind it on each server."""
    size = 4_000_000 if kind == "nginx" else 8_000
    running = start(web[:1], policy())
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", running.port))
        connection.sendall(f"GET /?size={size} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        # Nothing is read; yet the server has handed over all of its answer.
        until(lambda: web[0].answered == 1)
