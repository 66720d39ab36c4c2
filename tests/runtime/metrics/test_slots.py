"""Counters of many processes in one file."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django_scale.metrics.slots import BOUNDS, REQUESTS, SLOTS, WIDTH, Slots

RECYCLE = Path(__file__).with_name("recycle.py")


def test_a_scrape_stays_flat_after_a_thousand_recycles(tmp_path: Path) -> None:
    own = Slots(tmp_path, 1)
    own.begin()
    own.finish(0.01, error=False)
    size, files = _size(tmp_path), len(list(tmp_path.iterdir()))
    own.totals()
    before = _seconds(own)
    subprocess.run([sys.executable, str(RECYCLE), str(tmp_path), "1000"], check=True)
    assert (_size(tmp_path), len(list(tmp_path.iterdir()))) == (size, files) == (size, 1)
    assert own.totals().requests == 1001
    assert own.totals().processes == 1
    values: memoryview[float] = vars(own)["_values"]
    used = sum(values[number * WIDTH + REQUESTS] > 0 for number in range(SLOTS))
    assert used == 2, "each worker took over the slot of the one before"
    assert _seconds(own) < 20 * before


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.iterdir())


def _seconds(slots: Slots) -> float:
    began = time.perf_counter()
    for _ in range(5):
        slots.totals()
    return time.perf_counter() - began


def test_a_process_that_is_killed_leaves_its_counts_and_no_busy_request(tmp_path: Path) -> None:
    own = Slots(tmp_path, 1)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        other = Slots(tmp_path, 4)
        other.begin()
        other.finish(0.2, error=True)
        other.begin()
        os.write(write, b"x")
        time.sleep(60)
        os._exit(0)
    os.read(read, 1)
    live = own.totals()
    assert (live.processes, live.capacity, live.busy, live.errors) == (2, 5, 1, 1)
    os.kill(child, 9)
    os.waitpid(child, 0)
    dead = own.totals()
    assert (dead.processes, dead.capacity, dead.busy) == (1, 1, 0)
    assert (dead.requests, dead.errors, dead.seconds) == (1, 1, pytest.approx(0.2))


def test_threads_lose_no_count(tmp_path: Path) -> None:
    slots = Slots(tmp_path, 8)

    def run(_: int) -> None:
        for _ in range(2000):
            slots.begin()
            slots.finish(0.001, error=False)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, range(8)))
    totals = slots.totals()
    assert totals.requests == totals.buckets[0] == 16_000
    assert totals.busy == 0


def test_the_histogram_has_upper_bounds_inclusive(tmp_path: Path) -> None:
    slots = Slots(tmp_path, 1)
    for seconds in (0.005, 0.0051, 2.0, 100.0):
        slots.begin()
        slots.finish(seconds, error=False)
    buckets = dict(zip((*BOUNDS, "inf"), slots.totals().buckets, strict=True))
    assert {bound for bound, number in buckets.items() if number} == {0.005, 0.01, 2.0, "inf"}


def test_saturation_counts_requests_that_have_not_ended(tmp_path: Path) -> None:
    slots, done = Slots(tmp_path, 2), threading.Event()
    slots.begin()
    done.wait(0.5)
    totals = slots.totals()
    assert totals.busy == 1
    assert totals.busy_seconds / totals.capacity_seconds == pytest.approx(0.5, abs=0.1)


def test_one_process_leads(tmp_path: Path) -> None:
    own = Slots(tmp_path, 1)
    assert own.lead()
    assert own.lead()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, b"1" if Slots(tmp_path, 1).lead() else b"0")
        os._exit(0)
    assert os.read(read, 1) == b"0"
    os.waitpid(child, 0)


def test_a_folder_that_cannot_be_written_costs_no_page(tmp_path: Path) -> None:
    slots = Slots(tmp_path / "missing", 1)
    slots.begin()
    slots.finish(0.1, error=False)
    assert slots.totals().requests == 1
