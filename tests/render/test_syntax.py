"""Whatever the policy, nginx and HAProxy take what is rendered; and the guide's own files, which they do not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from model.settings import Settings
from model.traffic import TrafficPolicy
from render.haproxy import haproxy_cfg
from render.nginx import nginx_conf
from render.places import Discovery, Edge, Site, StaticFiles, Upstream, networks
from scale.local.servers.haproxy import check_haproxy
from scale.local.servers.nginx import check_nginx
from scale.local.servers.process import ServerError
from tests.model.parsing import parse
from tests.render.edge.fronts import BROTLI
from tests.render.needs import need
from tests.traffic_strategies import traffic_policies

ROOT = Path(__file__).parents[2]
STACKS = ("dev", "staging", "prod")


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """Both servers."""
    need("nginx")
    need("haproxy")


# The guide's servers.
SERVERS = (
    Upstream("web1", "10.0.1.10:8000", 3),
    Upstream("web2", "10.0.1.11:8000", 3),
    Upstream("web3", "10.0.1.12:8000", 2),
    Upstream("web4", "10.0.1.13:8000", backup=True),
)
STATIC = (Upstream("static1", "10.0.2.10:80"), Upstream("static2", "10.0.2.11:80"))


def site(folder: Path, **places: Any) -> Site:
    """Return a place of nginx's, with whatever a place can have."""
    given: dict[str, Any] = {
        "servers": SERVERS,
        "http": "127.0.0.1:18080",
        "static": StaticFiles(31_536_000, 300, str(folder), STATIC),
        "trusted_proxies": networks(["10.0.0.0/16", "2001:db8::/32"]),
        "server_names": ("shop.example.com", ".shop.example.org"),
        "run": str(folder),
        "temp": str(folder),
        "access_log": str(folder / "access.log"),
        "error_log": "stderr",
        "brotli_modules": str(BROTLI.parent) if BROTLI.exists() else None,
    }
    return Site(**{**given, **places})


def edge(folder: Path, **places: Any) -> Edge:
    """Return a place of HAProxy's, likewise."""
    given: dict[str, Any] = {
        "servers": SERVERS,
        "http": "127.0.0.1:18080",
        "static": StaticFiles(31_536_000, 300, None, STATIC),
        "trusted_proxies": networks(["10.0.0.0/16", "2001:db8::/32"]),
        "server_names": ("shop.example.com", ".shop.example.org"),
        "run": str(folder),
        "log": "stdout",
    }
    return Edge(**{**given, **places})


def assert_taken(folder: Path, policy: TrafficPolicy, **places: Any) -> None:
    """Hold that both servers take the policy without so much as a warning."""
    said = check_nginx(folder, nginx_conf(policy, site(folder, **places)))
    assert "[warn]" not in said
    check_haproxy(folder, haproxy_cfg(policy, edge(folder, **places)))


@pytest.mark.parametrize("stack", STACKS)
def test_both_take_every_stack_s_policy(folder: Path, stack: str) -> None:
    raw = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))["config"]
    config = {key.partition(":")[2]: value for key, value in raw.items() if key.startswith("django-scale:")}
    assert_taken(folder, Settings.parse(config, stack=stack, region=raw["aws:region"], secret=[]).traffic)


LONG_NAMES = tuple(f"{sign * 63}.{sign * 63}.{sign * 63}.{sign * 57}.com" for sign in "abc")
PLACES: dict[str, dict[str, Any]] = {
    "one server and nothing else": {"servers": SERVERS[:1], "static": None, "trusted_proxies": (), "server_names": ()},
    "no server is a backup": {"servers": SERVERS[:3]},
    "the PROXY protocol": {"proxy_protocol": True},
    "a static folder or servers alone": {"static": StaticFiles(0, 0, None, STATIC[:1])},
    "names as long as a host's may be": {"server_names": LONG_NAMES},
}


@pytest.mark.parametrize("name", PLACES)
def test_both_take_every_kind_of_place(folder: Path, name: str) -> None:
    assert_taken(folder, parse().traffic, **PLACES[name])


@pytest.mark.parametrize("http", ["127.0.0.1:18080", None])
def test_both_take_https(folder: Path, certificate: str, http: str | None) -> None:
    assert_taken(folder, parse().traffic, http=http, https="127.0.0.1:18443", certificate=certificate)


def test_haproxy_takes_servers_that_it_finds_by_name(folder: Path) -> None:
    found = Discovery("web.shop-prod.internal", 8000, 20)
    check_haproxy(folder, haproxy_cfg(parse().traffic, edge(folder, servers=(), discovery=found)))


