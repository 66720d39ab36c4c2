"""A system under a steady load, of which parts are killed, frozen, reloaded and replaced: which requests fail."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path as Folder

import pytest

from scale.load.client import Path
from scale.local import faults
from scale.local.asked import EXAMPLE_PATHS
from scale.local.faults import Fault, Ongoing, Row
from scale.local.guard import Reaper
from scale.local.project import example
from scale.local.servers.process import ServerError
from scale.local.supervisor import Supervisor
from scale.local.system import BalancerName, Shape, System
from tests.model.parsing import parse
from tests.scale.local.running import get
from tests.scale.projects import ROOT

RATE = 15.0


def happened(system: System, name: str) -> Row:
    """Let the fault of this name happen."""
    (fault,) = [each for each in faults.faults_of(system) if each.name == name]
    return under_load(system, fault)


def under_load(system: System, fault: Fault) -> Row:
    row = faults.run(system, fault, rate=RATE, paths=[Path.parse(path) for path in EXAMPLE_PATHS])
    assert row.sent > RATE
    return row


def threads(system: System) -> int:
    """Return the most connections that all application servers have to a database."""
    settings = system.shape.settings.application
    return system.shape.servers * system.shape.workers * settings.threads


def test_a_killed_server_fails_no_request_and_is_started_again(system: System, supervisor: Supervisor) -> None:
    name = system.fleet.serving[0].name
    assert happened(system, "kill an application server").failures == 0
    assert [event.text for event in supervisor.events][-2:] == [
        f"{name} has ended; it is started again",
        f"{name} serves again",
    ]


@pytest.mark.usefixtures("supervisor")
def test_a_reload_of_the_balancer_fails_no_request(system: System) -> None:
    assert happened(system, "reload the balancer").failures == 0


@pytest.mark.usefixtures("supervisor")
def test_a_killed_pooler_fails_what_needs_the_database_until_it_is_back(system: System) -> None:
    row = happened(system, "kill PgBouncer")
    assert set(row.failed) <= {"status 500"}
    # What came while it was away, and each connection once.
    assert row.failures <= RATE * (row.recovery + 0.1) + threads(system)
    assert row.fault.reason is not None


@pytest.mark.usefixtures("supervisor")
def test_a_killed_replica_fails_what_it_was_asked_and_no_more(system: System) -> None:
    row = happened(system, "kill a replica")
    assert set(row.failed) <= {"status 500"}
    assert row.failures <= threads(system)
    assert row.fault.reason is not None


@pytest.mark.usefixtures("supervisor")
def test_a_killed_cache_shard_fails_no_request(system: System) -> None:
    assert happened(system, "kill a cache shard").failures == 0


@pytest.mark.usefixtures("supervisor")
def test_a_deployment_replaces_every_server_and_fails_no_request(system: System) -> None:
    before = {server.name for server in system.fleet.serving}
    pids = {server.pid for server in system.fleet.serving}
    assert happened(system, "deploy, server by server").failures == 0
    assert not before & {server.name for server in system.fleet.serving}
    assert not pids & {server.pid for server in system.fleet.serving}
    assert len(system.fleet.serving) == len(before)


def test_a_version_that_does_not_start_takes_nobody_s_place(system: System) -> None:
    before = system.fleet.serving
    with pytest.raises(ServerError, match="ended"):
        system.fleet.deploy({"DJANGO_SETTINGS_MODULE": "project.missing"})
    assert system.fleet.serving == before
    assert [member.state for member in system.fleet.members] == ["in service"] * len(before)
    assert get(system.url)[0] == 200


def test_a_system_has_the_faults_of_its_parts(tmp_path: Folder) -> None:
    settings = parse(cache={"data": None, "sessions": None})
    with Reaper(tmp_path, remove=False) as reaper:
        small = System(Shape(settings, example(), "haproxy", servers=2, workers=1, pooled=False), tmp_path, reaper)
        names = [fault.name for fault in faults.faults_of(small)]
        small.stop()
    assert names == [
        "kill an application server",
        "freeze an application server",
        "reload the balancer",
        "deploy, server by server",
    ]


def test_the_guide_shows_every_fault_of_a_whole_system(system: System) -> None:
    page = (ROOT / "docs" / "local.md").read_text(encoding="utf-8")
    names = [fault.name for fault in faults.faults_of(system)]
    tables = re.findall(rf"^{re.escape(faults.head())}\n((?:.+\n)+)", page, re.MULTILINE)
    assert [[line[:30].rstrip() for line in table.splitlines()] for table in tables] == [names, names]


@pytest.mark.parametrize(
    ("failed", "reason", "unexpected"),
    [({}, None, False), ({"status 502": 1}, None, True), ({"status 502": 1}, "a reason", False)],
)
def test_a_failure_without_a_reason_is_unexpected(failed: dict[str, int], reason: str | None, unexpected: bool) -> None:
    assert Row(Fault("a fault", lambda: None, reason), 10, failed, 1.0, 1.0).unexpected == unexpected


def test_arrivals_go_on_until_they_are_ended_and_are_the_same_when_counted_again() -> None:
    arrivals = Ongoing(10.0)
    times = arrivals.times()
    assert [next(times) for _ in range(3)] == [0.0, 0.1, 0.2]
    arrivals.end()
    assert list(times) == []
    assert all(at < arrivals.seconds for at in arrivals.times())


WHOLE = parse(
    database={"pooling": "pgbouncer", "replicas": [{}, {}]},
    cache={"data": {"shards": 3, "replicas": 1}, "sessions": {"replicas": 1}},
)


@pytest.mark.soak
@pytest.mark.parametrize("balancer", ["nginx", "haproxy"])
@pytest.mark.parametrize("pooled", [True, False], ids=["PgBouncer", "direct"])
@pytest.mark.usefixtures("programs")
def test_no_request_fails_without_a_stated_reason(balancer: BalancerName, pooled: bool) -> None:
    shape = Shape(WHOLE, example(), balancer, servers=3, workers=2, pooled=pooled)
    folder = Folder(tempfile.mkdtemp(prefix="local-faults-"))
    with Reaper(folder, remove=True) as reaper, System(shape, folder, reaper) as whole:
        whole.start()
        supervisor = Supervisor(whole)
        supervisor.start()
        try:
            rows = {fault.name: under_load(whole, fault) for fault in faults.faults_of(whole)}
        finally:
            supervisor.stop()
    assert [faults.line(row, None) for row in rows.values() if row.unexpected] == []
    # Each connection once: a bound, where there is a reason.
    assert rows["kill a replica"].failures <= threads(whole)
    assert rows["freeze a replica"].failures <= threads(whole)
    if balancer == "nginx":
        # Least connections: soon the frozen server has the most.
        assert rows["freeze an application server"].failures <= threads(whole)
