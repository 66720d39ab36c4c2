"""Metrics for scaling: collected without I/O in requests, exported to Prometheus or CloudWatch."""

from __future__ import annotations

from django_scale.metrics.collector import Sample, ScalingMetricsCollector, scaling_metrics
from django_scale.metrics.decisions import CHAPTER, Condition, Decision, Thresholds
from django_scale.metrics.middleware import ScalingMetricsMiddleware

__all__ = [
    "CHAPTER",
    "Condition",
    "Decision",
    "Sample",
    "ScalingMetricsCollector",
    "ScalingMetricsMiddleware",
    "Thresholds",
    "scaling_metrics",
]
