"""What goes wrong with servers."""

from __future__ import annotations


class ServerError(RuntimeError):
    """A server did not start or a tool failed; the message ends with its log."""
