"""A trace recorded from a live load balancer: RequestCount a minute, read through boto3."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Protocol, cast

KEPT_MINUTES = timedelta(days=15)
"""CloudWatch keeps values of one minute for 15 days, of five minutes for 63, of an hour for 455."""
KEPT_FIVE_MINUTES = timedelta(days=63)


class Pages(Protocol):
    """A boto3 paginator."""

    def paginate(self, **arguments: object) -> Iterator[Mapping[str, object]]:
        """Yield the pages of an answer."""
        ...


class Client(Protocol):
    """The part of a boto3 client that is used."""

    def get_paginator(self, operation_name: str) -> Pages:
        """Return a paginator."""
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


def find_balancer(client: Client, name_prefix: str) -> str:
    """Return the CloudWatch dimension of the one load balancer whose name begins so.

    Raises RecordError where there is none or more than one.
    """
    found: list[str] = []
    for page in client.get_paginator("describe_load_balancers").paginate():
        for balancer in cast("list[dict[str, str]]", page["LoadBalancers"]):
            if balancer["LoadBalancerName"].startswith(name_prefix) and balancer["Type"] == "application":
                found.append(balancer["LoadBalancerArn"].split(":loadbalancer/", 1)[1])
    if len(found) != 1:
        raise RecordError(f"{len(found)} application load balancers begin with {name_prefix!r}, one is needed")
    return found[0]


def step_for(length: timedelta) -> int:
    """Return the finest step in seconds that CloudWatch still keeps for the whole of the last `length`."""
    if length <= KEPT_MINUTES:
        return 60
    return 300 if length <= KEPT_FIVE_MINUTES else 3600


def record(client: Client, balancer: str, *, end: datetime, length: timedelta) -> Recording:
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
    pages = client.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[query], StartTime=end - length, EndTime=end, ScanBy="TimestampAscending"
    )
    for page in pages:
        for result in cast("list[dict[str, list[object]]]", page["MetricDataResults"]):
            stamps = cast("list[datetime]", result["Timestamps"])
            values = cast("list[float]", result["Values"])
            points += [(at.astimezone(timezone.utc), value) for at, value in zip(stamps, values, strict=True)]
    if not points:
        raise RecordError(f"CloudWatch has no RequestCount of {balancer} in these {length.days} days")
    return Recording(step, tuple(sorted(points)))
