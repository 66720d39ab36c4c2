"""Read-your-writes between requests: what a session has written travels in a cookie or in the session."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import cast

from asgiref.sync import markcoroutinefunction, sync_to_async
from django.db import DatabaseError, connections
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from django_scale.conf import options
from django_scale.db.lsn import CURRENT_LSN, Token, parse_lsn
from django_scale.db.pool import PRIMARY, ReplicasUnavailableError, replica_pool
from django_scale.db.scope import Scope, current, unrecorded

logger = logging.getLogger("django_scale.db")

SESSION_KEY = "django_scale_lsn"
Handler = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]


def written_token() -> Token:
    """The token for what the running thread has committed: the primary's position now, or a time without LSNs."""
    connection = connections[PRIMARY]
    if connection.vendor == "postgresql":
        try:
            with unrecorded(), connection.cursor() as cursor:
                cursor.execute(CURRENT_LSN)
                return Token(lsn=parse_lsn(str(cursor.fetchone()[0])))
        except DatabaseError as error:
            logger.warning("the primary gives no LSN, reads are pinned by time: %s", error)
    return Token(until=time.time() + options().max_lag_seconds)


class RoutingMiddleware:
    """One replica a request, and reads that see what the same user wrote before.

    With DJANGO_SCALE['STICKY'] = "cookie" it stands outside all that writes; with "session", after SessionMiddleware.
    What a streaming response writes while it is sent is not seen: its headers are gone by then.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self._by_session = options().sticky == "session"
        self._cookie = options().sticky_cookie
        self._async = iscoroutinefunction(get_response)
        if self._async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Serve one request in a scope of its own."""
        if not replica_pool().replicas:
            return self.get_response(request)
        if self._async:
            return self._serve_async(request)
        scope, previous = self._begin(request)
        try:
            response = cast("HttpResponseBase", self.get_response(request))
            if scope.wrote:
                self._remember(request, response, scope, written_token())
            return response
        finally:
            self._end(scope, previous)

    async def _serve_async(self, request: HttpRequest) -> HttpResponseBase:
        scope, previous = await sync_to_async(self._begin)(request) if self._by_session else self._begin(request)
        current.set(scope)
        try:
            response = await cast("Awaitable[HttpResponseBase]", self.get_response(request))
            if scope.wrote:
                token = await sync_to_async(written_token)()
                await sync_to_async(self._remember)(request, response, scope, token)
            return response
        finally:
            self._end(scope, previous)

    def _begin(self, request: HttpRequest) -> tuple[Scope, Scope | None]:
        signed = request.session.get(SESSION_KEY) if self._by_session else request.COOKIES.get(self._cookie)
        scope = Scope(Token.read(signed) if signed else None)
        previous = current.get()
        current.set(scope)
        return scope, previous

    def _end(self, scope: Scope, previous: Scope | None) -> None:
        replica_pool().release(scope)
        current.set(previous)

    def _remember(self, request: HttpRequest, response: HttpResponseBase, scope: Scope, token: Token) -> None:
        signed = token.merge(scope.token).sign()
        if self._by_session:
            request.session[SESSION_KEY] = signed
            return
        response.set_cookie(
            self._cookie,
            signed,
            max_age=round(options().sticky_seconds),
            secure=request.is_secure(),
            httponly=True,
            samesite="Lax",
        )

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """503 when the cap on reads from the primary is reached: shed load, do not take the primary down."""
        if isinstance(exception, ReplicasUnavailableError):
            return HttpResponse(
                "Service unavailable", status=503, headers={"Retry-After": "5"}, content_type="text/plain"
            )
        return None
