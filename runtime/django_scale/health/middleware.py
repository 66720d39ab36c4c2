"""Answers health probes before anything else does: they come with an address for a host name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import cast

from asgiref.sync import markcoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from django_scale.conf import options
from django_scale.health import checks
from django_scale.health.draining import draining

Handler = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]


def live() -> HttpResponse:
    """200: this process answers. Nothing else is asked, or a slow database would have every server restarted."""
    return HttpResponse("ok\n", content_type="text/plain", headers={"Cache-Control": "no-store"})


def ready() -> HttpResponse:
    """200 when requests can be served here, 503 when not, and while the server drains."""
    if draining():
        return _json(503, {"status": "draining"})
    report = checks.readiness.report()
    status = "not ready" if not report.ready else "degraded" if report.degraded else "ready"
    return _json(200 if report.ready else 503, {"status": status, "checks": report.checks})


def _json(status: int, body: dict[str, object]) -> HttpResponse:
    return JsonResponse(body, status=status, headers={"Cache-Control": "no-store"})


class HealthMiddleware:
    """HEALTH_PATH and HEALTH_PATH + "live" say that the process lives, + "ready" that it can serve."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        path = options().health_path.rstrip("/")
        self._live = frozenset({path, f"{path}/", f"{path}/live", f"{path}/live/"})
        self._ready = frozenset({f"{path}/ready", f"{path}/ready/"})
        self._async = iscoroutinefunction(get_response)
        if self._async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer a probe, or pass on."""
        if self._async:
            return self._serve_async(request)
        if request.path in self._live:
            return live()
        if request.path in self._ready:
            return ready()
        return self.get_response(request)

    async def _serve_async(self, request: HttpRequest) -> HttpResponseBase:
        if request.path in self._live:
            return live()
        if request.path in self._ready:
            return await sync_to_async(ready, thread_sensitive=False)()
        return await cast("Awaitable[HttpResponseBase]", self.get_response(request))
