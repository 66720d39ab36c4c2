"""The metrics: names and units as CloudWatch has them, and the name for Prometheus."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """A metric. `unit` is CloudWatch's; `prometheus` a gauge with the same value."""

    name: str
    unit: str
    prometheus: str
    meaning: str


METRICS: tuple[Metric, ...] = (
    Metric("RequestRate", "Count/Second", "django_requests_per_second", "requests a second, over the last minute"),
    Metric("ResponseTime", "Seconds", "django_response_time_seconds", "mean time of a request, over the last minute"),
    Metric("ErrorRate", "Percent", "django_error_percent", "responses of 500 and above, over the last minute"),
    Metric("WorkerSaturation", "Percent", "django_worker_saturation_percent", "busy of all threads, last minute"),
    Metric("CPUUtilization", "Percent", "django_cpu_percent", "CPU of the container, of its limit"),
    Metric("MemoryUtilization", "Percent", "django_memory_percent", "memory of the container, of its limit"),
    Metric("DatabaseConnections", "Count", "django_database_connections", "connections of clients to the database"),
    Metric("DatabasePoolWaiting", "Count", "django_database_pool_waiting", "requests waiting for a connection"),
    Metric("CacheHitRate", "Percent", "django_cache_hit_percent", "reads of the cache that found a value, last minute"),
    Metric("ActiveSessions", "Count", "django_active_sessions", "sessions that have not ended"),
    Metric("CeleryQueueLength", "Count", "celery_queue_length", "tasks that wait in a queue"),
)
UNITS = {metric.name: metric.unit for metric in METRICS}
