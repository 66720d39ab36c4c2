"""Prometheus's text format, version 0.0.4, of a whole host: any of its processes can be scraped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django_scale.db.pool import replica_pool
from django_scale.metrics.collector import Sample
from django_scale.metrics.names import METRICS
from django_scale.metrics.slots import BOUNDS, Totals

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _family(name: str, kind: str, meaning: str, rows: Mapping[str, float]) -> Iterator[str]:
    if rows:
        yield f"# HELP {name} {meaning}"
        yield f"# TYPE {name} {kind}"
        for labels, value in rows.items():
            yield f"{name}{labels} {value:.17g}"


def _counters(totals: Totals) -> Iterator[str]:
    yield from _family("django_requests_total", "counter", "requests", {"": totals.requests})
    yield from _family("django_request_errors_total", "counter", "responses of 500 and above", {"": totals.errors})
    for outcome, place in (("hits", 0), ("misses", 1)):
        rows = {f'{{level="{level}"}}': counts[place] for level, counts in totals.cache.items()}
        yield from _family(f"django_cache_{outcome}_total", "counter", f"{outcome} of the cache by level", rows)


def _histogram(totals: Totals) -> Iterator[str]:
    name, running = "django_request_duration_seconds", 0.0
    yield f"# HELP {name} time of requests"
    yield f"# TYPE {name} histogram"
    for bound, number in zip((*BOUNDS, float("inf")), totals.buckets, strict=True):
        running += number
        edge = "+Inf" if bound == float("inf") else f"{bound:g}"
        yield f'{name}_bucket{{le="{edge}"}} {running:.17g}'
    yield f"{name}_sum {totals.seconds:.17g}"
    yield f"{name}_count {running:.17g}"


def _gauges(totals: Totals, sample: Sample) -> Iterator[str]:
    for metric in METRICS:
        if metric.name == "CeleryQueueLength":
            rows = {f'{{queue="{_escape(queue)}"}}': length for queue, length in sample.queues.items()}
        else:
            rows = {"": sample.values[metric.name]} if metric.name in sample.values else {}
        yield from _family(metric.prometheus, "gauge", metric.meaning, rows)
    levels = {f'{{level="{level}"}}': rate for level, rate in sample.cache_levels.items()}
    yield from _family("django_cache_level_hit_percent", "gauge", "hits of a level's reads, last minute", levels)
    yield from _family("django_worker_busy", "gauge", "requests being served", {"": totals.busy})
    yield from _family("django_worker_capacity", "gauge", "requests that can be served at once", {"": totals.capacity})
    yield from _family("django_worker_processes", "gauge", "processes that serve", {"": float(totals.processes)})
    replicas = {f'{{alias="{_escape(a)}"}}': float(r.serves) for a, r in replica_pool().replicas.items()}
    yield from _family("django_database_replica_serves", "gauge", "1 while reads go to the replica", replicas)


def render(totals: Totals, sample: Sample) -> str:
    """The text of a scrape."""
    return "\n".join([*_counters(totals), *_histogram(totals), *_gauges(totals, sample), ""])
