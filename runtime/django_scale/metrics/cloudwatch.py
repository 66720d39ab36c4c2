"""CloudWatch: PutMetricData through boto3, and the Embedded Metric Format on standard output."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from django_scale.metrics.collector import Sample
from django_scale.metrics.names import UNITS

# PutMetricData takes at most 1,000 metrics in a call (CloudWatch service quotas).
BATCH = 1000


def _points(sample: Sample) -> Iterator[tuple[str, float, dict[str, str]]]:
    """Name, value, and dimensions beside Environment. Alarms read those without; Level and Queue are published
    besides."""
    for name, value in sample.values.items():
        yield name, value, {}
    for level, rate in sample.cache_levels.items():
        yield "CacheHitRate", rate, {"Level": level}
    for queue, length in sample.queues.items():
        yield "CeleryQueueLength", length, {"Queue": queue}


def metric_data(sample: Sample, environment: str) -> list[dict[str, Any]]:
    """PutMetricData's MetricData."""
    at = datetime.fromtimestamp(sample.at, UTC)
    return [
        {
            "MetricName": name,
            "Dimensions": [
                {"Name": key, "Value": text} for key, text in {"Environment": environment, **dimensions}.items()
            ],
            "Timestamp": at,
            "Value": value,
            "Unit": UNITS[name],
        }
        for name, value, dimensions in _points(sample)
    ]


class CloudWatch:
    """Publishes through a boto3 client (extra `cloudwatch`), made at the first sample."""

    def __init__(self, namespace: str, environment: str, region: str, client: Any = None) -> None:
        self._namespace, self._environment, self._region = namespace, environment, region
        self._client: Any = client

    def publish(self, sample: Sample) -> int:
        """Send a sample; gives the number of calls. Raises what boto3 raises."""
        if self._client is None:
            boto3: Any = import_module("boto3")
            # A stuck call must not hold the next sample up for longer than a period.
            config: Any = import_module("botocore.config").Config(
                connect_timeout=5, read_timeout=10, retries={"max_attempts": 2}
            )
            self._client = boto3.client("cloudwatch", region_name=self._region or None, config=config)
        data = metric_data(sample, self._environment)
        calls = 0
        for start in range(0, len(data), BATCH):
            self._client.put_metric_data(Namespace=self._namespace, MetricData=data[start : start + BATCH])
            calls += 1
        return calls


def embedded(sample: Sample, namespace: str, environment: str) -> list[str]:
    """Lines of the Embedded Metric Format: one for each set of dimensions."""
    groups: dict[tuple[tuple[str, str], ...], dict[str, float]] = {}
    for name, value, dimensions in _points(sample):
        groups.setdefault(tuple({"Environment": environment, **dimensions}.items()), {})[name] = value
    return [
        json.dumps(
            {
                "_aws": {
                    "Timestamp": int(sample.at * 1000),
                    "CloudWatchMetrics": [
                        {
                            "Namespace": namespace,
                            "Dimensions": [[key for key, _ in dimensions]],
                            "Metrics": [{"Name": name, "Unit": UNITS[name]} for name in values],
                        }
                    ],
                },
                **dict(dimensions),
                **values,
            }
        )
        for dimensions, values in groups.items()
    ]
