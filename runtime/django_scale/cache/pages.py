"""The page cache, not for those who have just written: a page of before would hide what they wrote."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.middleware import cache

from django_scale.db.lsn import Token
from django_scale.db.scope import current


class FetchFromCacheMiddleware(cache.FetchFromCacheMiddleware):
    """Django's, passed by while the session is bound to the primary; such pages are not stored either."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """The cached page, or None."""
        scope = current.get()
        if scope is not None and scope.token != Token():
            request._cache_update_cache = False  # type: ignore[attr-defined]  # as Django's own middleware says it
            return None
        return super().process_request(request)
