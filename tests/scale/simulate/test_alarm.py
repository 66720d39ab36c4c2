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


def test_a_period_of_five_minutes_is_evaluated_on_its_mean_at_its_end() -> None:
    fed = PeriodAlarm(alarm(period_seconds=300, periods=1, datapoints=1))
    assert [fed.observe(value) for value in (9.0, 0.0, 0.0, 0.0)] == ["INSUFFICIENT_DATA"] * 4
    assert fed.observe(0.0) == "ALARM"
    assert [fed.observe(0.0) for _ in range(4)] == ["ALARM"] * 4
    assert fed.observe(0.0) == "OK"


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
