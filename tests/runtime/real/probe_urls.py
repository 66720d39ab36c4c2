"""The example's pages, and those that look behind them."""

from __future__ import annotations

import json
from typing import Any

from articles.models import Article
from django.contrib.auth.models import User
from django.db import connections, transaction
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django_scale.db import using_primary
from django_scale.db.pool import replica_pool


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


urlpatterns = [
    path("probe/page/", page),
    path("probe/read/", read),
    path("probe/read/async/", read_async),
    path("probe/write/", write),
    path("probe/modes/", modes),
    path("probe/state/", state),
    path("", include("project.urls")),
]
