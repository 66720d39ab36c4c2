"""The example's settings, with pages that say which database they read."""

import os
from typing import Any

from project import settings as example

_given: dict[str, Any] = {name: value for name, value in vars(example).items() if name.isupper()}
_given["ROOT_URLCONF"] = "tests.runtime.real.probe_urls"
if "DRAIN_FOR_TESTS" in os.environ:
    _given["DJANGO_SCALE"] |= {"DRAIN_SECONDS": 2}
if "STATIC_FOR_TESTS" in os.environ:
    _given["STATIC_ROOT"] = os.environ["STATIC_FOR_TESTS"]
if "CELERY_DEFAULT_QUEUE_FOR_TESTS" in os.environ:
    _given["CELERY_TASK_DEFAULT_QUEUE"] = os.environ["CELERY_DEFAULT_QUEUE_FOR_TESTS"]
globals().update(_given)
