"""What the example stores."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.urls import reverse


class Article(models.Model):
    """An article; `views` counts its readers, some seconds late."""

    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="articles")
    title = models.CharField(max_length=200)
    body = models.TextField(blank=True)
    published = models.BooleanField(default=True)
    views = models.PositiveIntegerField(default=0, db_index=True)
    created = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        """The title."""
        return self.title

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("articles:detail", args=[self.pk])
