"""Health endpoints for load balancers and orchestrators: `HealthMiddleware` stands first in MIDDLEWARE."""

from __future__ import annotations

from django_scale.health.middleware import HealthMiddleware

__all__ = ["HealthMiddleware"]
