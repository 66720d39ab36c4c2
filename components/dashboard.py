"""One page of graphs that answers, from top to bottom: are we up, are we slow, are we scaling, what is full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws

from model.metrics import APPLICATION_NAMESPACE

Metric = list[Any]
"""Namespace, name, dimension names and values in turn, and options, as CloudWatch's dashboards write them."""

_WIDTH, _HEIGHT = 8, 6


@dataclass(frozen=True)
class Sources:
    """What the dashboard draws: dimensions, names and ids of what was built."""

    balancer: Mapping[str, pulumi.Input[str]] | None
    """None for one that passes on connections, and knows no requests."""
    targets: Mapping[str, Mapping[str, pulumi.Input[str]]]
    """The dimensions of the target groups' metrics, by what is in them: `servers`, `pods`."""
    application: Mapping[str, pulumi.Input[str]]
    group_name: pulumi.Input[str] | None
    """The servers' Auto Scaling group, None where no servers run."""
    alarm_arns: Sequence[pulumi.Input[str]]
    databases: Mapping[str, pulumi.Input[str]]
    caches: Mapping[str, Mapping[str, pulumi.Input[str]]] = field(
        default_factory=lambda: dict[str, Mapping[str, pulumi.Input[str]]]()
    )
    """The nodes' ids by role and node: caches have metrics of their nodes only."""


