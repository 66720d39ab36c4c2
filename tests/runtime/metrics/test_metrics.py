"""Samples, decisions and exporters."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings
from django_scale.cache import stats
from django_scale.metrics import CHAPTER, Condition, Sample, ScalingMetricsCollector, ScalingMetricsMiddleware, sources
from django_scale.metrics import slots as slots_module
from django_scale.metrics.cloudwatch import CloudWatch, embedded, metric_data
from django_scale.metrics.decisions import Thresholds
from django_scale.metrics.host import Host
from django_scale.metrics.names import METRICS
from django_scale.metrics.prometheus import render
from prometheus_client.parser import text_string_to_metric_families

from scale.local.servers import Redis

SAMPLE = Sample(
    1_700_000_000.0, {"CPUUtilization": 90.0, "RequestRate": 5.0}, {"L1": 75.0}, {"default": 3.0, "mail": 4.0}
)


@pytest.fixture(autouse=True)
def own_slots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots_module, "_current", slots_module.Slots(tmp_path, 4))


def cgroup2(folder: Path, usage: int, current: int = 600, limit: str = "1000", cpu: str = "200000 100000") -> Path:
    (folder / "cpu.stat").write_text(f"usage_usec {usage}\nuser_usec 1\n")
    (folder / "cpu.max").write_text(cpu)
    (folder / "memory.current").write_text(str(current))
    (folder / "memory.max").write_text(limit)
    (folder / "memory.stat").write_text("anon 1\ninactive_file 100\n")
    return folder


def test_cpu_and_memory_of_a_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 102.0])
    monkeypatch.setattr("django_scale.metrics.host.time.monotonic", lambda: next(clock))
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    host = Host(cgroup2(tmp_path, 1_000_000))
    assert host.cpu_percent() is None, "one reading is no rate"
    cgroup2(tmp_path, 2_000_000)
    assert host.cpu_percent() == pytest.approx(25.0), "1 s of 2 s on 2 CPUs"
    assert host.memory_percent() == pytest.approx(50.0), "500 of 1000: inactive files can be given back"


def test_cgroup_version_1(tmp_path: Path) -> None:
    for name in ("cpu", "cpuacct", "memory"):
        (tmp_path / name).mkdir()
    (tmp_path / "cpuacct/cpuacct.usage").write_text("1000000000")
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text("-1")
    (tmp_path / "memory/memory.usage_in_bytes").write_text("300")
    (tmp_path / "memory/memory.limit_in_bytes").write_text("1000")
    (tmp_path / "memory/memory.stat").write_text("total_inactive_file 100\n")
    host = Host(tmp_path)
    assert host.cpu_percent() is None
    (tmp_path / "cpuacct/cpuacct.usage").write_text("1000000001")
    assert host.cpu_percent() is not None
    assert host.memory_percent() == pytest.approx(20.0)


def test_this_machine_can_be_read() -> None:
    host = Host()
    host.cpu_percent()
    sum(range(10**6))
    percent = host.memory_percent()
    assert percent is None or 0 < percent < 100


def _record(collector: ScalingMetricsCollector, *requests: tuple[float, int]) -> None:
    for seconds, status in requests:
        collector.record_request(seconds, status)


def test_a_sample_of_requests() -> None:
    collector = ScalingMetricsCollector()
    _record(collector, (0.1, 200), (0.3, 404), (0.2, 500), (0.2, 200))
    values = collector.sample().values
    assert values["ResponseTime"] == pytest.approx(0.2)
    assert values["ErrorRate"] == 25.0, "a 404 is no error of the server"
    assert set(values) <= {metric.name for metric in METRICS}


def test_what_cannot_be_read_is_absent_and_not_0(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken() -> float:
        raise OperationalError("away")

    for name in ("database_connections", "active_sessions", "queue_lengths"):
        monkeypatch.setattr(sources, name, broken)
    stats.take()  # what other tests have read
    values = ScalingMetricsCollector(host=Host(tmp_path)).sample().values
    for name in (
        "DatabaseConnections",
        "ActiveSessions",
        "CeleryQueueLength",
        "ResponseTime",
        "ErrorRate",
        "CacheHitRate",
    ):
        assert name not in values


def test_sessions_are_counted_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def count() -> float:
        calls.append(1)
        return 7.0

    monkeypatch.setattr(sources, "active_sessions", count)
    collector = ScalingMetricsCollector()
    assert [collector.sample().values["ActiveSessions"] for _ in range(5)] == [7.0] * 5
    assert len(calls) == 1


UP = {"CPUUtilization": 81.0, "MemoryUtilization": 50.0, "ResponseTime": 2.1, "ErrorRate": 0.0, "RequestRate": 5.0,
      "DatabaseConnections": 10.0}  # fmt: skip
DOWN = {"CPUUtilization": 29.0, "MemoryUtilization": 39.0, "ResponseTime": 0.4, "ErrorRate": 0.9, "RequestRate": 1.6}


@pytest.mark.parametrize(
    ("change", "up"),
    [
        ({}, True),
        ({"ResponseTime": 2.0}, False),
        ({"CPUUtilization": 80.0}, False),
        ({"ResponseTime": 1.0, "DatabaseConnections": 81.0}, True),
        ({"ResponseTime": 1.0, "RequestRate": 16.7}, True),
        ({"ResponseTime": 1.0, "ErrorRate": 5.1}, True),
        ({"ResponseTime": 1.0, "MemoryUtilization": 85.1}, True),
    ],
)
def test_scale_up_when_two_conditions_hold(change: dict[str, float], up: bool) -> None:
    decision = ScalingMetricsCollector().should_scale_up(Sample(0, UP | change))
    assert bool(decision) is up


def test_a_decision_gives_its_reasons() -> None:
    decision = ScalingMetricsCollector().should_scale_up(Sample(0, {k: v for k, v in UP.items() if k != "ErrorRate"}))
    assert decision.reasons == ("CPUUtilization > 80 (81)", "ResponseTime > 2 (2.1)")
    assert decision.absent == ("ErrorRate",)


@pytest.mark.parametrize("name", list(DOWN))
def test_scale_down_needs_every_condition(name: str) -> None:
    collector = ScalingMetricsCollector()
    assert collector.should_scale_down(Sample(0, DOWN))
    assert not collector.should_scale_down(Sample(0, DOWN | {name: 99.0}))
    missing = collector.should_scale_down(Sample(0, {k: v for k, v in DOWN.items() if k != name}))
    assert not missing, "what cannot be read forbids scaling down"
    assert missing.absent == (name,)


def test_an_idle_server_may_go() -> None:
    values = {"CPUUtilization": 1.0, "MemoryUtilization": 10.0, "RequestRate": 0.0}
    assert ScalingMetricsCollector().should_scale_down(Sample(0, values))


def test_thresholds_are_data() -> None:
    thresholds = Thresholds((Condition("WorkerSaturation", ">", 70),), 1, CHAPTER.down)
    assert ScalingMetricsCollector(thresholds).should_scale_up(Sample(0, {"WorkerSaturation": 71.0}))


def test_prometheus_text_is_what_its_own_parser_reads() -> None:
    collector = ScalingMetricsCollector()
    _record(collector, (0.1, 200), (3.0, 500))
    text = render(collector.totals(), SAMPLE)
    found = {family.name: family for family in text_string_to_metric_families(text)}
    assert found["django_requests"].samples[0].value == 2
    assert found["django_request_errors"].samples[0].value == 1
    buckets = {s.labels["le"]: s.value for s in found["django_request_duration_seconds"].samples if "le" in s.labels}
    assert (buckets["0.05"], buckets["0.1"], buckets["2"], buckets["+Inf"]) == (0, 1, 1, 2)
    assert found["django_requests_per_second"].samples[0].value == 5.0
    assert {s.labels["queue"]: s.value for s in found["celery_queue_length"].samples} == {"default": 3.0, "mail": 4.0}
    assert "django_active_sessions" not in found


def test_cloudwatch_gets_the_names_units_and_dimensions_of_the_alarms() -> None:
    data = {(d["MetricName"], tuple(x["Name"] for x in d["Dimensions"])): d for d in metric_data(SAMPLE, "shop-prod")}
    cpu = data["CPUUtilization", ("Environment",)]
    assert (cpu["Unit"], cpu["Value"]) == ("Percent", 90.0)
    assert cpu["Dimensions"] == [{"Name": "Environment", "Value": "shop-prod"}]
    assert data["CacheHitRate", ("Environment", "Level")]["Value"] == 75.0
    assert ("CeleryQueueLength", ("Environment", "Queue")) in data
    assert {m.name: m.unit for m in METRICS if m.name != "DatabasePoolWaiting"} == {
        "DatabaseConnections": "Count",
        "RequestRate": "Count/Second",
        "ResponseTime": "Seconds",
        "ErrorRate": "Percent",
        "WorkerSaturation": "Percent",
        "CPUUtilization": "Percent",
        "MemoryUtilization": "Percent",
        "CacheHitRate": "Percent",
        "ActiveSessions": "Count",
        "CeleryQueueLength": "Count",
    }


def test_cloudwatch_sends_a_sample_in_one_call_that_boto3_accepts() -> None:
    import boto3
    from botocore.stub import Stubber

    client = boto3.client("cloudwatch", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    expected = {"Namespace": "Django/Application", "MetricData": metric_data(SAMPLE, "shop-prod")}
    with Stubber(client) as stub:
        stub.add_response("put_metric_data", {}, expected)
        assert CloudWatch("Django/Application", "shop-prod", "eu-west-1", client).publish(SAMPLE) == 1
        stub.assert_no_pending_responses()


def test_the_embedded_metric_format() -> None:
    lines = [json.loads(line) for line in embedded(SAMPLE, "Django/Application", "shop-prod")]
    first = lines[0]
    assert first["Environment"] == "shop-prod"
    assert first["CPUUtilization"] == 90.0
    directive = first["_aws"]["CloudWatchMetrics"][0]
    assert directive["Namespace"] == "Django/Application"
    assert directive["Dimensions"] == [["Environment"]]
    assert {"Name": "CPUUtilization", "Unit": "Percent"} in directive["Metrics"]
    assert first["_aws"]["Timestamp"] == 1_700_000_000_000
    assert [line["Queue"] for line in lines if "Queue" in line] == ["default", "mail"]


@pytest.fixture
def request_() -> HttpRequest:
    return RequestFactory().get("/page")


def test_the_middleware_counts_sync_requests_and_those_that_raise(request_: HttpRequest) -> None:
    middleware = ScalingMetricsMiddleware(lambda _: HttpResponse(status=503))
    assert middleware(request_).status_code == 503  # type: ignore[union-attr]

    def broken(_: HttpRequest) -> HttpResponse:
        raise RuntimeError("view")

    with pytest.raises(RuntimeError, match="view"):
        ScalingMetricsMiddleware(broken)(request_)
    totals = slots_module.slots().totals()
    assert (totals.requests, totals.errors, totals.busy) == (2, 2, 0)


def test_the_middleware_counts_async_requests(request_: HttpRequest) -> None:
    async def view(_: HttpRequest) -> HttpResponse:
        await asyncio.sleep(0.02)
        return HttpResponse()

    async def serve() -> None:
        middleware: Any = ScalingMetricsMiddleware(view)
        await asyncio.gather(*(middleware(request_) for _ in range(5)))

    asyncio.run(serve())
    totals = slots_module.slots().totals()
    assert (totals.requests, totals.errors, totals.busy) == (5, 0, 0)
    assert totals.seconds >= 0.1


def test_the_scrape_is_answered_only_where_prometheus_is_the_exporter() -> None:
    scrape = RequestFactory().get("/metrics")
    plain = ScalingMetricsMiddleware(lambda _: HttpResponse("page"))
    assert plain(scrape).content == b"page"  # type: ignore[union-attr]
    with override_settings(DJANGO_SCALE={"METRICS_EXPORTER": "prometheus"}):
        answer: Any = ScalingMetricsMiddleware(lambda _: HttpResponse("page"))(scrape)
    assert b"django_requests_total" in answer.content


def test_several_exporters_answer_the_scrape_too() -> None:
    with override_settings(DJANGO_SCALE={"METRICS_EXPORTER": ["cloudwatch", "prometheus"]}):
        answer: Any = ScalingMetricsMiddleware(lambda _: HttpResponse("page"))(RequestFactory().get("/metrics"))
    assert b"django_requests_total" in answer.content


def test_what_came_through_a_load_balancer_gets_no_metrics() -> None:
    through = RequestFactory().get("/metrics", headers={"x-forwarded-for": "203.0.113.7"})
    with override_settings(DJANGO_SCALE={"METRICS_EXPORTER": "prometheus"}):
        answer: Any = ScalingMetricsMiddleware(lambda _: HttpResponse("page"))(through)
    assert answer.content == b"page"


@pytest.fixture
def broker(shards: list[Redis]) -> Iterator[str]:
    server = shards[0]
    yield f"redis://{server.address}/0"
    server.ask("DEL", "default", "default\x06\x163", "mail")


def test_queue_lengths_from_redis_with_priorities(broker: str, shards: list[Redis]) -> None:
    from celery import Celery

    app = Celery(broker=broker)
    app.conf.broker_transport_options = {"queue_order_strategy": "priority"}
    for priority in (0, 3, 3):
        app.send_task("task", queue="default", priority=priority)
    with override_settings(DJANGO_SCALE={"CELERY_QUEUES": ["default", "mail"], "CELERY_BROKER_URL": broker}):
        assert sources.queue_lengths() == {"default": 3.0, "mail": 0.0}
        assert ScalingMetricsCollector().sample().values["CeleryQueueLength"] == 3.0


def test_queue_lengths_through_kombu() -> None:
    from importlib import import_module

    kombu: Any = import_module("kombu")
    url = "memory://"
    with kombu.Connection(url) as connection:
        queue = connection.SimpleQueue("kombu-queue")
        queue.put("one")
        queue.put("two")
        with override_settings(DJANGO_SCALE={"CELERY_QUEUES": ["kombu-queue", "missing"], "CELERY_BROKER_URL": url}):
            assert sources.queue_lengths() == {"kombu-queue": 2.0}
