"""How many requests a client may make: by the formula of each balancer, and by who the client is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from model.traffic import RateLimit
from scale.local.servers import free_port
from tests.render.edge.backend import Backend
from tests.render.edge.client import Client, ask, raw, statuses
from tests.render.edge.conftest import Start, until
from tests.render.edge.fronts import Front, Kind, policy

LOOPBACK = ["127.0.0.1/32"]


def leaky_bucket(limit: RateLimit, times: Sequence[float]) -> int:
    """nginx's formula: requests that are served of those at `times`, in seconds (docs/edge.md)."""
    # Thousandths of a request a second, and of a request.
    rate, excess, last, served = limit.per_minute * 1000 // 60, 0, times[0], 1
    for moment in times[1:]:
        now = max(0, excess - rate * round((moment - last) * 1000) // 1000 + 1000)
        if now <= (limit.at_once - 1) * 1000:
            excess, last, served = now, moment, served + 1
    return served


def sliding_window(limit: RateLimit, times: Sequence[float]) -> int:
    """HAProxy's formula, likewise: what was served in this window, and the part of the one before that still counts."""
    period, begin, current, past, served = limit.window_ms / 1000, times[0], 0, 0, 0
    for moment in times:
        if moment - begin >= 2 * period:
            begin, current, past = moment, 0, 0
        elif moment - begin >= period:
            begin, current, past = begin + period, 0, current
        if int(current + past * (begin + period - moment) / period) < limit.at_once:
            current, served = current + 1, served + 1
    return served


FORMULAS: dict[Kind, Callable[[RateLimit, Sequence[float]], int]] = {"nginx": leaky_bucket, "haproxy": sliding_window}


@pytest.mark.parametrize("role", ["api", "login"])
def test_of_200_rapid_calls_the_limit_s_number_is_served_by_the_formula(
    start: Start, web: list[Backend], kind: Kind, role: str
) -> None:
    limit = RateLimit(path="/limited/", per_minute={"api": 100, "login": 5}[role])
    running = start(web[:1], policy(**{role: limit.model_dump()}))
    times, longest, answers = _call(running, 200)
    # The first is counted at once; the rest depends on the clock, which the formula is given. One more or fewer, as the
    # balancer's clock ticks in milliseconds and reads the time between the moments that are known here; and what comes
    # free in the longest of these times, where the machine is so busy that it is one.
    assert abs(answers.count(200) - FORMULAS[kind](limit, times)) <= 1 + int(longest * limit.per_minute / 60)
    assert answers.count(200) + answers.count(429) == 200
    assert len(web[0].requests) == answers.count(200)


def test_calls_that_go_on_are_served_at_the_limit_s_rate(start: Start, web: list[Backend], kind: Kind) -> None:
    limit = RateLimit(path="/limited/", per_minute=1200, burst=5)
    running = start(web[:1], policy(api=limit.model_dump()))
    times, longest, answers = _call(running, 200, pause=0.01)
    served = answers.count(200)
    assert abs(served - FORMULAS[kind](limit, times)) <= 4 + int(longest * limit.per_minute / 60)
    # And whatever the formula: never more than the burst and the rate, a twentieth aside.
    assert served <= limit.at_once * 2 + (times[-1] - times[0] + longest) * 20 * 1.05


def _call(running: Front, count: int, pause: float = 0.0) -> tuple[list[float], float, list[int]]:
    """Make calls one after another; return the time in the middle of each, the seconds that the longest took, and what
    they were answered."""
    times: list[float] = []
    longest = 0.0
    answers: list[int] = []
    with Client(running.port) as client:
        for _ in range(count):
            began = time.monotonic()
            answers.append(client.ask("/limited/x").status)
            ended = time.monotonic()
            times.append((began + ended) / 2)
            longest = max(longest, ended - began)
            time.sleep(pause)
    return times, longest, answers


def test_what_is_refused_is_told_when_to_come_back(start: Start, web: list[Backend], kind: Kind) -> None:
    running = start(web[:1], policy(login={"path": "/login/", "per_minute": 5, "burst": 0}))
    assert ask(running.port, "/login/").status == 200
    refused = ask(running.port, "/login/")
    assert (refused.status, refused.headers["retry-after"]) == (429, "12")
    assert refused.text == "Too many requests.\n"


def test_the_application_s_own_429_is_passed_on_as_it_is(start: Start, web: list[Backend]) -> None:
    running = start(web[:1], policy(api={"path": "/api/", "per_minute": 100}))
    answer = ask(running.port, "/api/?status=429&header=Retry-After:77")
    assert (answer.status, answer.headers["retry-after"], answer.text) == (429, "77", "web1")


PATHS = {
    "/api/": True,
    "/api/articles/1/?page=2": True,
    "/%61pi/": True,
    "/api%2Farticles": True,
    "http://localhost/api/": True,
    "/api": False,
    "/": False,
    "/apis/": False,
    "/API/": False,
    "/other/?next=/api/": False,
    "/health/ready": False,
}


def test_a_limit_holds_for_every_way_to_write_its_path_and_for_no_other_path(start: Start, web: list[Backend]) -> None:
    running = start(web[:1], policy(api={"path": "/api/", "per_minute": 1, "burst": 0}))
    assert ask(running.port, "/api/").status == 200
    assert {target: ask(running.port, target).status == 429 for target in PATHS} == PATHS


def test_a_path_under_two_limits_is_held_to_both(start: Start, web: list[Backend]) -> None:
    both = policy(
        api={"path": "/api/", "per_minute": 1, "burst": 3}, login={"path": "/api/login/", "per_minute": 1, "burst": 1}
    )
    running = start(web[:1], both)
    assert [ask(running.port, "/api/login/").status for _ in range(3)] == [200, 200, 429]
    assert [ask(running.port, "/api/x").status for _ in range(3)] == [200, 200, 429]


def test_a_limit_on_everything_leaves_health_checks_out(start: Start, web: list[Backend]) -> None:
    running = start(web[:1], policy(api={"path": "/", "per_minute": 1, "burst": 0}))
    assert [ask(running.port, "/x").status for _ in range(2)] == [200, 429]
    assert {ask(running.port, "/health/ready").status for _ in range(5)} == {200}


def test_a_redirect_to_https_counts_and_is_refused_like_any_request(
    start: Start, web: list[Backend], certificate: str
) -> None:
    limited = policy(login={"path": "/login/", "per_minute": 1, "burst": 2})
    https = {"https": f"127.0.0.1:{free_port()}", "certificate": certificate}
    running = start(web[:1], limited, **https)
    answers = [ask(running.port, "/login/?next=/") for _ in range(5)]
    assert [answer.status for answer in answers] == [301, 301, 301, 429, 429]
    assert answers[0].headers["location"] == "https://127.0.0.1/login/?next=/"
    assert ask(running.port, "/elsewhere").status == 301


# --- who the client is


def test_a_forged_address_neither_escapes_a_limit_nor_reaches_the_application(start: Start, web: list[Backend]) -> None:
    running = start(web[:1], policy(api={"path": "/api/", "per_minute": 1, "burst": 1}))
    forged = [
        {"X-Forwarded-For": f"198.51.100.{number}", "X-Real-IP": "203.0.113.9", "X-Forwarded-Proto": "https"}
        for number in range(4)
    ]
    assert [ask(running.port, "/api/", headers=each).status for each in forged] == [200, 200, 429, 429]
    seen = web[0].requests[0].headers
    assert {name: seen.get(name) for name in ("x-forwarded-for", "x-real-ip", "x-forwarded-proto")} == {
        "x-forwarded-for": "127.0.0.1",
        "x-real-ip": "127.0.0.1",
        "x-forwarded-proto": "http",
    }


@pytest.mark.parametrize(
    "name", ["X_Forwarded_For", "X_Forwarded_Proto", "Forwarded", "X-Forwarded-Host", "X-Health-Check"]
)
def test_what_a_client_must_not_say_is_not_passed_on(start: Start, web: list[Backend], name: str) -> None:
    running = start(web[:1])
    ask(running.port, "/", headers={name: "198.51.100.1"})
    (seen,) = web[0].requests
    assert "198.51.100.1" not in seen.headers.values()


def test_behind_a_trusted_proxy_the_client_is_the_last_one_that_no_proxy_of_ours_is(
    start: Start, web: list[Backend]
) -> None:
    trusted = [*LOOPBACK, "10.0.0.0/8"]
    running = start(web[:1], policy(api={"path": "/api/", "per_minute": 1, "burst": 0}), trusted_proxies=trusted)
    chains = {
        "198.51.100.1": "198.51.100.1",
        "203.0.113.5, 198.51.100.2": "198.51.100.2",
        "203.0.113.5, 198.51.100.3, 10.1.2.3": "198.51.100.3",
        "198.51.100.1, 198.51.100.4, 10.1.2.3, 10.9.9.9": "198.51.100.4",
    }
    for chain, client in chains.items():
        headers = {"X-Forwarded-For": chain, "X-Forwarded-Proto": "https"}
        assert ask(running.port, "/api/", headers=headers).status == 200
        assert ask(running.port, "/api/", headers=headers).status == 429, "each client has a limit of its own"
        seen = web[0].requests[-1].headers
        assert (seen["x-forwarded-for"], seen["x-forwarded-proto"]) == (client, "https")


def test_the_addresses_of_a_network_of_ipv6_are_one_client_and_those_of_ipv4_are_many(
    start: Start, web: list[Backend]
) -> None:
    running = start(web[:1], policy(api={"path": "/api/", "per_minute": 1, "burst": 0}), trusted_proxies=LOOPBACK)
    clients = {
        "2001:db8:0:1::1": 200,
        "2001:db8:0:1:2:3:4:5": 429,
        "2001:db8:0:2::1": 200,
        "2001:db8:0:2:ffff::a": 429,
        "198.51.100.1": 200,
        "198.51.100.2": 200,
    }
    found = {client: ask(running.port, "/api/", headers={"X-Forwarded-For": client}).status for client in clients}
    assert found == clients


def test_one_client_s_requests_at_a_time_are_limited_behind_a_trusted_proxy(start: Start, web: list[Backend]) -> None:
    running = start(web[:1], policy(connections_per_client=3), trusted_proxies=LOOPBACK)
    one, other = ({"X-Forwarded-For": address} for address in ("198.51.100.1", "198.51.100.2"))
    begun = threading.Barrier(4)

    def hold() -> int:
        begun.wait(10)
        return ask(running.port, "/wait", headers=one).status

    web[0].held = True
    with ThreadPoolExecutor(3) as pool:
        held = [pool.submit(hold) for _ in range(3)]
        begun.wait(10)
        until(lambda: len(web[0].requests) == 3)
        refused = ask(running.port, "/", headers=one)
        assert (refused.status, refused.headers["retry-after"]) == (429, "1")
        assert ask(running.port, "/", headers=other).status == 200
        web[0].held = False
        assert [each.result() for each in held] == [200, 200, 200]
    assert ask(running.port, "/", headers=one).status == 200


def test_by_the_proxy_protocol_the_client_is_whom_the_balancer_names(start: Start, web: list[Backend]) -> None:
    running = start(
        web[:1],
        policy(api={"path": "/api/", "per_minute": 1, "burst": 0}),
        trusted_proxies=LOOPBACK,
        proxy_protocol=True,
    )

    def call(client: str) -> list[int]:
        line = f"PROXY TCP4 {client} 127.0.0.1 4711 80\r\n"
        head = "GET /api/ HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.1\r\nConnection: close\r\n\r\n"
        return statuses(raw(running.port, (line + head).encode()))

    assert [call("198.51.100.1"), call("198.51.100.1"), call("198.51.100.2")] == [[200], [429], [200]]
    assert [request.headers["x-forwarded-for"] for request in web[0].requests] == ["198.51.100.1", "198.51.100.2"]
