"""`scale calibrate` against a real gunicorn whose answers take a known time."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scale.calibrate import report
from scale.calibrate.measure import Row
from scale.calibrate.servers import Servers, find
from scale.cli import app
from scale.local import registry
from scale.local.servers.process import Server
from scale.simulate.plant.service import plant_of, read_calibration
from scale.simulate.stacks import load
from tests.scale.projects import ROOT

SECONDS = 0.03
WSGI = f"""
import time

def application(environ, start):
    found = environ["PATH_INFO"] != "/missing/"
    if environ["PATH_INFO"] == "/busy/":
        until = time.thread_time() + {SECONDS}
        while time.thread_time() < until:
            pass
    else:
        time.sleep({SECONDS})
    start("200 OK" if found else "404 Not Found", [("Content-Length", "2")])
    return [b"ok"]
"""


class Gunicorn(Server):
    """One server with the variables by which `scale local` begins it: two workers of two threads."""

    def command(self) -> list[str]:
        """As `scale local` has it, with this project."""
        options = ["--bind", self.address, "--workers", "2", "--threads", "2", "--chdir", str(self.folder.parent)]
        return [sys.executable, "-m", "gunicorn", *options, "wsgi"]

    def environment(self) -> Mapping[str, str]:
        """Its own folder, and how many it serves at once."""
        return {"TMPDIR": str(self.folder), "WEB_CONCURRENCY": "2", "GUNICORN_THREADS": "2"}

    def ready(self) -> bool:
        """Whether both workers have begun."""
        return self.log().count("Booting worker") == 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a system that runs, called `shop`."""
    folder = tmp_path_factory.mktemp("system")
    (folder / "wsgi.py").write_text(WSGI)
    before, tempfile.tempdir = tempfile.tempdir, str(tmp_path_factory.mktemp("temporary"))
    server = Gunicorn(folder / "web-1")
    server.start()
    registry.enter(registry.Running("shop", f"http://{server.address}", "", os.getpid(), str(folder)))
    yield folder
    server.stop()
    tempfile.tempdir = before


def calibrate(*arguments: str) -> tuple[int, str, str]:
    """Run the command; return its exit status and what it printed to either stream."""
    done = CliRunner().invoke(app, ["calibrate", *arguments])
    return done.exit_code, done.stdout, done.stderr


def test_the_servers_are_found_with_what_they_serve_at_once(folder: Path) -> None:
    servers = find(folder)
    assert (servers.count, servers.threads, len(servers.pids)) == (1, 4, 3)


def test_a_worker_that_was_replaced_spoils_the_measurement(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = find(folder)
    gone = replace(found, pids=found.pids | {2**30})

    def with_one_that_has_ended(_: Path) -> Servers:
        return gone

    monkeypatch.setattr("scale.calibrate.command.find", with_one_that_has_ended)
    code, out, err = calibrate("shop", "--requests", "20", "--output", str(folder / "spoilt.json"))
    assert (code, out) == (1, "")
    assert err.startswith("a process of the servers ended meanwhile")
    assert not (folder / "spoilt.json").exists()


@pytest.fixture(scope="module")
def waits(folder: Path) -> Path:
    """What was measured of requests that wait for others."""
    path = folder / "waits.json"
    code, out, err = calibrate("shop", "--requests", "40", "--output", str(path))
    assert (code, err) == (0, "")
    assert "1 server of 4 threads" in out
    return path


def test_a_request_that_waits_for_others_uses_little_of_a_processor(waits: Path) -> None:
    found = read_calibration(waits)
    assert found.mean_seconds >= SECONDS
    assert len(found.quantiles) == 100
    assert min(found.quantiles) >= SECONDS
    assert 0 < found.cpu_share < 0.7
    assert found.source.startswith("scale local shop on ")


def test_one_that_computes_uses_more_of_it(folder: Path, waits: Path) -> None:
    path, before = folder / "computes.json", find(folder).processor_seconds()
    assert calibrate("shop", "--path", "/busy/", "--requests", "30", "--output", str(path))[0] == 0
    assert find(folder).processor_seconds() - before > 30 * SECONDS
    assert read_calibration(path).cpu_share > 2 * read_calibration(waits).cpu_share


def test_the_simulation_takes_what_was_measured(waits: Path) -> None:
    plant = plant_of(load(ROOT, "dev"), waits)
    assert plant.service.mean_seconds == read_calibration(waits).mean_seconds
    assert plant.source.startswith("scale local shop")


def test_a_check_has_each_load_measured_and_by_the_model(folder: Path, tmp_path: Path) -> None:
    arguments = ["shop", "--requests", "20", "--check", "--duration", "1", "--json"]
    code, out, _ = calibrate(*arguments, "--output", str(tmp_path / "calibration.json"))
    assert code == 0
    document = json.loads(out)
    assert (document["servers"], document["threads"]) == (1, 4)
    assert document["loads"], "at least one load is measured before a busy machine ends it"
    for row in document["loads"]:
        assert row["measured"]["p50"] >= SECONDS
        assert row["model"]["p50"] >= SECONDS
        assert row["requests_per_second"] > 0


def row(measured: float, model: float, *, behind: float = 0.0, machine: float = 0.5) -> Row:
    levels = dict.fromkeys((0.5, 0.95, 0.99), measured), dict.fromkeys((0.5, 0.95, 0.99), model)
    return Row(0.5, 10.0, *levels, (measured, model), behind, machine)


def test_the_agreement_is_that_of_the_worst_load() -> None:
    text = report.agreement([row(0.1, 0.11), row(0.2, 0.1)])
    assert text == ("The model against the measurement, at the worst load: p50 -50%, p95 -50%, p99 -50%, mean -50%.")


@pytest.mark.parametrize("own", [{"behind": 0.5}, {"machine": 0.99}], ids=["generator", "machine"])
def test_a_load_that_the_machine_could_not_bear_says_nothing_of_the_model(own: dict[str, float]) -> None:
    text = report.agreement([row(0.1, 0.11), row(9.0, 0.1, **own)])
    assert text.startswith("* At 1 load this machine was more than 85% busy")
    assert text.endswith("p50 +10%, p95 +10%, p99 +10%, mean +10%.")
    assert report.agreement([row(9.0, 0.1, **own)]).endswith("Nothing can be said of the model.")


def test_requests_that_fail_are_not_measured(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    code, _, err = calibrate("shop", "--path", "/missing/", "--output", str(path))
    assert code == 1
    assert err.strip() == "30 of 30 requests failed, the first at /missing/: status 404"
    assert not path.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prod"], "`scale local` does not run 'prod' here now: start it first"),
        (["shop", "--path", "articles"], "--path: 'articles' is not a path"),
        (["shop", "--output", "nowhere/calibration.json"], "--output: nowhere is not a folder"),
        (["shop", "--output", "README.md"], "--output: is there already, and is no calibration: README.md"),
    ],
)
def test_what_is_wrong_is_a_line_and_status_2(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(ROOT)
    code, _, err = calibrate(*arguments)
    assert (code, len(err.splitlines())) == (2, 1)
    assert err.startswith(message)


def test_a_system_without_its_servers_is_said(folder: Path, tmp_path: Path) -> None:
    registry.enter(registry.Running("empty", "http://127.0.0.1:9", "", os.getpid(), str(tmp_path)))
    assert calibrate("empty")[:1] == (2,)
    assert calibrate("empty")[2].strip() == f"no gunicorn runs in {tmp_path}"
