"""TLS, HTTP/2, reloads, and what the balancers tell about themselves."""

from __future__ import annotations

import base64
import http.client
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scale.local.servers import free_port
from scale.local.servers.haproxy import hashed_password
from scale.local.servers.process import ServerError
from tests.render.edge.backend import Backend
from tests.render.edge.client import Client, ask
from tests.render.edge.conftest import Start, until
from tests.render.edge.fronts import Front, policy, render, upstreams
from tests.render.needs import need

PASSWORD = "for tests"


@pytest.fixture
def tls(certificate: str) -> ssl.SSLContext:
    """What a client trusts."""
    return ssl.create_default_context(cafile=certificate)


@pytest.fixture
def places(certificate: str) -> dict[str, Any]:
    """Where HTTPS is."""
    return {"https": f"127.0.0.1:{free_port()}", "certificate": certificate}


# --- TLS


def test_plain_http_is_led_to_https_which_insists_on_itself(
    start: Start, web: list[Backend], places: dict[str, Any], tls: ssl.SSLContext
) -> None:
    running = start(web[:1], **places)
    redirect = ask(running.port, "/page?a=1", headers={"Host": "localhost:80"})
    assert (redirect.status, redirect.headers["location"]) == (301, "https://localhost/page?a=1")
    assert "strict-transport-security" not in redirect.headers
    answer = ask(running.tls_port, "/page", tls=tls)
    assert (answer.status, answer.headers["strict-transport-security"]) == (200, "max-age=63072000")
    assert web[0].requests[0].headers["x-forwarded-proto"] == "https"


def test_what_is_refused_over_https_insists_on_https_too(
    start: Start, web: list[Backend], places: dict[str, Any], tls: ssl.SSLContext
) -> None:
    running = start(web[:1], policy(api={"path": "/api/", "per_minute": 1, "burst": 0}), **places)
    answers = [ask(running.tls_port, "/api/", tls=tls) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 429]
    assert {answer.headers["strict-transport-security"] for answer in answers} == {"max-age=63072000"}


def test_the_application_s_own_insistence_is_not_repeated(
    start: Start, web: list[Backend], places: dict[str, Any], tls: ssl.SSLContext
) -> None:
    running = start(web[:1], **places)
    answer = ask(running.tls_port, "/?header=Strict-Transport-Security:max-age=1", tls=tls)
    assert answer.headers["strict-transport-security"] == "max-age=63072000"


def test_without_a_number_of_seconds_nothing_is_insisted_on(
    start: Start, web: list[Backend], places: dict[str, Any], tls: ssl.SSLContext
) -> None:
    running = start(web[:1], policy(hsts_seconds=0), **places)
    assert "strict-transport-security" not in ask(running.tls_port, tls=tls).headers


REDIRECTS = {
    "shop.example.com": "shop.example.com",
    "SHOP.example.com:8080": "shop.example.com",
    "api.shop.example.com": "api.shop.example.com",
    "evil.example.org": "shop.example.com",
    "evil-shop.example.com": "shop.example.com",
}


def test_a_redirect_leads_to_a_host_of_ours(start: Start, web: list[Backend], places: dict[str, Any]) -> None:
    running = start(web[:1], server_names=("shop.example.com", "api.shop.example.com"), **places)
    led = {host: ask(running.port, "/", headers={"Host": host}).headers["location"] for host in REDIRECTS}
    assert led == {host: f"https://{target}/" for host, target in REDIRECTS.items()}


VERSIONS = {"TLSv1_1": False, "TLSv1_2": True, "TLSv1_3": True}


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
def test_tls_1_2_and_1_3_are_spoken_and_nothing_older(
    start: Start, web: list[Backend], places: dict[str, Any], certificate: str
) -> None:
    running = start(web[:1], **places)
    for version, spoken in VERSIONS.items():
        context = ssl.create_default_context(cafile=certificate)
        # Else the client itself would not offer what is too old.
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
        assert _shakes_hands(running, context) is spoken, version


CIPHERS = {
    "ECDHE-ECDSA-AES128-GCM-SHA256": True,
    "ECDHE-ECDSA-AES256-GCM-SHA384": True,
    "ECDHE-ECDSA-CHACHA20-POLY1305": True,
    "ECDHE-ECDSA-AES128-SHA256": False,
    "ECDHE-ECDSA-AES256-SHA": False,
}


