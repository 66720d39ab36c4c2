"""What the guide's files do wrong, done once: the same test that holds for what is rendered fails with their lines."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from scale.local.servers import free_port
from scale.local.servers.process import ServerError
from tests.render.edge.backend import Backend
from tests.render.edge.client import Client, ask
from tests.render.edge.conftest import Start, until
from tests.render.edge.fronts import policy

LIMITED: dict[str, Any] = {"api": {"path": "/api/", "per_minute": 1, "burst": 0}}

nginx_alone = pytest.mark.parametrize("kind", ["nginx"], indirect=True)
haproxy_alone = pytest.mark.parametrize("kind", ["haproxy"], indirect=True)


def replaced(old: str, new: str) -> Callable[[str], str]:
    """Return what replaces a line that is there by another."""

    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return change


def moved_into_the_server(directive: str) -> Callable[[str], str]:
    """Return what moves a directive from `http` to where the guide has it."""

    def change(text: str) -> str:
        lines = [line for line in text.splitlines() if line.strip().startswith(directive)]
        assert lines
        kept = "\n".join(line for line in text.splitlines() if line not in lines)
        return kept.replace("    server {\n", "    server {\n" + "\n".join(lines) + "\n", 1)

    return change


@nginx_alone
@pytest.mark.parametrize("directive", ["limit_req_zone", "limit_conn_zone"])
def test_zones_in_a_server_keep_nginx_from_loading(start: Start, web: list[Backend], directive: str) -> None:
    found = policy(connections_per_client=10, **LIMITED)
    with pytest.raises(ServerError, match=f'"{directive}" directive is not allowed here'):
        start(web[:1], found, change=moved_into_the_server(directive))


@nginx_alone
def test_a_random_choice_cannot_have_a_backup(start: Start, web: list[Backend]) -> None:
    with pytest.raises(ServerError, match='balancing method does not support parameter "backup"'):
        start(web[:1], backups=[web[1]], change=replaced("least_conn;", "random;"))


@nginx_alone
def test_kept_connections_come_after_the_method(start: Start, web: list[Backend]) -> None:

    def change(text: str) -> str:
        return text.replace("least_conn;", "").replace("keepalive 32;", "keepalive 32; least_conn;")

    running = start(web[:1], change=change)
    assert "load balancing method redefined" in running.server.check()


@nginx_alone
def test_by_itself_nginx_refuses_with_503(start: Start, web: list[Backend]) -> None:
    running = start(web[:1], policy(**LIMITED), change=replaced("limit_req_status 429;", ""))
    assert [ask(running.port, "/api/").status for _ in range(2)] == [200, 503]


@nginx_alone
def test_a_redirect_by_return_escapes_the_limit(start: Start, web: list[Backend], certificate: str) -> None:
    running = start(
        web[:1],
        policy(**LIMITED),
        https=f"127.0.0.1:{free_port()}",
        certificate=certificate,
        change=replaced('try_files "" @https;', "return 301 https://$host$request_uri;"),
    )
    assert {ask(running.port, "/api/").status for _ in range(10)} == {301}


def test_behind_a_balancer_that_is_not_trusted_all_clients_share_a_limit(start: Start, web: list[Backend]) -> None:
    running = start(web[:1], policy(**LIMITED))
    clients = [{"X-Forwarded-For": f"198.51.100.{number}"} for number in range(3)]
    assert [ask(running.port, "/api/", headers=client).status for client in clients] == [200, 429, 429]


@nginx_alone
def test_a_page_with_a_mistake_takes_all_servers_out_but_one_where_500_is_retried(
    start: Start, web: list[Backend]
) -> None:
    found = policy(retries={"causes": ["error", "http_500"]}, pool={"max_fails": 1}, algorithm="round_robin")
    running = start(web[:3], found)
    assert ask(running.port, "/?status=500").status == 500
    assert [len(backend.requests) for backend in web[:3]] == [1, 1, 1]
    assert len({ask(running.port, "/").text for _ in range(12)}) == 1


@nginx_alone
def test_a_header_in_a_location_drops_the_inherited_ones(start: Start, web: list[Backend], certificate: str) -> None:
    running = start(
        web[:1],
        change=replaced(
            "            proxy_pass http://django;\n",
            "            add_header X-A b;\n            proxy_pass http://django;\n",
        ),
        trusted_proxies=["127.0.0.1/32"],
    )
    answer = ask(running.port, "/", headers={"X-Forwarded-Proto": "https"})
    assert "strict-transport-security" not in answer.headers


@haproxy_alone
def test_httpclose_makes_a_connection_for_each_request(start: Start, web: list[Backend]) -> None:
    running = start(web[:1], change=replaced("option dontlognull", "option dontlognull\n    option httpclose"))
    with Client(running.port) as client:
        for _ in range(10):
            assert client.ask("/").status == 200
    assert web[0].connections >= 10


@haproxy_alone
def test_a_server_without_check_is_asked_however_ill_it_is(start: Start, web: list[Backend]) -> None:
    # How to check stands there; nobody is told to.
    unchecked = replaced(
        "default-server check inter 15s rise 2 fall 3 observe layer4 error-limit 3 on-error mark-down", "default-server"
    )
    running = start(web[:2], policy(algorithm="round_robin"), change=unchecked)
    web[0].ill = True
    time.sleep(0.5)
    assert {ask(running.port, "/").text for _ in range(10)} == {"web1", "web2"}
    assert not web[0].checks


@haproxy_alone
def test_without_its_exception_a_retry_delivers_a_post_twice(start: Start, web: list[Backend]) -> None:
    line = "http-request disable-l7-retry unless { method GET HEAD OPTIONS TRACE PUT DELETE }"
    running = start(web[:2], policy(algorithm="round_robin"), change=replaced(line, ""))
    web[0].broken = True
    answers = [ask(running.port, "/", method="POST", body=b"a=1").status for _ in range(6)]
    assert len(web[0].requests) + len(web[1].requests) > len(answers)


@haproxy_alone
def test_a_page_of_statistics_open_to_all_lets_anyone_stop_the_servers(start: Start, web: list[Backend]) -> None:
    address = f"127.0.0.1:{free_port()}"
    guarded = "    http-request auth realm haproxy unless { http_auth(operators) }\n"
    running = start(web[:1], stats=address, change=replaced(guarded, "    stats admin if TRUE\n"))
    assert ask(running.port, "/").status == 200
    body = b"s=web1&action=maint&b=%23" + str(_number_of_backend(address)).encode()
    urllib.request.urlopen(f"http://{address}/stats", data=body, timeout=10).close()
    until(lambda: ask(running.port, "/").status == 503)


def _number_of_backend(address: str) -> int:
    with urllib.request.urlopen(f"http://{address}/stats;csv", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    names = lines[0].removeprefix("# ").split(",")
    row = next(line.split(",") for line in lines if line.startswith("django,BACKEND"))
    return int(row[names.index("iid")])


@haproxy_alone
def test_refused_by_reject_a_client_is_told_nothing(start: Start, web: list[Backend]) -> None:
    def change(text: str) -> str:
        lines = [
            line.split(" deny ")[0] + " reject if" + line.split(" if", 1)[1] if "deny deny_status 429" in line else line
            for line in text.splitlines()
        ]
        return "\n".join(lines) + "\n"

    running = start(web[:1], policy(**LIMITED), change=change)
    assert ask(running.port, "/api/").status == 200
    with pytest.raises(ConnectionError):
        ask(running.port, "/api/")
