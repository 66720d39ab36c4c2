"""The Helm charts of what serves metrics to autoscalers, each at the version that was looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Chart:
    """A chart by name and version in a repository."""

    name: str
    version: str
    repository: str


_PROMETHEUS = "https://prometheus-community.github.io/helm-charts"

PROMETHEUS_CHART = Chart("prometheus", "27.19.0", _PROMETHEUS)
"""Prometheus 3.4.1, as the chart's release notes have it (second-hand)."""

ADAPTER_CHART = Chart("prometheus-adapter", "5.3.0", _PROMETHEUS)
"""The adapter's 0.12.0 (Artifact Hub's feed, 2026-02-19)."""

KEDA_CHART = Chart("keda", "2.21.0", "https://kedacore.github.io/charts")
"""KEDA 2.21.0, which its makers test with Kubernetes 1.34 to 1.36 (KEDA's guide, "Cluster", compatibility)."""

VPA_CHART = Chart("vertical-pod-autoscaler", "0.9.0", "https://kubernetes.github.io/autoscaler")
"""The vertical pod autoscaler 1.6.0 (the chart second-hand, from a dependency update of May 2026)."""
