"""Celery of the example; without CELERY_BROKER_URL tasks run where they are sent."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

app = Celery("example")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_always_eager = not os.environ.get("CELERY_BROKER_URL")
app.autodiscover_tasks()