def test_a_warning_of_haproxy_s_is_an_error(folder: Path) -> None:
    text = haproxy_cfg(parse().traffic, edge(folder))
    check_haproxy(folder, text)
    with pytest.raises(ServerError, match="missing timeouts"):
        check_haproxy(folder, re.sub(r"\n    timeout (client|server|connect) .*", "", text))


def policy_of(config: dict[str, Any]) -> TrafficPolicy:
    """Return the policy of a stack's file, whoever balances: both write a file from any."""
    return parse(traffic={**config, "balancer": "alb"}).traffic


@given(traffic_policies(), st.sampled_from(sorted(PLACES)))
@settings(max_examples=15, deadline=None)
def test_both_take_any_valid_policy(folder: Path, config: dict[str, Any], place: str) -> None:
    assert_taken(folder, policy_of(config), **PLACES[place])


@pytest.mark.soak
@given(traffic_policies(), st.sampled_from(sorted(PLACES)))
@settings(max_examples=400, deadline=None)
def test_both_take_very_many_policies(folder: Path, config: dict[str, Any], place: str) -> None:
    assert_taken(folder, policy_of(config), **PLACES[place])


ODD_PATHS = ["/", "/ping", "/health/", '/a"b;{}$x/y', "/a'b\\c/d", "/%2e%22/ready?deep=1#x", "/ümlaut/é", "/a%0Ab/c"]


@pytest.mark.parametrize("path", ODD_PATHS)
def test_a_health_check_s_path_may_hold_any_sign(folder: Path, path: str) -> None:
    assert_taken(folder, parse(traffic={"health_check": {"path": path}}).traffic)


# --- the guide's own files

WRONG_WITH_NGINX = {
    "a request limit's zone inside a server": (
        "server { limit_req_zone $binary_remote_addr zone=api:10m rate=100r/m; }",
        '"limit_req_zone" directive is not allowed here',
    ),
    "a connection limit's zone inside a server": (
        "server { limit_conn_zone $binary_remote_addr zone=conn:10m; }",
        '"limit_conn_zone" directive is not allowed here',
    ),
    "a random choice with a backup": (
        "upstream a { random; server 10.0.1.10:8000; server 10.0.1.13:8000 backup; }",
        'balancing method does not support parameter "backup"',
    ),
    "sticky addresses with a backup": (
        "upstream a { ip_hash; server 10.0.1.10:8000; server 10.0.1.13:8000 backup; }",
        'balancing method does not support parameter "backup"',
    ),
    "kept connections before the method": (
        "upstream a { keepalive 32; least_conn; server 10.0.1.10:8000; }",
        "load balancing method redefined",
    ),
}


@pytest.mark.parametrize("name", WRONG_WITH_NGINX)
def test_nginx_does_not_load(folder: Path, name: str) -> None:
    text, message = WRONG_WITH_NGINX[name]
    said = _nginx_says(folder, text)
    assert message in said
    rendered = nginx_conf(parse().traffic, site(folder))
    assert message not in check_nginx(folder, rendered)


def _nginx_says(folder: Path, text: str) -> str:
    around = f"pid {folder}/nginx.pid; error_log stderr; events {{}} http {{ {text} }}"
    try:
        return check_nginx(folder, around)
    except ServerError as error:
        return str(error)


def _blocks(text: str, name: str) -> Iterator[str]:
    """Yield what is between the braces after each `name`, in nginx's language."""
    for match in re.finditer(rf"{name}\s*\{{", text):
        depth, place = 1, match.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[place], 0)
            place += 1
        yield text[match.end() : place - 1]


def test_a_header_of_a_location_does_not_take_the_others_away(folder: Path, certificate: str) -> None:
    """`add_header` in a location drops those of the server; each location that has one repeats the rest."""
    place = site(folder, https="127.0.0.1:18443", certificate=certificate)
    text = nginx_conf(parse().traffic, place)
    for block in _blocks(text, r"location [^{]*"):
        if "add_header" in block:
            assert "Strict-Transport-Security $hsts always" in block


def test_every_answer_that_nginx_makes_itself_comes_after_the_limits(folder: Path, certificate: str) -> None:
    """A `return` is carried out before any limit is asked: it stands in named locations, which are reached later."""
    text = nginx_conf(parse().traffic, site(folder, https="127.0.0.1:18443", certificate=certificate, status=None))
    for match in re.finditer(r"location (?P<head>[^{]*)\{(?P<body>[^}]*)\}", text):
        if re.search(r"^\s*return", match["body"], re.MULTILINE):
            assert match["head"].startswith("@")
