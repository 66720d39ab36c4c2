"""Gives each request its id, and writes its line."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from time import perf_counter
from typing import Any, cast

from asgiref.sync import markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from django_scale.conf import options
from django_scale.logs.context import Context, current, new_id, taken

HEADER = "X-Request-ID"

access = logging.getLogger("django_scale.access")

Handler = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]


class RequestLogMiddleware:
    """The id that the edge has given a request goes into its log lines, its SQL, its tasks and its response.

    The first of REQUEST_ID_HEADERS that is there and harmless counts; where there is none, an id is made. With
    ACCESS_LOG each request has a line when its response, a stream's last byte included, is done.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        chosen = options()
        self._headers = tuple(f"HTTP_{name.upper().replace('-', '_')}" for name in chosen.request_id_headers)
        self._writes = chosen.access_log
        self._async = iscoroutinefunction(get_response)
        if self._async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Serve one request."""
        if self._async:
            return self._serve_async(request)
        context, previous, began = self._begin(request)
        current.set(context)
        try:
            response = cast("HttpResponseBase", self.get_response(request))
        except BaseException:
            current.set(previous)
            raise
        return self._finish(context, previous, response, began)

    async def _serve_async(self, request: HttpRequest) -> HttpResponseBase:
        context, previous, began = self._begin(request)
        current.set(context)
        try:
            response = await cast("Awaitable[HttpResponseBase]", self.get_response(request))
        except BaseException:
            current.set(previous)
            raise
        return self._finish(context, previous, response, began)

    def _begin(self, request: HttpRequest) -> tuple[Context, Context | None, float]:
        meta = request.META
        found = next((name for header in self._headers if (name := taken(meta.get(header)))), "")
        return Context(found or new_id(), request), current.get(), perf_counter()

    def _finish(
        self, context: Context, previous: Context | None, response: HttpResponseBase, began: float
    ) -> HttpResponseBase:
        response.headers[HEADER] = context.request_id

        def end() -> None:
            if self._writes:
                # A server may close a stream from another context.
                current.set(context)
                self._write(context, response.status_code, perf_counter() - began)
            current.set(previous)

        if response.streaming:
            # What is said while a stream is sent belongs to its request too.
            cast("Any", response)._resource_closers.append(end)
        else:
            end()
        return response

    def _write(self, context: Context, status: int, seconds: float) -> None:
        request = cast("HttpRequest", context.request)
        # The path alone: query strings hold tokens. It is decoded, and may hold what forges a line of plain text.
        path = request.path if request.path.isprintable() else ascii(request.path)[1:-1]
        fields = {"method": request.method, "path": path, "status": status, "seconds": round(seconds, 6)}
        line = access.makeRecord(
            access.name,
            logging.INFO,
            __file__,
            0,
            "%s %s %d",
            (request.method, path, status),
            None,
            "access",
            fields,
        )
        access.handle(line)
