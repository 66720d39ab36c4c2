"""The recording of a trace from a load balancer: what is asked of CloudWatch, and what becomes of the answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from scale.simulate import cloudwatch
from scale.simulate.traces import read_trace


class Reader:
    """An account whose every list is what it was given."""

    def __init__(self, *entries: Mapping[str, object]) -> None:
        self.entries = [dict(entry) for entry in entries]
        self.asked: dict[str, object] = {}

    def items(
        self, service: str, operation: str, key: str | None = None, *, region: str | None = None, **arguments: object
    ) -> list[dict[str, object]]:
        self.asked = arguments
        return self.entries


ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop-prod/50dc6c495c0c9188"
NOW = datetime(2026, 1, 15, tzinfo=UTC)


def test_a_load_balancer_is_found_by_its_tags() -> None:
    client = Reader({"ResourceARN": ARN})
    assert cloudwatch.find_balancer(client, {"Environment": "prod"}) == "app/shop-prod/50dc6c495c0c9188"
    assert client.asked["TagFilters"] == [{"Key": "Environment", "Values": ["prod"]}]


@pytest.mark.parametrize("count", [0, 2])
def test_one_load_balancer_is_needed(count: int) -> None:
    client = Reader(*[{"ResourceARN": ARN}] * count)
    with pytest.raises(cloudwatch.RecordError, match=f"{count} application load balancers"):
        cloudwatch.find_balancer(client, {"Environment": "prod"})


@pytest.mark.parametrize(("days", "step"), [(1, 60), (15, 60), (16, 300), (63, 300), (64, 3600)])
def test_the_step_is_what_cloudwatch_keeps(days: int, step: int) -> None:
    assert cloudwatch.step_for(timedelta(days=days)) == step


def test_a_recording_is_a_trace_with_its_gaps(tmp_path: Path) -> None:
    stamps = [NOW - timedelta(minutes=minutes) for minutes in (5, 4, 2)]
    client = Reader(
        {"Timestamps": stamps[:2], "Values": [10.0, 20.0]},
        {"Timestamps": stamps[2:], "Values": [30.0]},
    )
    found = cloudwatch.record(client, "app/shop-prod/1", end=NOW, length=timedelta(days=1))
    path = tmp_path / "trace.csv"
    path.write_text(found.csv(), encoding="utf-8")
    trace = read_trace(path)
    assert trace.start == stamps[0].timestamp()
    assert [None if np.isnan(each) else each for each in trace.counts] == [10, 20, None, 30]


def test_nothing_recorded_is_an_error() -> None:
    with pytest.raises(cloudwatch.RecordError, match="no RequestCount"):
        cloudwatch.record(Reader(), "app/x/1", end=NOW, length=timedelta(days=1))
