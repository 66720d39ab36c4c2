"""What autoscalers are told, held to what the runtime really exposes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from django_scale.metrics.collector import Sample
from django_scale.metrics.prometheus import render
from django_scale.metrics.slots import BOUNDS, Totals
from prometheus_client.parser import text_string_to_metric_families

from render.prometheus import adapter_rules, queue_query, requests_query, scrape_configs

Series = tuple[str, dict[str, str], float]


@cache
def exposed() -> tuple[Series, ...]:
    """Return what Prometheus has of three pods: what the runtime writes, with the labels that the scrape adds."""
    found: list[Series] = []
    for place, rate in enumerate((90.0, 100.0, 110.0)):
        sample = Sample(0.0, {"RequestRate": rate, "CeleryQueueLength": 7.0}, {}, {"default": 4.0, "mail": 3.0})
        for family in text_string_to_metric_families(render(_totals(), sample)):
            for each in family.samples:
                labels = {**each.labels, "namespace": "shop-prod", "pod": f"web-{place}"}
                found.append((each.name, labels, each.value))
    return tuple(found)


def _totals() -> Totals:
    counts = dict.fromkeys(("L1", "L2", "L3"), (0.0, 0.0))
    fields: dict[str, Any] = {
        name: counts if "cache" in name else [0.0] * (len(BOUNDS) + 1) if name == "buckets" else 0
        for name in Totals.__dataclass_fields__
    }
    return Totals(**fields)


_SELECTOR = re.compile(r'(?P<label>\w+)(?P<operator>=~|!=|=)"(?P<value>[^"]*)"')


def select(query: str) -> list[Series]:
    """Return the series that `name{label="value"}` selects."""
    match = re.fullmatch(r"(\w+)\{([^}]*)\}", query)
    assert match is not None, query
    return [
        each for each in exposed() if each[0] == match[1] and all(_fits(each[1], *rule) for rule in _rules(match[2]))
    ]


def _rules(text: str) -> Iterator[tuple[str, str, str]]:
    for rule in _SELECTOR.finditer(text):
        yield rule["label"], rule["operator"], rule["value"]


def _fits(labels: dict[str, str], label: str, operator: str, value: str) -> bool:
    found = labels.get(label, "")
    return {"=": found == value, "!=": found != value, "=~": re.fullmatch(value, found) is not None}[operator]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


_FOLD: dict[str, Callable[[list[float]], float]] = {"avg": _mean, "max": max, "sum": sum}


def evaluate(query: str, **labels: str) -> list[float]:
    """Return the values of an adapter's metricsQuery for a series' name and the labels that are asked for."""
    match = re.fullmatch(r"(avg|max|sum)\((.+)\) by \((.+)\)", query)
    assert match is not None, query
    matchers = ",".join(f'{name}="{value}"' for name, value in labels.items())
    groups: dict[str, list[float]] = {}
    for _, found, value in select(match[2].replace("<<.LabelMatchers>>", matchers)):
        groups.setdefault(found[match[3]], []).append(value)
    return [_FOLD[match[1]](values) for values in groups.values()]


def rule(kind: str) -> dict[str, Any]:
    (only,) = adapter_rules()[kind]
    return only


@pytest.mark.parametrize(
    ("kind", "name"), [("custom", "django_requests_per_second"), ("external", "celery_queue_length")]
)
def test_a_rule_finds_the_series_of_the_runtime(kind: str, name: str) -> None:
    found = select(rule(kind)["seriesQuery"])
    assert {series for series, _, _ in found} == {name}
    for label in rule(kind)["resources"]["overrides"]:
        assert all(label in labels for _, labels, _ in found)


def test_each_pod_has_its_own_requests() -> None:
    query = rule("custom")["metricsQuery"].replace("<<.Series>>", "django_requests_per_second")
    for pod, rate in (("web-0", 90), ("web-1", 100), ("web-2", 110)):
        assert evaluate(query.replace("<<.GroupBy>>", "pod"), namespace="shop-prod", pod=pod) == [rate]


def test_a_queue_is_as_long_as_one_pod_says_and_not_as_all_of_them_together() -> None:
    query = rule("external")["metricsQuery"].replace("<<.Series>>", "celery_queue_length")
    assert evaluate(query, namespace="shop-prod", queue="default") == [4]
    assert evaluate(query, namespace="shop-prod", queue="mail") == [3]
    assert evaluate(query, namespace="shop-prod", queue="unknown") == []
    assert evaluate(query, namespace="other", queue="default") == []


def test_kedas_queries_find_the_same() -> None:
    inner = re.fullmatch(r"sum\((.+)\)", requests_query("shop-prod"))
    assert inner is not None
    assert sum(value for _, _, value in select(inner[1])) == 300
    queues = re.fullmatch(r"sum\(max by \(queue\) \((.+)\)\)", queue_query("shop-prod", ["default", "mail"]))
    assert queues is not None
    longest: dict[str, float] = {}
    for _, labels, value in select(queues[1]):
        longest[labels["queue"]] = max(value, longest.get(labels["queue"], 0))
    assert sum(longest.values()) == 7


def test_only_pods_of_the_application_that_ask_for_it_are_scraped() -> None:
    (job,) = scrape_configs("shop-prod")
    assert job["kubernetes_sd_configs"] == [{"role": "pod", "namespaces": {"names": ["shop-prod"]}}]
    kept = {each["source_labels"][0]: each["regex"] for each in job["relabel_configs"] if each["action"] == "keep"}
    assert kept == {
        "__meta_kubernetes_pod_annotation_prometheus_io_scrape": "true",
        "__meta_kubernetes_pod_phase": "Running",
        "__meta_kubernetes_pod_container_name": "django",
    }


@pytest.mark.parametrize(
    ("address", "port", "scraped"),
    [("10.0.1.7:8000", "8001", "10.0.1.7:8001"), ("10.0.1.7", "8000", "10.0.1.7:8000")],
)
def test_a_pod_is_asked_at_the_port_of_its_annotation(address: str, port: str, scraped: str) -> None:
    (job,) = scrape_configs("shop-prod")
    (rewritten,) = [each for each in job["relabel_configs"] if each.get("target_label") == "__address__"]
    match = re.fullmatch(rewritten["regex"], f"{address};{port}")
    assert match is not None
    assert rewritten["replacement"].replace("$1", match[1]).replace("$2", match[2]) == scraped


def test_the_labels_that_rules_go_by_are_set_by_the_scrape() -> None:
    (job,) = scrape_configs("shop-prod")
    set_ = {each.get("target_label") for each in job["relabel_configs"]}
    wanted = {label for kind in ("custom", "external") for label in rule(kind)["resources"]["overrides"]}
    assert wanted <= set_