def test_of_tls_1_2_s_ciphers_mozilla_s_intermediate_ones_are_taken(
    start: Start, web: list[Backend], places: dict[str, Any], certificate: str
) -> None:
    running = start(web[:1], **places)
    for cipher, taken in CIPHERS.items():
        context = ssl.create_default_context(cafile=certificate)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(cipher)
        assert _shakes_hands(running, context) is taken, cipher


def test_the_client_s_order_of_ciphers_counts(
    start: Start, web: list[Backend], places: dict[str, Any], certificate: str
) -> None:
    running = start(web[:1], **places)
    for order in (["AES256-GCM-SHA384", "CHACHA20-POLY1305"], ["CHACHA20-POLY1305", "AES256-GCM-SHA384"]):
        context = ssl.create_default_context(cafile=certificate)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(":".join(f"ECDHE-ECDSA-{name}" for name in order))
        connection = http.client.HTTPSConnection("127.0.0.1", running.tls_port, context=context, timeout=10)
        connection.connect()
        assert isinstance(connection.sock, ssl.SSLSocket)
        chosen = connection.sock.cipher()
        connection.close()
        assert chosen is not None
        assert chosen[0] == f"ECDHE-ECDSA-{order[0]}"


def _shakes_hands(running: Front, context: ssl.SSLContext) -> bool:
    try:
        return ask(running.tls_port, tls=context).status == 200
    except (ssl.SSLError, ConnectionError):
        return False


def test_http_2_is_spoken(start: Start, web: list[Backend], places: dict[str, Any], certificate: str) -> None:
    need("curl")
    running = start(web[:1], policy(api={"path": "/api/", "per_minute": 1, "burst": 0}), **places)
    command = [
        "curl",
        "-sS",
        "--http2",
        "--cacert",
        certificate,
        "-o",
        "/dev/null",
        "-w",
        "%{http_version} %{http_code}",
    ]
    urls = [f"https://localhost:{running.tls_port}{path}" for path in ("/page", "/api/", "/api/")]
    resolve = ["--resolve", f"localhost:{running.tls_port}:127.0.0.1"]
    done = [subprocess.run([*command, *resolve, url], capture_output=True, text=True, check=True) for url in urls]
    told = [each.stdout for each in done]
    assert told == ["2 200", "2 200", "2 429"]
    assert web[0].requests[0].headers["host"] == f"localhost:{running.tls_port}"


# --- reloads


def test_a_reload_loses_no_request(start: Start, web: list[Backend]) -> None:
    running = start(web[:1], policy(algorithm="round_robin"))
    _load_through(running, lambda: [running.server.reload() or time.sleep(0.4) for _ in range(3)])


def test_a_reload_brings_new_servers_and_loses_no_request(start: Start, web: list[Backend]) -> None:
    running = start(web[:1], policy(algorithm="round_robin"))
    place = replace(running.place, servers=upstreams(web[1:2]))
    text = render(running.kind, running.policy, place)

    def over() -> None:
        running.server.reload(text)
        until(lambda: ask(running.port, "/").text == "web2")

    _load_through(running, over)
    assert {ask(running.port, "/").text for _ in range(5)} == {"web2"}


def test_a_request_that_runs_when_the_reload_comes_is_finished(start: Start, web: list[Backend]) -> None:
    running = start(web[:1])
    web[0].held = True
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(ask, running.port, "/wait")
        until(lambda: len(web[0].requests) == 1)
        running.server.reload(render(running.kind, running.policy, replace(running.place, servers=upstreams(web[1:2]))))
        until(lambda: ask(running.port, "/").text == "web2")
        web[0].held = False
        assert (slow.result().status, slow.result().text) == (200, "web1")


def test_a_configuration_that_is_wrong_is_refused_and_the_old_one_stays(start: Start, web: list[Backend]) -> None:
    running = start(web[:1])
    with pytest.raises(ServerError, match="nonsense"):
        running.server.reload(running.server.configuration.read_text() + "\nnonsense on;\n")
    assert ask(running.port, "/").status == 200
    assert "nonsense" not in running.server.configuration.read_text()


