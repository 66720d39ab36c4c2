"""The arithmetic and the table of the benchmark; no time is ever asserted."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.processes import Command, Sample, difference, interleave, measure, median
from bench.table import table


def sample(wall: float, cpu: float = 0.0, peak: float = 0.0) -> Sample:
    return Sample(wall, cpu, peak)


def test_each_figure_has_its_own_median() -> None:
    assert median([sample(1, 9, 20), sample(3, 7, 30), sample(2, 8, 10)]) == sample(2, 8, 20)


def test_a_difference_is_taken_within_a_round_before_the_median() -> None:
    # The machine was slow in the second round and met both alike.
    plans = [sample(3), sample(9), sample(4)]
    imports = [sample(1), sample(7), sample(1)]

    assert difference(plans, imports) == sample(2)


def test_a_difference_of_unequal_rounds_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        difference([sample(1), sample(2)], [sample(1)])


def test_processes_take_turns_after_one_run_of_each_that_does_not_count() -> None:
    first, second = Command(["first"], {}), Command(["second"], {})
    taken: list[str] = []

    def take(command: Command) -> Sample:
        taken.append(command.arguments[0])
        return sample(len(taken))

    samples = interleave({"a": first, "b": second}, 2, take)

    assert taken == ["first", "second"] * 3
    assert samples == {"a": [sample(3), sample(5)], "b": [sample(4), sample(6)]}


def test_a_process_is_measured_with_its_memory() -> None:
    taken = measure(Command([sys.executable, "-c", "b'x' * (64 * 2**20)"], {}))

    assert taken.peak_mib > 64


def test_a_process_that_fails_is_no_figure_and_its_words_are_kept() -> None:
    with pytest.raises(subprocess.CalledProcessError) as failure:
        measure(Command([sys.executable, "-c", "raise SystemExit('no such stack')"], {}))

    assert b"no such stack" in failure.value.stderr


def test_a_table_aligns_names_left_and_figures_right() -> None:
    assert table(("process", "s"), [["plan", "1.25"], ["imports", "10.00"]]) == (
        "process      s\n-------  -----\nplan      1.25\nimports  10.00"
    )
