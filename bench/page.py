"""The lightest page that gunicorn can serve: what stands before it is seen as clearly as behind any application."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

BODY = b"x" * 2000
HEADERS = [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(BODY)))]


def application(_: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], object]) -> Iterable[bytes]:
    """Answer with the same text at every path."""
    start_response("200 OK", HEADERS)
    return [BODY]
