"""The request or task that the running code serves."""

from __future__ import annotations

import os
import re
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.http import HttpRequest

# A header is its client's word: what is longer, or could mean something to SQL, to a shell or to a terminal, is not
# taken. A UUID has 36 characters, X-Ray's Root 35, nginx's $request_id 32.
_IDENTIFIER = re.compile(r"[A-Za-z0-9._:=+-]{1,64}")
# An Application Load Balancer's `Root=1-67891233-abcdef012345678912345678`, perhaps after its own `Self=...;`.
_ROOT = re.compile(r"(?:^|;)Root=([^;]*)")


class Context:
    """One request or task. `request` is Django's; the view is known once its URL is resolved."""

    __slots__ = ("request", "request_id", "tag", "task")

    def __init__(self, request_id: str, request: HttpRequest | None = None, task: str = "") -> None:
        self.request_id = request_id
        self.request = request
        self.task = task
        # What SQL carries of it: see django_scale.db.tags.
        self.tag = ""

    @property
    def view(self) -> str:
        """The URL's name with its namespaces, or the view's path; "" before it is resolved and outside a request."""
        match = getattr(self.request, "resolver_match", None)
        return match.view_name or "" if match is not None else ""


current: ContextVar[Context | None] = ContextVar("django_scale_context", default=None)


def request_id() -> str:
    """The id of the request that the running code serves; "" outside any."""
    found = current.get()
    return found.request_id if found is not None else ""


def new_id() -> str:
    """A request's id where the edge has given none: 32 hexadecimal digits, as nginx makes them."""
    return os.urandom(16).hex()


def taken(value: object) -> str:
    """The id that a header's value says, "" for none and for one that may not be written down."""
    if not isinstance(value, str):
        return ""
    root = _ROOT.search(value)
    found = str(root[1]) if root is not None else value
    return found if _IDENTIFIER.fullmatch(found) else ""
