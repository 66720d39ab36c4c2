"""The example's settings, with pages that say which database they read."""

import os

from project.settings import *  # noqa: F403

ROOT_URLCONF = "tests.runtime.real.probe_urls"
if "DRAIN_FOR_TESTS" in os.environ:
    DJANGO_SCALE = DJANGO_SCALE | {"DRAIN_SECONDS": 2}  # noqa: F405  # type: ignore[name-defined]
if "STATIC_FOR_TESTS" in os.environ:
    STATIC_ROOT = os.environ["STATIC_FOR_TESTS"]
if "CELERY_DEFAULT_QUEUE_FOR_TESTS" in os.environ:
    CELERY_TASK_DEFAULT_QUEUE = os.environ["CELERY_DEFAULT_QUEUE_FOR_TESTS"]
