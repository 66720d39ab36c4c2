"""A trace recorded from a live load balancer: RequestCount a minute, read through boto3."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, cast

KEPT_MINUTES = timedelta(days=15)
"""CloudWatch keeps values of one minute for 15 days, of five minutes for 63, of an hour for 455."""
KEPT_FIVE_MINUTES = timedelta(days=63)


class Reader(Protocol):
    """The part of scale.operate.account.Account that is used."""

    def items(
        self, service: str, operation: str, key: str | None = None, *, region: str | None = None, **arguments: object
    ) -> list[dict[str, Any]]:
        """Return all entries of a list, over all pages."""
        ...


class RecordError(RuntimeError):
    """There is nothing to record from; the text says why."""


@dataclass(frozen=True)
class Recording:
    """Counts by the time (UTC) at which their step begins, ascending."""

    step_seconds: int
    points: tuple[tuple[datetime, float], ...]

    def csv(self) -> str:
        """Return it as the CSV that `scale simulate --trace` reads. A minute without a value has no line."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("time", "requests"))
        writer.writerows((at.strftime("%Y-%m-%dT%H:%M:%SZ"), f"{count:g}") for at, count in self.points)
        return text.getvalue()


def find_balancer(reader: Reader, tags: Mapping[str, str]) -> str:
    """Return the CloudWatch dimension of the one application load balancer that has these tags.

    Raises RecordError where there is none or more than one.
    """
    resources = reader.items(
        "resourcegroupstaggingapi",
        "get_resources",
        TagFilters=[{"Key": key, "Values": [value]} for key, value in tags.items()],
        ResourceTypeFilters=["elasticloadbalancing:loadbalancer/app"],
    )
    found = [str(resource["ResourceARN"]).split(":loadbalancer/", 1)[1] for resource in resources]
    if len(found) != 1:
        wanted = ", ".join(f"{key}={value}" for key, value in tags.items())
        raise RecordError(f"{len(found)} application load balancers are tagged {wanted}; there must be one")
    return found[0]


def step_for(length: timedelta) -> int:
    """Return the finest step in seconds that CloudWatch still keeps for the whole of the last `length`."""
    if length <= KEPT_MINUTES:
        return 60
    return 300 if length <= KEPT_FIVE_MINUTES else 3600


def record(reader: Reader, balancer: str, *, end: datetime, length: timedelta) -> Recording:
    """Return the requests of the load balancer with that dimension over `length` before `end`.

    Raises RecordError where CloudWatch has no value in that time.
    """
    step = step_for(length)
    query = {
        "Id": "requests",
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/ApplicationELB",
                "MetricName": "RequestCount",
                "Dimensions": [{"Name": "LoadBalancer", "Value": balancer}],
            },
            "Period": step,
            "Stat": "Sum",
        },
    }
    points: list[tuple[datetime, float]] = []
    results = reader.items(
        "cloudwatch",
        "get_metric_data",
        "MetricDataResults",
        MetricDataQueries=[query],
        StartTime=end - length,
        EndTime=end,
        ScanBy="TimestampAscending",
    )
    for result in results:
        stamps = cast("list[datetime]", result["Timestamps"])
        values = cast("list[float]", result["Values"])
        points += [(at.astimezone(UTC), value) for at, value in zip(stamps, values, strict=True)]
    if not points:
        raise RecordError(f"CloudWatch has no RequestCount of {balancer} in these {length.days} days")
    return Recording(step, tuple(sorted(points)))
