"""`scale load` against servers that answer, stall, refuse, break off and fall silent."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from array import array
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from pathlib import Path as File

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from scale.load.arrivals import Steady
from scale.load.cli import register
from scale.load.client import Failure, Measured, Path, Target, TargetError, drive
from scale.load.report import Outcome, document, latencies, text

Answer = Callable[[str, dict[str, str]], Awaitable[bytes]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def server(answer: Answer) -> Generator[str]:
    """An HTTP server whose answers, given the path and the headers, are sent as they are; empty: the end."""

    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            if not listening.is_serving():
                return
            while True:
                head, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
                pairs = (line.split(": ", 1) for line in lines)
                found = await answer(head.split()[1], {name.lower(): value for name, value in pairs})
                writer.write(found)
                if found[-2:] != OK[-2:] and b"Length: 0" not in found:
                    return
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            return
        finally:
            serving.discard(task)
            writer.close()

    loop = asyncio.new_event_loop()
    listening = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0))
    port: int = listening.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:

        async def end() -> None:
            listening.close()
            # Others are asyncio's own, which accept a connection: cancelled before it begins, one would leave it open.
            while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
                for task in serving:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def at_once(path: str, headers: dict[str, str]) -> bytes:
    return OK


def outcome(measured: Measured) -> Outcome:
    return Outcome("a server", "a load", measured)


def invoke(*arguments: str) -> tuple[int, str, str]:
    app = typer.Typer()
    register(app)
    app.command("other")(lambda: None)
    found = CliRunner().invoke(app, ["load", *arguments])
    return found.exit_code, found.stdout, found.stderr


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_each_request_is_sent_and_answered() -> None:
    with server(at_once) as url:
        measured = drive(Target(url), Steady(100, 1, "even"))
    assert measured.sent == measured.answered == measured.intended == 100
    assert measured.failures == []
    assert len(measured.latencies) == len(measured.services) == 100


def test_the_wait_that_coordinated_omission_hides_is_in() -> None:
    """A second's stall delays all that arrive in it, and not the one request that a waiting client would have sent."""
    began = time.monotonic()

    async def stalling(path: str, headers: dict[str, str]) -> bytes:
        into = time.monotonic() - began
        if 0.5 <= into < 1.5:
            await asyncio.sleep(1.5 - into)
        return OK

    with server(stalling) as url:
        began = time.monotonic()
        # One connection: the next request can be sent only when the one before it has its answer.
        measured = drive(Target(url, connections=1), Steady(50, 2.5, "even"))
        took = time.monotonic() - began
    assert measured.sent == measured.answered == 125
    waited = np.sort(np.frombuffer(measured.latencies))[::-1]
    # 50 requests arrive in the second, and wait half of it in the mean.
    assert (waited > 0.1).sum() >= 40
    assert waited[:50].mean() > 0.4
    assert waited[0] <= took
    # From sending that wait is left out: on one connection no two requests are under way at once.
    assert np.frombuffer(measured.services).sum() <= took
    # The generator was not what was late: it had no connection to send on.
    assert np.frombuffer(measured.late).sum() < waited.sum() / 2


@pytest.mark.parametrize("status", [404, 429, 500, 503])
def test_a_bad_status_is_an_error_by_its_number(status: int) -> None:
    async def bad(path: str, headers: dict[str, str]) -> bytes:
        return b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status

    with server(bad) as url:
        found = outcome(drive(Target(url), Steady(20, 0.5, "even")))
    assert found.errors == {f"status {status}": 10}
    assert found.measured.answered == 10


def test_a_redirect_is_an_answer() -> None:
    async def elsewhere(path: str, headers: dict[str, str]) -> bytes:
        return b"HTTP/1.1 302 Found\r\nLocation: /login/\r\nContent-Length: 0\r\n\r\n"

    with server(elsewhere) as url:
        assert drive(Target(url), Steady(20, 0.25, "even")).failures == []