def _load_through(running: Front, change: Any) -> None:
    """Ask without pause, on kept connections and on new ones, while `change` happens; hold that each was answered."""
    failures: list[object] = []
    asked = 0
    stop = threading.Event()

    def load(*, kept: bool) -> None:
        nonlocal asked
        while not stop.is_set():
            with Client(running.port) as client:
                for _ in range(20 if kept else 1):
                    try:
                        answer = client.ask("/?seconds=0.01")
                    except (http.client.RemoteDisconnected, ConnectionResetError) as error:
                        # A kept connection may be closed between two requests: a client then opens another one.
                        if not kept:
                            failures.append(error)
                        break
                    except OSError as error:
                        failures.append(error)
                        break
                    asked += 1
                    if answer.status != 200:
                        failures.append(answer.status)
                    if answer.headers.get("connection") == "close":
                        break

    threads = [threading.Thread(target=load, kwargs={"kept": kept}) for kept in (True, True, False, False)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: asked > 10)
        change()
        before = asked
        until(lambda: asked > before + 10)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []


def test_no_process_is_left_behind(start: Start, web: list[Backend]) -> None:
    running = start(web[:1])
    running.server.reload()
    until(lambda: ask(running.port).status == 200)
    running.server.stop()
    left: list[str] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(running.folder) in command:
            left.append(command)
    assert left == []


# --- what they tell about themselves

haproxy_alone = pytest.mark.parametrize("kind", ["haproxy"], indirect=True)


@haproxy_alone
def test_statistics_and_metrics_ask_for_a_password(start: Start, web: list[Backend]) -> None:
    need("openssl")
    running, url = _with_statistics(start, web, {"HAPROXY_STATS_HASH": hashed_password(PASSWORD)})
    assert ask(running.port, "/").status == 200
    for page in ("/metrics", "/stats", "/stats;csv"):
        assert _fetch(f"{url}{page}", None)[0] == 401
        assert _fetch(f"{url}{page}", "wrong")[0] == 401
    status, metrics = _fetch(f"{url}/metrics", PASSWORD)
    assert status == 200
    assert 'haproxy_server_status{proxy="django",server="web1",state="UP"} 1' in metrics
    status, page = _fetch(f"{url}/stats", PASSWORD)
    assert (status, "web1" in page) == (200, True)


@haproxy_alone
def test_without_a_password_s_hash_nobody_is_let_in(start: Start, web: list[Backend]) -> None:
    _, url = _with_statistics(start, web, {"HAPROXY_STATS_HASH": ""})
    assert [_fetch(f"{url}/metrics", given)[0] for given in (None, "", "x")] == [401, 401, 401]


@haproxy_alone
def test_the_statistics_page_stops_no_server(start: Start, web: list[Backend]) -> None:
    running, url = _with_statistics(start, web, {"HAPROXY_STATS_HASH": hashed_password(PASSWORD)})
    form = b"s=web1&action=maint&b=%23django"
    assert _fetch(f"{url}/stats", PASSWORD, form)[0] in {303, 403}
    assert ask(running.port, "/").status == 200


def _with_statistics(start: Start, web: list[Backend], environment: dict[str, str]) -> tuple[Front, str]:
    address = f"127.0.0.1:{free_port()}"
    return start(web[:1], stats=address, environment=environment), f"http://{address}"


def _fetch(url: str, password: str | None, body: bytes | None = None) -> tuple[int, str]:
    request = urllib.request.Request(url, data=body)  # noqa: S310 - loopback
    if password is not None:
        request.add_header("Authorization", "Basic " + base64.b64encode(f"scale:{password}".encode()).decode())
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> None:
        """Take a redirect for an answer."""


@pytest.mark.parametrize("kind", ["nginx"], indirect=True)
def test_nginx_tells_its_connections_on_loopback(start: Start, web: list[Backend]) -> None:
    address = f"127.0.0.1:{free_port()}"
    start(web[:1], status=address)
    status, page = _fetch(f"http://{address}/status", None)
    assert (status, page.startswith("Active connections: ")) == (200, True)
    assert _fetch(f"http://{address}/", None)[0] == 404
