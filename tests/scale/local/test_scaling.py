"""The stack's own policy on a real load: servers come and go, and the page shows it in a real browser.

A simulated minute takes half a second: three above the target add a server, fifteen below it take one away.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from concurrent.futures import Future
from contextlib import contextmanager

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from scale.load.client import Measured, Path, Target, drive
from scale.local.faults import Ongoing
from scale.local.observer import Observer, Snapshot
from scale.local.page import Page
from scale.local.scaler import Clock, Scaler
from scale.local.supervisor import Supervisor
from scale.local.system import System
from scale.simulate.controllers.group import Group
from scale.simulate.controllers.scheduled import Bounds
from tests.render.needs import need
from tests.scale.local.browser import chromium
from tests.scale.local.running import get, until

RATE = 6.0
"""Requests a second: two and a half times what two servers may have by the policy, below what they can answer."""


@pytest.fixture(scope="module")
def observer(system: System, supervisor: Supervisor) -> Iterator[Observer]:
    running = Observer(system, supervisor, period_seconds=0.125)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def scaler(system: System, observer: Observer, supervisor: Supervisor) -> Iterator[Scaler]:
    bounds = Bounds(minimum=2, maximum=3, desired=2)
    running = Scaler(system, observer, supervisor, clock=Clock(0.5), bounds=bounds, cores=1.0)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def page(observer: Observer) -> Iterator[Page]:
    running = Page(observer, "a system", ["what is to be known"])
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def browser(page: Page) -> Iterator[webdriver.Chrome]:
    need("chromium")
    need("chromedriver")
    with chromium() as driver:
        driver.get(page.url)
        yield driver


@contextmanager
def load(system: System) -> Generator[Future[Measured]]:
    """Send requests during the block."""
    arrivals = Ongoing(RATE)
    paths = [Path("/articles/{1-200}/")]
    measured = system.threads.submit(drive, Target(system.url, paths, clients=1000), arrivals)
    try:
        yield measured
    finally:
        arrivals.end()


def shown(browser: webdriver.Chrome) -> dict[str, str]:
    """Return the servers that the page shows, with the state of each."""
    script = (
        "return [...document.querySelectorAll('#servers .server')]"
        ".map(each => [each.querySelector('b').textContent, each.querySelector('span').textContent])"
    )
    pairs: list[list[str]] = browser.execute_script(script)  # type: ignore[reportUnknownMemberType]
    return dict(pairs)


def text(browser: webdriver.Chrome, identifier: str) -> str:
    """Return what a part of the page says."""
    return browser.find_element(By.ID, identifier).text


def all_three_serve(seen: Snapshot | None) -> bool:
    """Return whether three servers have had requests of late."""
    rates = [each.requests_per_second for each in seen.servers if each.state == "in service"] if seen else []
    return len(rates) == 3 and min(rates) > 0


def test_a_load_above_the_target_adds_a_server_and_its_end_takes_one_away(
    system: System, scaler: Scaler, observer: Observer, browser: webdriver.Chrome
) -> None:
    before = {server.name for server in system.fleet.serving}
    until(lambda: shown(browser) == dict.fromkeys(before, "in service"))
    with load(system) as sent:
        until(lambda: len(system.fleet.serving) == 3)
        (added,) = {server.name for server in system.fleet.serving} - before
        until(lambda: shown(browser).get(added) == "in service")
        until(lambda: all_three_serve(observer.latest))
        until(lambda: float(re.findall(r"^([\d.]+) requests", text(browser, "summary"))[0]) > RATE / 2)
    assert sent.result().failures == []
    until(lambda: len(system.fleet.members) == 2)
    until(lambda: added not in shown(browser))
    out, back = (move.decision for move in scaler.moves)
    assert (out.before, out.after, out.policy) == (2, 3, "requests")
    assert (back.before, back.after, back.policy) == (3, 2, "requests")


def test_what_was_seen_meanwhile(system: System, observer: Observer) -> None:
    busiest = max(observer.history, key=lambda each: each.requests_per_second)
    assert busiest.errors_per_second == 0
    # Of all that was asked, each server has had a part.
    assert any(all_three_serve(each) for each in observer.history)
    assert sum(each.requests_per_second for each in busiest.servers) == pytest.approx(busiest.requests_per_second)
    assert 0 < (busiest.latency["p50"] or 0) <= (busiest.latency["p99"] or 0)
    assert list(busiest.lag_seconds) == ["replica-1"]
    assert any(each.lag_seconds["replica-1"] is not None for each in observer.history)
    assert busiest.shards == {"cache/master-0": True}
    assert any(0 <= each.hit_percent <= 100 for each in observer.history if each.hit_percent is not None)


def test_the_decisions_are_those_of_the_simulation_s_own_class(scaler: Scaler) -> None:
    assert type(scaler.group) is Group


def test_the_page_says_what_happened_and_draws_load_latency_and_servers(browser: webdriver.Chrome) -> None:
    until(lambda: "3 -> 2 servers, requests" in text(browser, "events"))
    assert "2 -> 3 servers, requests: RequestCountPerTarget" in text(browser, "events")
    for chart in ("load", "latency", "count"):
        assert browser.find_elements(By.CSS_SELECTOR, f"#{chart} svg path, #{chart} svg polyline")
    assert "replica-1 behind the primary" in text(browser, "data")
    assert "what is to be known" in browser.page_source
    logged: list[dict[str, str]] = browser.get_log("browser")  # type: ignore[reportUnknownMemberType]
    assert [entry for entry in logged if entry["level"] == "SEVERE"] == []


def test_the_page_asks_nobody_but_its_own_server(page: Page) -> None:
    _, _, html = get(page.url)
    assert re.findall(r"(?:src|href)=\"(?!data:)([^\"]*)", html) == []
    assert get(page.url.removesuffix("scale/"))[2] == html


def test_when_the_system_ends_the_page_says_so(browser: webdriver.Chrome, page: Page) -> None:
    """The last test of this page."""
    assert not browser.find_element(By.CLASS_NAME, "lost-note").is_displayed()
    page.stop()
    until(browser.find_element(By.CLASS_NAME, "lost-note").is_displayed)
