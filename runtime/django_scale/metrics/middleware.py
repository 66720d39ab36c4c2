"""Measures each request; answers the scrape."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from time import perf_counter
from typing import cast

from asgiref.sync import markcoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from django_scale.conf import options
from django_scale.metrics import publisher
from django_scale.metrics.collector import scaling_metrics
from django_scale.metrics.prometheus import CONTENT_TYPE, render
from django_scale.metrics.slots import slots

Handler = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]


def scrape() -> HttpResponse:
    """The metrics of this host for Prometheus."""
    sample = scaling_metrics.sample()
    return HttpResponse(render(scaling_metrics.totals(), sample), content_type=CONTENT_TYPE)


class ScalingMetricsMiddleware:
    """Counts, times and classifies requests, sync and async, in some microseconds and without I/O.

    With METRICS_EXPORTER prometheus it answers METRICS_PATH itself, before host validation: a scraper comes by address.
    What came through a proxy is not answered: a load balancer says so in X-Forwarded-For, whatever its client says.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        opts = options()
        self._scraped = opts.metrics_path if "prometheus" in opts.metrics_exporter else None
        self._started = False
        self._async = iscoroutinefunction(get_response)
        if self._async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Serve one request."""
        if self._async:
            return self._serve_async(request)
        if self._is_scrape(request):
            return scrape()
        publisher.ensure_started()
        held, status = slots(), 500
        held.begin()
        began = perf_counter()
        try:
            response = cast("HttpResponseBase", self.get_response(request))
            status = response.status_code
            return response
        finally:
            scaling_metrics.finish(held, perf_counter() - began, status)

    def _is_scrape(self, request: HttpRequest) -> bool:
        return request.path == self._scraped and "HTTP_X_FORWARDED_FOR" not in request.META

    async def _serve_async(self, request: HttpRequest) -> HttpResponseBase:
        if self._is_scrape(request):
            return await sync_to_async(scrape)()
        publisher.ensure_started()
        held, status = slots(), 500
        held.begin()
        began = perf_counter()
        try:
            response = await cast("Awaitable[HttpResponseBase]", self.get_response(request))
            status = response.status_code
            return response
        finally:
            scaling_metrics.finish(held, perf_counter() - began, status)
