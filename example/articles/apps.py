"""The application."""

from django.apps import AppConfig


class ArticlesConfig(AppConfig):
    """Articles."""

    name = "articles"
    default_auto_field = "django.db.models.BigAutoField"
