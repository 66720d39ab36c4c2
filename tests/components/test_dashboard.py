"""One page of graphs, whose rows answer four questions in order."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from components.dashboard import Dashboard, Sources
from scale.testing import UNKNOWN, Recording, run
from tests.components.building import NAME, component, counts, document, get

DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"
BALANCER = {"LoadBalancer": "app/shop/1"}
TARGETS = {"LoadBalancer": "app/shop/1", "TargetGroup": "targetgroup/shop/2"}
GRID = 24


@cache
def built(caches: bool = True) -> Recording:
    nodes = {"0001-001": "shop-cache-0001-001", "0001-002": "shop-cache-0001-002"}
    sources = Sources(
        balancer=BALANCER,
        targets={"servers": TARGETS},
        application={"Environment": NAME},
        group_name="the-group",
        alarm_arns=["arn:aws:cloudwatch:eu-west-1:123456789012:alarm:users-affected"],
        databases={"primary": "shop-db-primary", "reports": "shop-db-reports"},
        caches={"cache": nodes} if caches else {},
    )
    return run(lambda: Dashboard(NAME, "eu-west-1", sources))


def widgets(caches: bool = True) -> list[dict[str, Any]]:
    return document(built(caches).one(DASHBOARD), "dashboardBody")["widgets"]


def graph(title: str) -> list[Any]:
    """Return the metrics of the graph with this title."""
    (found,) = [each for each in widgets() if each["properties"].get("title") == title]
    return found["properties"]["metrics"]


def test_it_has_exactly_one_resource_under_the_environments_name() -> None:
    assert counts(built()) == {"Dashboard": 1}
    assert len(built().children(component(built(), "Dashboard"))) == 1
    assert get(built().one(DASHBOARD), "dashboardName") == NAME


def test_its_rows_ask_four_questions_from_top_to_bottom() -> None:
    questions = [(each["y"], each["properties"]["markdown"]) for each in widgets() if each["type"] == "text"]
    assert [text for _, text in sorted(questions)] == [
        "## Are we up?",
        "## Are we slow?",
        "## Are we scaling?",
        "## What is full?",
    ]
    assert questions == sorted(questions)


def test_each_graph_stands_below_its_question() -> None:
    rows: list[list[str]] = []
    for each in sorted(widgets(), key=lambda each: (each["y"], each["x"])):
        if each["type"] == "text":
            rows.append([])
        else:
            rows[-1].append(each["properties"]["title"])
    assert rows == [
        ["Alarms", "Healthy servers", "Errors"],
        ["Response time, seconds", "Requests", "Application"],
        ["Servers", "Processors of the servers, percent", "Requests a server"],
        [
            "Processors of the databases, percent",
            "Connections",
            "Free storage, bytes",
            "Replica lag, seconds",
            "Memory of the caches, percent",
            "Evictions",
        ],
    ]


@pytest.mark.parametrize("caches", [True, False])
def test_no_two_widgets_overlap_and_none_leaves_the_grid(caches: bool) -> None:
    taken: set[tuple[int, int]] = set()
    for each in widgets(caches):
        cells = {
            (x, y)
            for x in range(each["x"], each["x"] + each["width"])
            for y in range(each["y"], each["y"] + each["height"])
        }
        assert max(x for x, _ in cells) < GRID
        assert not cells & taken
        taken |= cells


def test_every_graph_names_its_region_and_has_metrics_of_a_minute() -> None:
    graphs = [each["properties"] for each in widgets() if each["type"] == "metric"]
    assert len(graphs) == 14
    assert all(each["region"] == "eu-west-1" and each["period"] == 60 and each["metrics"] for each in graphs)


def test_every_metric_is_namespace_name_pairs_of_dimensions_and_a_statistic() -> None:
    for each in widgets():
        for namespace, name, *dimensions, options in each["properties"].get("metrics", []):
            assert "/" in namespace
            assert name
            assert dimensions
            assert len(dimensions) % 2 == 0
            assert options["stat"]


def test_alarms_are_shown_by_their_arns() -> None:
    (alarms,) = [each for each in widgets() if each["type"] == "alarm"]
    assert alarms["properties"]["alarms"] == ["arn:aws:cloudwatch:eu-west-1:123456789012:alarm:users-affected"]


def test_response_time_is_drawn_at_three_percentiles() -> None:
    metrics = graph("Response time, seconds")
    assert [options["stat"] for *_, options in metrics] == ["p50", "p95", "p99"]
    assert {tuple(metric[:4]) for metric in metrics} == {
        ("AWS/ApplicationELB", "TargetResponseTime", "LoadBalancer", "app/shop/1")
    }


def test_healthy_servers_are_those_of_the_target_group() -> None:
    healthy, _ = graph("Healthy servers")
    assert healthy[:2] == ["AWS/ApplicationELB", "HealthyHostCount"]
    assert dict(zip(healthy[2:-1:2], healthy[3:-1:2], strict=True)) == TARGETS


def test_the_applications_metrics_are_those_of_the_environment() -> None:
    assert {tuple(metric[:1] + metric[2:4]) for metric in graph("Application")} == {
        ("Django/Application", "Environment", NAME)
    }


def test_servers_are_drawn_between_their_bounds() -> None:
    metrics = graph("Servers")
    assert [metric[1] for metric in metrics] == [
        "GroupMinSize",
        "GroupInServiceInstances",
        "GroupDesiredCapacity",
        "GroupMaxSize",
    ]
    assert {tuple(metric[2:4]) for metric in metrics} == {("AutoScalingGroupName", "the-group")}


def test_databases_are_drawn_by_their_role() -> None:
    assert [(metric[3], metric[-1]["label"]) for metric in graph("Connections")] == [
        ("shop-db-primary", "primary"),
        ("shop-db-reports", "reports"),
    ]


@pytest.mark.parametrize("title", ["Memory of the caches, percent", "Evictions"])
def test_caches_are_drawn_by_their_nodes_which_alone_have_metrics(title: str) -> None:
    assert [(*metric[2:4], metric[-1]["label"]) for metric in graph(title)] == [
        ("CacheClusterId", "shop-cache-0001-001", "cache 0001-001"),
        ("CacheClusterId", "shop-cache-0001-002", "cache 0001-002"),
    ]


def test_without_caches_there_is_no_empty_graph() -> None:
    titles = [each["properties"].get("title") for each in widgets(caches=False)]
    assert "Evictions" not in titles
    assert "Replica lag, seconds" in titles


def test_a_preview_waits_for_what_it_does_not_know() -> None:
    import pulumi_aws as aws

    def program() -> None:
        group = aws.autoscaling.Group("web", min_size=1, max_size=1)
        sources = Sources(BALANCER, {"servers": TARGETS}, {"Environment": NAME}, group.arn, [], {"primary": "shop-db"})
        Dashboard(NAME, "eu-west-1", sources)

    assert run(program, "preview").one(DASHBOARD).properties["dashboardBody"] is UNKNOWN
