"""CloudWatch's rules of alarms, row by row of its guide's two tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.metrics import Alarm, MissingData
from scale.simulate.controllers.alarm import MetricAlarm, PeriodAlarm, State, evaluate

# "Configuring how CloudWatch alarms treat missing data": datapoints to alarm, values oldest first, and the state under
# missing, ignore, breaching, notBreaching. N is 3 and the range 5; "retain" is the state before.
ROWS = [
    (3, "0 - X - X", "OK", "OK", "OK", "OK"),
    (3, "0 - - - -", "OK", "OK", "OK", "OK"),
    (3, "- - - - -", "INSUFFICIENT_DATA", "retain", "ALARM", "OK"),
    (3, "0 X X - X", "ALARM", "ALARM", "ALARM", "ALARM"),
    (3, "- - X - -", "ALARM", "retain", "ALARM", "OK"),
    (2, "0 - X - X", "ALARM", "ALARM", "ALARM", "ALARM"),
    (2, "0 0 X 0 X", "ALARM", "ALARM", "ALARM", "ALARM"),
    (2, "0 - X - -", "OK", "OK", "ALARM", "OK"),
    (2, "- - - - 0", "OK", "OK", "ALARM", "OK"),
    (2, "- - - X -", "ALARM", "retain", "ALARM", "OK"),
]
TREATMENTS: tuple[MissingData, ...] = ("missing", "ignore", "breaching", "notBreaching")
CASES = [
    (datapoints, values, treatment, state)
    for datapoints, values, *states in ROWS
    for treatment, state in zip(TREATMENTS, states, strict=True)
]
STATES: tuple[State, ...] = ("OK", "ALARM", "INSUFFICIENT_DATA")


def points(text: str) -> list[bool | None]:
    return [{"0": False, "X": True, "-": None}[each] for each in text.split()]


def alarm(**fields: object) -> Alarm:
    return Alarm(**{"role": "r", "description": "", "namespace": "n", "metric": "m", "threshold": 1.0, **fields})  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("before", STATES)
@pytest.mark.parametrize(("datapoints", "values", "treatment", "state"), CASES)
def test_a_row_of_the_guides_tables(
    datapoints: int, values: str, treatment: MissingData, state: State, before: State
) -> None:
    got = evaluate(points(values), datapoints=datapoints, periods=3, missing=treatment, current=before)
    assert got == (before if state == "retain" else state)


@pytest.mark.parametrize(("datapoints", "values", "treatment", "state"), CASES)
def test_an_alarm_fed_value_by_value_says_the_same(
    datapoints: int, values: str, treatment: MissingData, state: State
) -> None:
    fed = MetricAlarm(alarm(datapoints=datapoints, missing_data=treatment))
    states = [fed.state, *(fed.observe(None if point is None else 2.0 * point) for point in points(values))]
    assert states[-1] == (states[-2] if state == "retain" else state)


@pytest.mark.parametrize("values", ["- - - - X", "- - - X -"])
def test_a_young_breach_alone_is_premature_for_three_of_three(values: str) -> None:
    assert evaluate(points(values), datapoints=3, periods=3, missing="missing", current="OK") == "OK"


@pytest.mark.parametrize(
    ("comparison", "value", "breaches"),
    [
        ("GreaterThanThreshold", 1.0, False),
        ("GreaterThanThreshold", 1.1, True),
        ("GreaterThanOrEqualToThreshold", 1.0, True),
        ("LessThanThreshold", 1.0, False),
        ("LessThanOrEqualToThreshold", 1.0, True),
    ],
)
def test_a_comparison(comparison: str, value: float, breaches: bool) -> None:
    fed = MetricAlarm(alarm(periods=1, datapoints=1, comparison=comparison))
    assert fed.observe(value) == ("ALARM" if breaches else "OK")


def test_a_period_of_five_minutes_is_evaluated_each_minute_on_the_mean_of_the_last_five() -> None:
    fed = PeriodAlarm(alarm(period_seconds=300, periods=1, datapoints=1))
    assert [fed.observe(value) for value in (9.0, 0.0, 0.0, 0.0)] == ["INSUFFICIENT_DATA"] * 4
    assert (fed.observe(0.0), fed.value) == ("ALARM", 1.8)
    # The end of minute 6: the data of minutes 2 to 6.
    assert (fed.observe(0.0), fed.value) == ("OK", 0.0)
    assert [fed.observe(2.0) for _ in range(3)] == ["OK", "OK", "ALARM"]


def test_several_periods_of_several_minutes_end_each_minute_too() -> None:
    fed = PeriodAlarm(alarm(period_seconds=120, periods=2, datapoints=2))
    assert [fed.observe(value) for value in (0.0, 0.0, 0.0, 4.0, 0.0, 4.0)] == [
        "INSUFFICIENT_DATA",
        "OK",
        "OK",
        "OK",
        "OK",
        "ALARM",
    ]


@given(st.lists(st.sampled_from([0.0, 3.0, None]), min_size=1, max_size=40), st.integers(2, 4), st.integers(1, 3))
def test_windows_that_slide_agree_with_windows_cut_out_of_the_whole(
    values: list[float | None], minutes: int, periods: int
) -> None:
    fed = PeriodAlarm(alarm(period_seconds=60 * minutes, periods=periods, datapoints=1))
    state: State = "INSUFFICIENT_DATA"
    for end in range(1, len(values) + 1):
        cuts = [values[max(0, end - minutes * (age + 1)) : max(0, end - minutes * age)] for age in range(periods + 2)]
        whole = [[each for each in cut if each is not None] if len(cut) == minutes else [] for cut in cuts]
        history = [sum(cut) / len(cut) > 1 if cut else None for cut in reversed(whole)]
        if end >= minutes:
            state = evaluate(history, datapoints=1, periods=periods, missing="missing", current=state)
        assert fed.observe(values[end - 1]) == state


def test_an_alarm_over_more_than_a_day_is_evaluated_each_hour() -> None:
    fed = PeriodAlarm(alarm(period_seconds=3600, periods=25, datapoints=1))
    states = [fed.observe(9.0 if minute < 90 else 0.0) for minute in range(30 * 60)]
    changes = [minute + 1 for minute in range(1, len(states)) if states[minute] != states[minute - 1]]
    assert changes == [60, 27 * 60]


def test_a_period_that_minutes_do_not_make_is_refused() -> None:
    with pytest.raises(ValueError, match="90 s"):
        PeriodAlarm(alarm(period_seconds=90))


@given(
    st.lists(st.sampled_from([0.0, 2.0, None]), min_size=1, max_size=30),
    st.integers(1, 4),
    st.integers(0, 3),
    st.sampled_from(TREATMENTS),
)
def test_the_bits_of_an_alarm_agree_with_the_plain_rule(
    values: list[float | None], datapoints: int, more: int, treatment: MissingData
) -> None:
    periods = datapoints + more
    fed = MetricAlarm(alarm(datapoints=datapoints, periods=periods, missing_data=treatment))
    state: State = "INSUFFICIENT_DATA"
    history: list[bool | None] = [None] * (periods + 2)
    for value in values:
        history = [*history[1:], None if value is None else value > 1]
        state = evaluate(history, datapoints=datapoints, periods=periods, missing=treatment, current=state)
        assert fed.observe(value) == state