def test_refused_reset_and_timeout_are_told_apart() -> None:
    async def mixed(path: str, headers: dict[str, str]) -> bytes:
        if path == "/reset":
            return b""
        if path == "/cut":
            return b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nshort"
        if path == "/silent":
            await asyncio.sleep(60)
        return OK

    with server(mixed) as url:
        kinds = {
            path: outcome(drive(Target(url, (Path(path),), timeout_seconds=seconds), Steady(10, 0.3, "even"))).errors
            for path, seconds in {"/reset": 30.0, "/cut": 30.0, "/silent": 0.4}.items()
        }
    assert kinds == {"/reset": {"reset": 3}, "/cut": {"reset": 3}, "/silent": {"timeout": 3}}
    refused = outcome(drive(Target(f"http://127.0.0.1:{closed_port()}"), Steady(10, 0.3, "even")))
    assert refused.errors == {"refused": 3}
    assert refused.measured.answered == 0


def test_a_failure_says_when_it_was_meant_to_arrive_and_what_was_asked() -> None:
    async def bad(path: str, headers: dict[str, str]) -> bytes:
        return b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"

    with server(bad) as url:
        (failure,) = drive(Target(url, (Path("/a?b=1"),)), Steady(2, 0.5, "even")).failures
    assert (failure.at, failure.path) == (0.5, "/a?b=1")


def test_paths_are_drawn_by_their_weights_and_clients_are_told_apart() -> None:
    seen: list[tuple[str, str]] = []

    async def noting(path: str, headers: dict[str, str]) -> bytes:
        seen.append((path, headers["x-forwarded-for"]))
        return OK

    with server(noting) as url:
        target = Target(url, (Path("/often", 3), Path("/of-{1-3}")), clients=5)
        assert drive(target, Steady(200, 1, "even")).failures == []
    often = sum(path == "/often" for path, _ in seen)
    assert 120 < often < 180
    assert {path for path, _ in seen} == {"/often", "/of-1", "/of-2", "/of-3"}
    assert {client for _, client in seen} == {f"10.0.0.{number}" for number in range(5)}


@pytest.mark.parametrize(
    ("given", "path"),
    [("/", Path("/")), ("3:/a", Path("/a", 3)), ("0.5:/slow/?seconds=1", Path("/slow/?seconds=1", 0.5))],
)
def test_a_path_may_have_a_weight(given: str, path: Path) -> None:
    assert Path.parse(given) == path


@pytest.mark.parametrize("given", ["a", "x:/a", "0:/a", ":/", ""])
def test_what_is_no_path_is_refused(given: str) -> None:
    with pytest.raises(TargetError, match="is not a path"):
        Path.parse(given)


