"""The example's pages, and those that look behind them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

from articles.models import Article
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import DataError, connections, transaction
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.urls import include, path
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django_scale.db import using_primary
from django_scale.db.pool import replica_pool
from django_scale.logs.context import Context, current


@never_cache
def read(request: HttpRequest) -> JsonResponse:
    """Which aliases two reads of one request use, and whether an article is there."""
    rows = Article.objects.filter(title=request.GET.get("title", ""))
    found = rows.exists()
    return JsonResponse({"alias": rows.db, "again": Article.objects.all().db, "found": found})


@never_cache
async def read_async(request: HttpRequest) -> JsonResponse:
    """As read, in an async view."""
    rows = Article.objects.filter(title=request.GET.get("title", ""))
    found = await rows.aexists()
    return JsonResponse({"alias": rows.db, "again": Article.objects.all().db, "found": found})


@csrf_exempt
def write(request: HttpRequest) -> JsonResponse:
    """Write an article, in a transaction, and read it in the same request."""
    title = json.loads(request.body)["title"]
    with transaction.atomic():
        author = User.objects.get_or_create(username="author")[0]
        Article.objects.create(author=author, title=title)
        inside = Article.objects.all().db
    rows = Article.objects.filter(title=title)
    return JsonResponse({"inside": inside, "after": rows.db, "found": rows.exists()})


@never_cache
def newest(request: HttpRequest) -> JsonResponse:
    """The newest article."""
    return JsonResponse({"pk": Article.objects.using("default").latest("pk").pk})


@never_cache
def modes(request: HttpRequest) -> JsonResponse:
    """Where reads go under each rule."""
    with using_primary():
        forced = Article.objects.all().db
    with transaction.atomic():
        inside = Article.objects.all().db
    return JsonResponse(
        {
            "plain": Article.objects.all().db,
            "using_primary": forced,
            "atomic": inside,
            "auth": User.objects.all().db,
            "opened": sorted(c.alias for c in connections.all(initialized_only=True) if c.connection is not None),
        }
    )


@never_cache
def state(request: HttpRequest) -> JsonResponse:
    """What this process thinks of the replicas."""
    found: dict[str, Any] = {
        alias: {"serves": r.serves, "ejected": r.ejected, "lagging": r.lagging, "lag_seconds": r.lag_seconds}
        for alias, r in replica_pool().replicas.items()
    }
    return JsonResponse(found)


def page(request: HttpRequest) -> JsonResponse:
    """A page that the page cache takes."""
    return JsonResponse({"found": Article.objects.filter(title=request.GET["title"]).exists()})


logger = logging.getLogger("probe")
_SEEN = "SELECT application_name, query FROM pg_stat_activity WHERE pid = pg_backend_pid()"


def _activity() -> tuple[str, str]:
    with connections["default"].cursor() as cursor:
        cursor.execute(_SEEN)
        return cursor.fetchone()


@never_cache
def seen(request: HttpRequest) -> JsonResponse:
    """What the primary sees of the first statement of a request, and of its second; a line in the log."""
    logger.warning("looked, \x1b[31m and\n{'forged': true}")
    (first, first_query), (second, second_query) = _activity(), _activity()
    queries = [first_query, second_query]
    return JsonResponse({"names": [first, second], "queries": queries})


@never_cache
async def seen_async(request: HttpRequest) -> JsonResponse:
    """As seen, in an async view; the ORM's thread has the request's id too."""
    logger.warning("looked asynchronously")
    return JsonResponse({"name": (await sync_to_async(_activity)())[0]})


@never_cache
def rolled_back(request: HttpRequest) -> JsonResponse:
    """The connection's name after a transaction that fails in its first statement, and in the statements after it."""
    _activity()
    # Another request, on the same connection.
    current.set(Context("inner", request))
    left = ""
    try:
        with transaction.atomic(using="default"), connections["default"].cursor() as cursor:
            cursor.execute("SELECT 1/0")
    except DataError:
        left = connections["default"].connection.info.parameter_status("application_name")
    return JsonResponse({"names": [left, _activity()[0], _activity()[0]]})


@never_cache
def rows(request: HttpRequest) -> JsonResponse:
    """Statements of every kind, each the first of its kind: their results are not those of SET."""
    with transaction.atomic():
        author = User.objects.get_or_create(username="rows")[0]
        made = Article.objects.create(author=author, title="rows 100 %")
        found = list(Article.objects.filter(title__contains="100 %", pk=made.pk).values_list("title", flat=True))
        changed = Article.objects.filter(pk=made.pk).update(views=7)
        streamed = [article.views for article in Article.objects.filter(pk=made.pk).iterator(chunk_size=1)]
        deleted = Article.objects.filter(pk=made.pk).delete()[0]
    return JsonResponse({"found": found, "changed": changed, "streamed": streamed, "deleted": deleted})


@never_cache
def streamed(request: HttpRequest) -> StreamingHttpResponse:
    """A stream that says a line of its own."""

    def parts() -> Iterator[bytes]:
        yield b"one "
        logger.warning("in the stream")
        yield b"two"

    return StreamingHttpResponse(parts())


def broken(request: HttpRequest) -> JsonResponse:
    """Fails, with a secret in its message."""
    raise ValueError("no answer from https://api.example/?token=tell-nobody with a secret of the tests")


urlpatterns = [
    path("probe/seen/", seen, name="probe-seen"),
    path("probe/seen/async/", seen_async, name="probe-seen-async"),
    path("probe/rolled-back/", rolled_back),
    path("probe/rows/", rows),
    path("probe/streamed/", streamed, name="probe-streamed"),
    path("probe/broken/", broken, name="probe-broken"),
    path("probe/page/", page),
    path("probe/read/", read),
    path("probe/read/async/", read_async),
    path("probe/write/", write),
    path("probe/modes/", modes),
    path("probe/newest/", newest),
    path("probe/state/", state),
    path("", include("project.urls")),
]
