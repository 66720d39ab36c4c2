"""Traces: what is read, what is a gap, what is refused by its line."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        ("t.json", '{"Datapoints": [{"Timestamp": "2024-01-01T00:00:00Z", "Average": 1}]}', "point 1.*None"),
        ("t.json", '{"Datapoints": [7]}', "point 1"),
        ("t.json", '{"MetricDataResults": "none"}', "point 1"),
        ("t.json", '{"MetricDataResults": [{"Values": [1]}]}', "point 1: None, 1"),
        ("t.json", '{"MetricDataResults": [{"Timestamps": ["2024-01-01"], "Values": []}]}', "point 1: .*, None"),
        ("t.json", "[1]", "holds neither"),
        ("t.csv", "1700000000000,5\n1700000060000,7\n", "line 1.*time stamp"),
        ("t.csv", "0001-01-01,5\n0001-01-02,7\n", "line 1.*time stamp"),
        ("t.csv", "0,5\n0.001,7\n1000000000,3\n", "1,000,000,000,000 steps of 0.001 s are more than"),
        ("t.csv", "time;requests\n0,5\n60;7\n", "line 3.*time stamp"),
        ("t.csv", "0,5\n60,1e300\n", "line 2.*count"),
        ("t.csv", "0,5\n60\n", "line 2.*count"),
        ("t.txt", "\n\n", "holds no rate"),
    ],
)
def test_a_bad_line_is_named_and_stops_it(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(TraceError, match=f"{name}: {message}"):
        read_trace(write(tmp_path, name, text))


@pytest.mark.parametrize(
    "text",
    ["\ufefftime,requests\n0,5\n60,7\n", "time,requests\r\n0,5\r\n60,7\r\n", '"time","requests"\n"0","5"\n"60","7"\n'],
    ids=["byte order mark", "carriage returns", "quotes"],
)
def test_a_csv_as_spreadsheets_write_it(tmp_path: Path, text: str) -> None:
    assert counts(read_trace(write(tmp_path, "t.csv", text))) == [5, 7]


@pytest.mark.parametrize("place", [3, 15, -3])
def test_a_damaged_archive_is_named(tmp_path: Path, place: int) -> None:
    data = bytearray(gzip.compress(b"0,5\n60,7\n" * 9))
    data[place] ^= 0xFF
    (tmp_path / "t.csv.gz").write_bytes(data)
    with pytest.raises(TraceError, match=r"t\.csv\.gz"):
        read_trace(tmp_path / "t.csv.gz")


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


@pytest.mark.parametrize(
    ("given", "step", "wanted"),
    [
        ([90.0, 180.0], 90.0, [60, 90, 120]),
        ([9.0, 18.0, 27.0], 45.0, [15, 30, None]),
        ([70.0, math.nan, 70.0, 70.0], 70.0, [60, None, 60, 60, 60]),
    ],
    ids=["longer", "shorter, its end too little", "with a gap"],
)
def test_any_step_is_spread_evenly(given: list[float], step: float, wanted: list[float | None]) -> None:
    assert counts(Trace("t", 0.0, step, np.array(given)).resampled(60.0)) == pytest.approx(wanted)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40), st.floats(1, 700), st.sampled_from([15.0, 60.0]))
def test_no_request_is_lost_between_steps(given: list[float], step: float, wanted: float) -> None:
    trace = Trace("t", 0.0, step, np.array(given)).resampled(wanted)
    whole, ends = trace.counts[:-1], (len(trace.counts) - 1) * wanted
    assert float(np.nansum(whole)) == pytest.approx(
        float(np.interp(ends, np.arange(len(given) + 1) * step, [0.0, *np.cumsum(given)])), rel=1e-6, abs=1e-3
    )


def test_a_trace_of_too_many_steps_is_refused() -> None:
    with pytest.raises(TraceError, match="are more than"):
        Trace("t", 0.0, 86400.0, np.ones(10_000)).resampled(60.0)


def test_the_shipped_trace_is_two_whole_days() -> None:
    found = shipped_trace()
    assert (len(found.counts), found.gaps, found.peak) == (2880, 0, 22073)