@pytest.mark.parametrize("url", ["ftp://a", "a", "http://", "//a"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(TargetError, match="is not a URL"):
        Target(url)


def test_percentiles_are_values_that_were_measured() -> None:
    found = latencies(np.arange(1.0, 1001.0))
    assert list(found.percentiles.values()) == [500, 900, 950, 990, 999]
    assert (found.largest, found.mean) == (1000, 500.5)


def test_a_generator_that_falls_behind_says_so() -> None:
    slow = Measured(array("d", [0.5]), array("d", [0.1]), array("d", [0.4]), sent=1, answered=1, seconds=1, intended=1)
    assert "The generator itself fell behind on 100% of the requests (p99 400 ms late)" in text(outcome(slow))
    quick = Measured(
        array("d", [0.5]), array("d", [0.5]), array("d", [0.001]), sent=1, answered=1, seconds=1, intended=1
    )
    assert "The generator kept up" in text(outcome(quick))


def test_requests_that_were_never_sent_count_as_behind() -> None:
    cut = Measured(late=array("d", [0.0] * 50), sent=50, answered=50, seconds=1, intended=100)
    assert outcome(cut).behind == 0.5


def test_the_report_and_the_document_say_the_same() -> None:
    measured = Measured(array("d", [0.2] * 9), array("d", [0.1] * 9), array("d", [0.0] * 10), sent=10, answered=9)
    measured.failures.append(Failure(0.1, "timeout", "/", 30))
    measured.seconds, measured.intended = 2, 10
    shown, plain = text(outcome(measured)), document(outcome(measured))
    assert "errors             1  timeout: 1" in shown
    assert "5.0 a second, intended 5.0" in shown
    assert plain["errors"] == {"timeout": 1}
    assert plain["requests_per_second"] == {"achieved": 5.0, "intended": 5.0}
    assert plain["latency"] == pytest.approx(
        {"p50": 0.2, "p90": 0.2, "p95": 0.2, "p99": 0.2, "p99.9": 0.2, "max": 0.2, "mean": 0.2}
    )


def test_the_exit_status_tells_errors_and_a_missed_objective_from_a_clean_run() -> None:
    with server(at_once) as url:
        code, out, _ = invoke(url, "--rate", "20", "--duration", "0.5", "--json")
        assert (code, json.loads(out)["errors"]) == (0, {})
        assert invoke(url, "--rate", "20", "--duration", "0.5", "--slo", "p95<10s")[0] == 0
        code, out, _ = invoke(url, "--rate", "20", "--duration", "0.5", "--slo", "p95<0.001ms")
        assert code == 1
        assert "missed" in out
    assert invoke(url, "--rate", "20", "--duration", "0.2")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-such-stack"], "neither a URL nor a stack that `scale local` runs here now"),
        (["http://x", "--path", "a"], "is not a path"),
        (["http://x", "--trace", "nowhere.csv"], "nowhere.csv"),
        (["http://x", "--trace", "a.csv", "--rate", "1"], "exclude each other"),
        (["http://x", "--speed", "2"], "are of a --trace"),
        (["http://x", "--header", "nothing"], "is not NAME: VALUE"),
        (["http://x", "--slo", "fast"], "is not an objective"),
        (["http://x:99999"], "is not a URL"),
        (["http://x/articles/"], "has a path of its own"),
        (["http://x", "--path", "/{9-1}"], "{9-1} in '/{9-1}' holds no number"),
        (["http://x", "--header", "A b: c"], "'A b: c' cannot be sent"),
        (["http://x", "--header", "A: b\nC: d"], "cannot be sent"),
        (["http://x", "--duration", "inf"], "--duration: must be a number that ends, is inf"),
        (["http://x", "--rate", "inf"], "--rate: must be a number that ends, is inf"),
    ],
)
def test_what_is_wrong_is_named_and_gives_status_2(arguments: list[str], message: str) -> None:
    code, _, err = invoke(*arguments)
    assert code == 2
    assert message in err


def test_a_trace_is_replayed_faster_at_its_own_rates(tmp_path: File) -> None:
    path = tmp_path / "rates.txt"
    path.write_text("40\n" * 10 + "\n" * 5 + "20\n" * 5, encoding="utf-8")
    with server(at_once) as url:
        code, out, _ = invoke(url, "--trace", str(path), "--speed", "20", "--even", "--json")
    assert code == 0
    assert json.loads(out)["sent"] == (40 * 10 + 20 * 5) / 20


def test_ctrl_c_prints_what_was_measured() -> None:
    seen = threading.Semaphore(0)

    async def counting(path: str, headers: dict[str, str]) -> bytes:
        seen.release()
        return OK

    with server(counting) as url:
        command = [sys.executable, "-c", "from scale.cli import main; main()", "load", url, "--rate", "50"]
        with subprocess.Popen(
            [*command, "--duration", "60", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert all(seen.acquire(timeout=120) for _ in range(10))
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    found = json.loads(out)
    assert found["interrupted"]
    assert 9 <= found["answered"] <= found["sent"] < 1000
