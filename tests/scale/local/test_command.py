"""`scale local` from its first line to its end, whichever that is."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scale.cli import app
from scale.local import command
from scale.local.asked import Asked
from scale.local.servers import MissingBinaryError
from tests.scale.local.running import COMMAND, Command, alive, below, get, scale_local, temporary_folder, until
from tests.scale.projects import ROOT

pytestmark = pytest.mark.usefixtures("programs")


@pytest.fixture(scope="module")
def dev() -> Iterator[Command]:
    """The smallest stack."""
    with scale_local("dev") as running:
        running.address()
        yield running


def test_the_application_answers_at_the_printed_address_through_nginx(dev: Command) -> None:
    status, headers, text = get(dev.address())
    assert status == 200
    assert "Article 101" in text
    assert headers["server"] == "nginx"
    assert "x-request-id" in headers


def test_a_page_s_static_files_come_from_nginx_for_a_year(dev: Command) -> None:
    path = re.findall(r'href="(/static/[^"]+\.css)"', get(f"{dev.address()}/admin/login/")[2])[0]
    status, headers, _ = get(f"{dev.address()}{path}")
    assert (status, headers["cache-control"]) == (200, "public, max-age=31536000, immutable")


def test_without_a_terminal_it_prints_plain_lines(dev: Command) -> None:
    until(
        lambda: (
            re.search(r"^\d\d:\d\d:\d\d +\d+\.\d requests/s .* 1 of 1 servers", dev.output, re.MULTILINE) is not None
        )
    )
    assert "\x1b" not in dev.output
    assert dev.output.startswith("Starting PostgreSQL and the caches ...\n")


def test_the_guide_shows_what_is_printed(dev: Command) -> None:
    block = re.findall(r"^```text\n\$ scale local dev\n(.*?)^```", (ROOT / "docs/local.md").read_text(), re.M | re.S)[0]
    assert plain(dev.output).startswith(plain(block))


def plain(text: str) -> str:
    """Return a text without what differs from run to run: ports, processes, folders."""
    return re.sub(r"\d+", "0", re.sub(r"^\S+ holds", "A folder holds", text, flags=re.MULTILINE))


def test_the_load_command_finds_it_by_its_stack_s_name(dev: Command) -> None:
    load = [
        sys.executable,
        "-c",
        "from scale.cli import main; main()",
        "load",
        "dev",
        "--rate",
        "20",
        "--duration",
        "1",
    ]
    environment = {**os.environ, "TMPDIR": str(dev.temporary)}
    done = subprocess.run(load, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^errors +0$", done.stdout, re.MULTILINE)


def test_a_signal_deploys_the_code_anew(dev: Command) -> None:
    dev.process.send_signal(signal.SIGUSR1)
    until(lambda: re.search(r"^\d\d:\d\d:\d\d  deployed$", dev.output, re.MULTILINE) is not None)
    assert get(dev.address())[0] == 200


def test_ctrl_c_ends_it_with_nothing_left(dev: Command) -> None:
    """The last test of this system."""
    begun = below(dev.process.pid)
    assert len(begun) > 5
    assert dev.end(signal.SIGINT) == command.ENDED
    assert alive(begun) == set()
    assert dev.output.endswith("Ended.\n")
    # The registry's folder and the printed lines are all there is.
    assert [path.name for path in dev.temporary.rglob("*") if path.is_file()] == ["printed"]


def test_killed_it_leaves_nothing_either() -> None:
    """A project of one's own, behind HAProxy and PgBouncer."""
    project = ("--project", "example", "--fill", "demo_data --articles 3")
    with scale_local("staging", "--balancer", "haproxy", "--pgbouncer", "--servers", "1", *project) as running:
        assert "Article 3" in get(running.address())[2]
        begun = below(running.process.pid)
        assert running.end(signal.SIGKILL) == -signal.SIGKILL
        until(lambda: not alive(begun))
        until(lambda: not list(running.temporary.glob("scale-local-*")))


def test_ended_while_it_starts_it_leaves_nothing_either() -> None:
    with scale_local("staging") as running:
        until(lambda: "migrations" in running.output)
        begun = below(running.process.pid)
        assert running.end(signal.SIGTERM) == command.ENDED
        assert alive(begun) == set()
        assert not list(running.temporary.glob("scale-local-*"))


