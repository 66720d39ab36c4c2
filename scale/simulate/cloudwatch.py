"""A trace recorded from a live load balancer: RequestCount a minute, read through boto3."""

from __future__ import annotations

import csv
import importlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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


def client(service: str, region: str) -> Client:
    """Return a boto3 client whose failures are RecordErrors. boto3 is loaded here, for this command alone."""
    boto3 = importlib.import_module("boto3")
    return _Named(cast("Client", boto3.client(service, region_name=region)))


@dataclass(frozen=True)
class _Named:
    """A client whose paginators turn botocore's errors into RecordErrors."""

    inner: Client

    def get_paginator(self, operation_name: str) -> Pages:
        return _NamedPages(self.inner.get_paginator(operation_name))


@dataclass(frozen=True)
class _NamedPages:
    inner: Pages

    def paginate(self, **arguments: object) -> Iterator[Mapping[str, object]]:
        errors = importlib.import_module("botocore.exceptions")
        try:
            yield from self.inner.paginate(**arguments)
        except (errors.BotoCoreError, errors.ClientError) as error:
            raise RecordError(str(error)) from error


def find_balancer(client: Client, tags: Mapping[str, str]) -> str:
    """Return the CloudWatch dimension of the one application load balancer that has these tags.

    `client` is that of the resource groups tagging API. Raises RecordError where there is none or more than one.
    """
    pages = client.get_paginator("get_resources").paginate(
        TagFilters=[{"Key": key, "Values": [value]} for key, value in tags.items()],
        ResourceTypeFilters=["elasticloadbalancing:loadbalancer/app"],
    )
    found = [
        resource["ResourceARN"].split(":loadbalancer/", 1)[1]
        for page in pages
        for resource in cast("list[dict[str, str]]", page["ResourceTagMappingList"])
    ]
    if len(found) != 1:
        wanted = ", ".join(f"{key}={value}" for key, value in tags.items())
        raise RecordError(f"{len(found)} application load balancers are tagged {wanted}; there must be one")
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
            points += [(at.astimezone(UTC), value) for at, value in zip(stamps, values, strict=True)]
    if not points:
        raise RecordError(f"CloudWatch has no RequestCount of {balancer} in these {length.days} days")
    return Recording(step, tuple(sorted(points)))