class Dashboard(pulumi.ComponentResource):
    """A CloudWatch dashboard."""

    name: pulumi.Output[str]

    def __init__(self, name: str, region: str, sources: Sources, opts: pulumi.ResourceOptions | None = None) -> None:
        """Build the dashboard of what is in `sources`."""
        super().__init__("django-scale:alarms:Dashboard", name, None, opts)
        rows = [
            ("Are we up?", _up(sources)),
            ("Are we slow?", _slow(sources)),
            ("Are we scaling?", _scaling(sources)),
            ("What is full?", _full(sources)),
        ]
        dashboard = aws.cloudwatch.Dashboard(
            f"{name}-dashboard",
            dashboard_name=name,
            dashboard_body=pulumi.Output.json_dumps({"widgets": _lay_out(rows, region)}),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.name = dashboard.dashboard_name
        self.register_outputs({"name": self.name})


def _up(sources: Sources) -> list[dict[str, Any]]:
    namespace = "AWS/NetworkELB" if sources.balancer is None else "AWS/ApplicationELB"
    return [
        {"type": "alarm", "properties": {"title": "Alarms", "alarms": list(sources.alarm_arns)}},
        *(
            _graph(
                f"Healthy {what}",
                [
                    _metric(namespace, "HealthyHostCount", dimensions, stat="Minimum"),
                    _metric(namespace, "UnHealthyHostCount", dimensions, stat="Maximum"),
                ],
            )
            for what, dimensions in sources.targets.items()
        ),
        _errors(sources),
    ]


def _errors(sources: Sources) -> dict[str, Any]:
    if sources.balancer is None:
        return _graph(
            "Errors, percent", [_metric(APPLICATION_NAMESPACE, "ErrorRate", sources.application, stat="Average")]
        )
    return _graph(
        "Errors",
        [
            _metric("AWS/ApplicationELB", name, sources.balancer, stat="Sum")
            for name in ("HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count")
        ],
    )


def _slow(sources: Sources) -> list[dict[str, Any]]:
    application = _graph(
        "Application",
        [
            _metric(APPLICATION_NAMESPACE, name, sources.application, stat="Average")
            for name in ("ResponseTime", "WorkerSaturation")
        ],
    )
    if sources.balancer is None:
        # Each server publishes its own rate: their sum is the fleet's.
        rate = _metric(APPLICATION_NAMESPACE, "RequestRate", sources.application, stat="Sum")
        return [_graph("Requests a second", [rate]), application]
    return [
        _graph(
            "Response time, seconds",
            [
                _metric("AWS/ApplicationELB", "TargetResponseTime", sources.balancer, stat=stat, label=stat)
                for stat in ("p50", "p95", "p99")
            ],
        ),
        _graph("Requests", [_metric("AWS/ApplicationELB", "RequestCount", sources.balancer, stat="Sum")]),
        application,
    ]


def _scaling(sources: Sources) -> list[dict[str, Any]]:
    return [
        *([] if sources.group_name is None else _fleet(sources.group_name)),
        *(
            _graph(
                f"Requests a {what.removesuffix('s')}",
                [_metric("AWS/ApplicationELB", "RequestCountPerTarget", dimensions, stat="Sum")],
            )
            for what, dimensions in sources.targets.items()
            if sources.balancer is not None
        ),
    ]


def _fleet(group_name: pulumi.Input[str]) -> list[dict[str, Any]]:
    group = {"AutoScalingGroupName": group_name}
    sizes = ("GroupMinSize", "GroupInServiceInstances", "GroupDesiredCapacity", "GroupMaxSize")
    return [
        _graph("Servers", [_metric("AWS/AutoScaling", name, group, stat="Maximum") for name in sizes]),
        _graph("Processors of the servers, percent", [_metric("AWS/EC2", "CPUUtilization", group, stat="Average")]),
    ]


def _full(sources: Sources) -> list[dict[str, Any]]:
    nodes = {f"{role} {node}": identifier for role, ids in sources.caches.items() for node, identifier in ids.items()}
    return [
        *(
            _graph(title, [_database(role, identifier, metric) for role, identifier in sources.databases.items()])
            for title, metric in (
                ("Processors of the databases, percent", "CPUUtilization"),
                ("Connections", "DatabaseConnections"),
                ("Free storage, bytes", "FreeStorageSpace"),
                ("Replica lag, seconds", "ReplicaLag"),
            )
        ),
        *(
            _graph(title, [_node(label, identifier, metric, stat) for label, identifier in nodes.items()])
            for title, metric, stat in (
                ("Memory of the caches, percent", "DatabaseMemoryUsagePercentage", "Maximum"),
                ("Evictions", "Evictions", "Sum"),
            )
            if nodes
        ),
    ]


def _database(role: str, identifier: pulumi.Input[str], metric: str) -> Metric:
    return _metric("AWS/RDS", metric, {"DBInstanceIdentifier": identifier}, stat="Average", label=role)


def _node(label: str, identifier: pulumi.Input[str], metric: str, stat: str) -> Metric:
    return _metric("AWS/ElastiCache", metric, {"CacheClusterId": identifier}, stat=stat, label=label)


def _metric(
    namespace: str, name: str, dimensions: Mapping[str, pulumi.Input[str]], *, stat: str, label: str | None = None
) -> Metric:
    options = {"stat": stat} if label is None else {"stat": stat, "label": label}
    return [namespace, name, *(part for pair in dimensions.items() for part in pair), options]


def _graph(title: str, metrics: list[Metric]) -> dict[str, Any]:
    return {"type": "metric", "properties": {"title": title, "metrics": metrics, "period": 60, "view": "timeSeries"}}


def _lay_out(rows: Sequence[tuple[str, list[dict[str, Any]]]], region: str) -> list[dict[str, Any]]:
    """Place each row's widgets side by side below its question; the grid is 24 wide."""
    placed: list[dict[str, Any]] = []
    top = 0
    for question, widgets in rows:
        text = {"markdown": f"## {question}"}
        placed.append({"type": "text", "x": 0, "y": top, "width": 24, "height": 1, "properties": text})
        top += 1
        for index, widget in enumerate(widgets):
            place = {"x": index % 3 * _WIDTH, "y": top + index // 3 * _HEIGHT, "width": _WIDTH, "height": _HEIGHT}
            region_of = {"region": region} if widget["type"] == "metric" else {}
            placed.append({**widget, **place, "properties": {**region_of, **widget["properties"]}})
        top += -(-len(widgets) // 3) * _HEIGHT
    return placed
