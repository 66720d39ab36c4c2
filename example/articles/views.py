"""Pages of the example: what is cached, what is not, what is slow on purpose."""

from __future__ import annotations

import asyncio
import time

from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from articles.forms import ArticleForm
from articles.models import Article
from articles.tasks import count_view

POPULAR = 20
# The slow page sleeps no longer than this: a client must not hold a thread for as long as it likes.
MAX_SLEEP_SECONDS = 5.0


def article_list(request: HttpRequest) -> HttpResponse:
    """The most read articles, made once a minute for the whole fleet."""

    def popular() -> list[dict[str, object]]:
        found = Article.objects.filter(published=True).order_by("-views", "-created")[:POPULAR]
        return list(found.values("pk", "title", "views"))

    return render(request, "articles/list.html", {"articles": cache.get_or_set("popular", popular, 60)})


@never_cache
def article_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One article, straight from a replica; its reader is counted by a task."""
    article = get_object_or_404(Article.objects.select_related("author"), pk=pk)
    count_view.delay(article.pk)
    return render(request, "articles/detail.html", {"article": article})


@login_required
def article_write(request: HttpRequest) -> HttpResponse:
    """Write an article; the next page shows it, however late the replicas are."""
    form = ArticleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        article = form.save(commit=False)
        article.author = request.user
        article.save()
        cache.delete("popular")
        return redirect(article)
    return render(request, "articles/form.html", {"form": form})


@login_required
@require_POST
def article_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete one's own article."""
    get_object_or_404(Article, pk=pk, author=request.user).delete()
    cache.delete_many(["popular", f"article:{pk}"])
    return redirect("articles:list")


@never_cache
async def article_api(request: HttpRequest, pk: int) -> JsonResponse:
    """One article as JSON, from the cache that the warmer fills; an async view."""
    found = await cache.aget(f"article:{pk}")
    if found is None:
        article = await Article.objects.filter(pk=pk, published=True).afirst()
        if article is None:
            return JsonResponse({"error": "not found"}, status=404)
        found = {"id": article.pk, "title": article.title, "body": article.body, "views": article.views}
        await cache.aset(f"article:{pk}", found, 1800)
    return JsonResponse(found)


def _seconds(request: HttpRequest) -> float:
    try:
        return min(MAX_SLEEP_SECONDS, max(0.0, float(request.GET.get("seconds", "1"))))
    except ValueError:
        return 1.0


@never_cache
def slow(request: HttpRequest) -> HttpResponse:
    """Holds a thread for `seconds`: for tests of saturation and of scaling."""
    time.sleep(_seconds(request))
    return HttpResponse("done\n", content_type="text/plain")


@never_cache
async def slow_async(request: HttpRequest) -> HttpResponse:
    """As slow, without holding a thread under ASGI."""
    await asyncio.sleep(_seconds(request))
    return HttpResponse("done\n", content_type="text/plain")
