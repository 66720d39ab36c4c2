"""What `manage.py warm_cache` fills: users by id, the 100 most read articles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.contrib.auth import get_user_model
from django_scale.cache import warmer

from articles.models import Article

MOST_READ = 100


def user_ids() -> Iterable[int]:
    """All active users, in a stable order."""
    return get_user_model().objects.filter(is_active=True).order_by("pk").values_list("pk", flat=True)


@warmer.register("users", ids=user_ids, timeout=3600)
def users(ids: Sequence[int]) -> Mapping[str, object]:
    """What pages show of a user."""
    rows = get_user_model().objects.filter(pk__in=ids).values("id", "username", "email")
    return {f"user:{row['id']}": row for row in rows}


def popular_ids() -> Iterable[int]:
    """The most read published articles."""
    found = Article.objects.filter(published=True).order_by("-views", "pk")
    return found.values_list("pk", flat=True)[:MOST_READ]


@warmer.register("articles", ids=popular_ids, timeout=1800)
def articles(ids: Sequence[int]) -> Mapping[str, object]:
    """What the API gives of an article."""
    rows = Article.objects.filter(pk__in=ids).values("id", "title", "body", "views")
    return {f"article:{row['id']}": row for row in rows}
