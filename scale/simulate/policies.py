"""Policies to compare a stack's own with."""

from __future__ import annotations

from model.scaling import ScalingPolicy

CHAPTER = ScalingPolicy()
"""The guide's policy, which the settings have as their defaults: CPU 70, 1,000 requests a target, two step policies."""

AWS_DEFAULTS = ScalingPolicy(
    cpu_percent=50, requests_per_target=None, warmup_seconds=300, database_connections=None, response_time=None
)
"""What the Auto Scaling console proposes: target tracking on CPU at 50 %, and the default cool-down of 300 s, which is
the warm-up where none is set."""
