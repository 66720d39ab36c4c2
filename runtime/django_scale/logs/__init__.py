"""What is written down of a request, under one id from the edge to the database.

`RequestLogMiddleware` stands behind HealthMiddleware in MIDDLEWARE; `JsonFormatter` goes into LOGGING.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django_scale.logs.context import request_id
    from django_scale.logs.formatter import JsonFormatter
    from django_scale.logs.middleware import RequestLogMiddleware

__all__ = ["JsonFormatter", "RequestLogMiddleware", "request_id"]

_HOMES = {"JsonFormatter": "formatter", "RequestLogMiddleware": "middleware", "request_id": "context"}


def __getattr__(name: str) -> Any:
    # A settings module imports the formatter, before there are settings for the middleware to read.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
