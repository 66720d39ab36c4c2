"""Tasks of the example."""

from celery import shared_task
from django.db.models import F

from articles.models import Article


@shared_task(ignore_result=True)
def count_view(pk: int) -> None:
    """Count one reader of an article."""
    Article.objects.filter(pk=pk).update(views=F("views") + 1)
