"""The Django application: connects what listens."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class DjangoScaleConfig(AppConfig):
    """Application `django_scale`; its one table is the L3 cache."""

    name = "django_scale"
    verbose_name = "Django at scale"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Report errors and traces, watch connections and tasks, listen for the signal that ends the process."""
        from django_scale import errors, tracing
        from django_scale.db import observer, tasks
        from django_scale.health import draining
        from django_scale.logs import tasks as log_tasks

        connection_created.connect(observer.observe, dispatch_uid="django_scale.observe")
        errors.start()
        log_tasks.connect()
        tracing.start()
        tasks.connect()
        draining.install()
