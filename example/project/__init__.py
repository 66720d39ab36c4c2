"""The example project; tasks must know its Celery application before they are defined."""

from project.celery import app as celery_app

__all__ = ["celery_app"]