@pytest.mark.parametrize("opened", [os.openpty, os.pipe], ids=["a terminal", "a pipe"])
def test_ended_by_nobody_reading_it_leaves_nothing_either(opened: Callable[[], tuple[int, int]]) -> None:
    """A terminal that is closed, `scale local | head`."""
    reading, writing = opened()
    with temporary_folder() as temporary:
        environment = {**os.environ, "TMPDIR": str(temporary)}
        with subprocess.Popen(COMMAND, cwd=ROOT, env=environment, stdout=writing, stderr=subprocess.PIPE) as process:
            os.close(writing)
            os.read(reading, 1)
            begun = below(process.pid)
            os.close(reading)
            _, errors = process.communicate(timeout=120)
        assert (process.returncode, errors) == (command.ENDED, b"")
        assert alive(begun) == set()
        assert not list(temporary.glob("scale-local-*"))


ASKED = Asked("dev", directory=ROOT)


def wrong(asked: Asked, capsys: pytest.CaptureFixture[str]) -> str:
    """Run, and return the one line that says what is wrong."""
    assert command.run(asked) == command.WRONG
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    return line


def test_a_stack_that_does_not_exist_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Pulumi.nowhere.yaml" in wrong(replace(ASKED, stack="nowhere"), capsys)


def test_another_balancer_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    found = wrong(replace(ASKED, balancer="apache"), capsys)
    assert found == "--balancer: must be nginx or haproxy, is 'apache'"


def test_a_port_that_is_taken_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        found = wrong(replace(ASKED, port=port), capsys)
    assert found == f"--port: 127.0.0.1:{port}: Address already in use"


def test_a_folder_with_files_in_it_is_refused_and_left_as_it_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "mine").write_text("kept")
    found = wrong(replace(ASKED, folder=tmp_path), capsys)
    assert found == f"--folder: must be a new or an empty folder, {tmp_path} has files in it"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_folder_that_cannot_be_made_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert wrong(replace(ASKED, folder=tmp_path / "file" / "folder"), capsys).startswith("--folder: ")


def test_a_folder_that_is_too_deep_for_haproxy_s_socket_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    deep = tmp_path / "deep" / ("x" * 80)
    found = wrong(replace(ASKED, folder=deep, balancer="haproxy"), capsys)
    assert found == f"--folder: must have a path of at most 76 characters for HAProxy, is {deep}"


def test_a_folder_that_postgresql_s_user_may_not_enter_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr("scale.local.asked.unprivileged_user", lambda: "postgres")
    found = wrong(replace(ASKED, folder=closed / "folder"), capsys)
    assert found.startswith(
        f"--folder: PostgreSQL, as the user postgres, must get to {closed / 'folder'}; it may not enter"
    )


def test_one_server_is_not_enough_for_faults(capsys: pytest.CaptureFixture[str]) -> None:
    assert wrong(replace(ASKED, faults=True, servers=1), capsys).startswith("--faults: it needs two servers at least")


def test_faults_and_a_policy_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    found = wrong(replace(ASKED, faults=True, scale=True), capsys)
    assert found == "--faults: it needs a fleet that stays as it is, without --scale"


def test_a_fleet_of_pods_has_no_policy_to_run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: django-scale\nruntime: python\n")
    (tmp_path / "__main__.py").touch()
    (tmp_path / "Pulumi.dev.yaml").write_text(
        "config:\n  aws:region: eu-west-1\n  django-scale:application: {image: 'shop:1'}\n"
        "  django-scale:compute: {servers: false, kubernetes: {}}\n"
    )
    found = wrong(replace(ASKED, directory=tmp_path, scale=True), capsys)
    assert found == "--scale: it runs the policies of the EC2 fleet, and compute.servers is false in this stack"


def test_a_folder_without_a_project_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert wrong(replace(ASKED, project=tmp_path), capsys) == f"--project: there is no manage.py in {tmp_path}"


def test_a_program_that_is_not_installed_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Path:
        raise MissingBinaryError(f"{name} is not installed (tools/install-servers installs it)")

    monkeypatch.setattr("scale.local.system.find_binary", missing)
    assert wrong(ASKED, capsys) == "postgres is not installed (tools/install-servers installs it)"


def test_the_command_says_what_its_options_are() -> None:
    done = CliRunner().invoke(app, ["local", "--help"])
    assert done.exit_code == 0
    for option in ("--balancer", "--pgbouncer", "--scale", "--folder", "--for"):
        assert option in done.stdout
