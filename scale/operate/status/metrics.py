"""The newest values of CloudWatch metrics, many in one request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from scale.operate.account import Account

_IN_ONE_REQUEST = 500
"""GetMetricData takes at most so many queries (CloudWatch API, MetricDataQueries)."""


@dataclass(frozen=True)
class Metric:
    """A metric of one resource; `seconds` is the width of a value, and `over` how far back values are asked for."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str = "Average"
    seconds: int = 60
    over: int = 600


def newest(account: Account, metrics: Sequence[Metric], now: datetime | None = None) -> dict[Metric, float]:
    """Return the newest value of each metric; one without any in its time is left out. Raises AccountError."""
    end = now or datetime.now(UTC)
    found: dict[Metric, float] = {}
    for over in sorted({metric.over for metric in metrics}):
        chosen = [metric for metric in metrics if metric.over == over]
        for begin in range(0, len(chosen), _IN_ONE_REQUEST):
            part = {f"m{place}": metric for place, metric in enumerate(chosen[begin : begin + _IN_ONE_REQUEST])}
            found |= _values(account, part, end - timedelta(seconds=over), end)
    return found


def _values(account: Account, part: Mapping[str, Metric], start: datetime, end: datetime) -> dict[Metric, float]:
    results = account.items(
        "cloudwatch",
        "get_metric_data",
        "MetricDataResults",
        MetricDataQueries=[{"Id": name, "MetricStat": _stat(metric)} for name, metric in part.items()],
        StartTime=start,
        EndTime=end,
        ScanBy="TimestampDescending",
    )
    found: dict[Metric, float] = {}
    for result in results:
        values: list[float] = result["Values"]
        if values and part[result["Id"]] not in found:  # A later page holds older values.
            found[part[result["Id"]]] = float(values[0])
    return found


def _stat(metric: Metric) -> dict[str, object]:
    dimensions = [{"Name": name, "Value": value} for name, value in metric.dimensions]
    return {
        "Metric": {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions},
        "Period": metric.seconds,
        "Stat": metric.statistic,
    }
