"""Caches: `MultiLevelCache` and `DatabaseCache` are BACKENDs, `CacheWarmer` fills them ahead of the traffic."""

from __future__ import annotations

from django_scale.cache.database import DatabaseCache
from django_scale.cache.multilevel import MultiLevelCache
from django_scale.cache.warmer import CacheWarmer, warmer

__all__ = ["CacheWarmer", "DatabaseCache", "MultiLevelCache", "warmer"]
