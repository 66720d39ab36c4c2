"""Traces: what is read, what is a gap, what is refused by its line."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import numpy as np
import pytest

from scale.simulate.commands import shipped_trace
from scale.simulate.traces import Trace, TraceError, read_trace


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def counts(trace: Trace) -> list[float | None]:
    return [None if math.isnan(each) else each for each in trace.counts.tolist()]


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
@pytest.mark.parametrize("header", ["minute,requests\n", ""])
def test_a_csv_with_a_gap(tmp_path: Path, name: str, header: str) -> None:
    text = header + "1998-06-08 00:00:00,5\n1998-06-08 00:01:00,7\n1998-06-08 00:03:00,9\n"
    found = read_trace(write(tmp_path, name, text))
    assert (found.start, found.step_seconds, found.gaps, found.peak) == (897264000.0, 60.0, 1, 9.0)
    assert counts(found) == [5, 7, None, 9]


@pytest.mark.parametrize("stamp", ["1998-06-08T02:00:00+02:00", "1998-06-08T00:00:00Z", "897264000"])
def test_a_time_stamp_in_any_zone_or_in_seconds(tmp_path: Path, stamp: str) -> None:
    text = f"{stamp},1\n1998-06-08T00:05:00Z,2\n"
    found = read_trace(write(tmp_path, "t.csv", text))
    assert (found.start, found.step_seconds) == (897264000.0, 300.0)


def test_one_rate_a_line(tmp_path: Path) -> None:
    found = read_trace(write(tmp_path, "t.txt", "10\n20\n\n30.5\n"))
    assert (found.step_seconds, counts(found)) == (1.0, [10, 20, None, 30.5])
    assert found.peak == 1830


def test_a_cloudwatch_answer(tmp_path: Path) -> None:
    stamps = ["2024-01-01T00:01:00+00:00", "2024-01-01T00:00:00+00:00"]
    data = {"MetricDataResults": [{"Timestamps": stamps, "Values": [2.0, 1.0]}]}
    statistics = {"Datapoints": [{"Timestamp": stamps[0], "Sum": 2.0}, {"Timestamp": stamps[1], "Sum": 1.0}]}
    for answer in (data, statistics):
        assert counts(read_trace(write(tmp_path, "t.json", json.dumps(answer)))) == [1, 2]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.csv", "minute,requests\n1998-06-08 00:00,5\nyesterday,7\n", "line 3.*time stamp"),
        ("t.csv", "1998-06-08 00:00,5\n1998-06-08 00:01,many\n", "line 2.*count"),
        ("t.csv", "1998-06-08 00:00,5\n1998-06-08 00:01,-1\n", "line 2.*count"),
        ("t.csv", "1998-06-08 00:00,5\n1998-06-08 00:01,nan\n", "line 2.*count"),
        ("t.csv", "1998-06-08 00:01,5\n1998-06-08 00:00,5\n", "line 2.*not after"),
        ("t.csv", "1998-06-08 00:00,5\n1998-06-08 00:00,5\n", "line 2.*not after"),
        ("t.csv", "1998-06-08 00:00,5\n1998-06-08 00:01:00,5\n1998-06-08 00:02:30,5\n", ".*00:02:30.*steps of 60"),
        ("t.csv", "1998-06-08 00:00,5\n", "holds 1"),
        ("t.txt", "5\nfive\n", "line 2.*rate"),
        ("t.txt", "", "holds no rate"),
        ("t.json", "{}", "holds neither"),
        ("t.json", '{"Datapoints": [{"Timestamp": "x", "Sum": 1}]}', "point 1"),
    ],
)
def test_a_bad_line_is_named_and_stops_it(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(TraceError, match=f"{name}: {message}"):
        read_trace(write(tmp_path, name, text))


def test_of_many_bad_lines_the_first_are_shown(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="and 3 more"):
        read_trace(write(tmp_path, "t.txt", "x\n" * 8))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"none\.csv"):
        read_trace(tmp_path / "none.csv")


def test_a_longer_step_adds_up_and_a_shorter_one_spreads() -> None:
    trace = Trace("t", 0.0, 30.0, np.array([1.0, 2.0, math.nan, 4.0, math.nan, math.nan]))
    assert counts(trace.resampled(60.0)) == [3, 8, None]
    assert counts(Trace("t", 0.0, 120.0, np.array([6.0, math.nan])).resampled(60.0)) == [3, 3, None, None]


@pytest.mark.parametrize("step", [45.0, 7.0])
def test_steps_that_do_not_divide_are_refused(step: float) -> None:
    with pytest.raises(TraceError, match="steps of"):
        Trace("t", 0.0, 30.0, np.ones(4)).resampled(step)


def test_the_shipped_trace_is_two_whole_days() -> None:
    found = shipped_trace()
    assert (len(found.counts), found.gaps, found.peak) == (2880, 0, 22073)
