"""After SIGTERM the server says that it is not ready, and goes on serving until DRAIN_SECONDS have passed."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import Any

from django_scale.conf import options

_draining = threading.Event()
_previous: Any = None


def draining() -> bool:
    """True once the process has been told to end."""
    return _draining.is_set()


def install() -> None:
    """Listen for SIGTERM before whoever does already; nothing outside the main thread, where Python forbids it.

    Only a handler written in Python is put off: a process without one, such as a management command, ends as it
    always did.
    """
    global _previous
    if threading.current_thread() is not threading.main_thread():
        return
    found = signal.getsignal(signal.SIGTERM)
    if callable(found) and found is not _on_term:
        _previous = found
        signal.signal(signal.SIGTERM, _on_term)


def _on_term(number: int, frame: FrameType | None) -> None:
    first = not _draining.is_set()
    _draining.set()
    delay = options().drain_seconds
    if first and delay > 0:
        # The load balancer must see the 503 before connections are refused.
        timer = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGTERM))
        timer.daemon = True
        timer.start()
    elif callable(_previous):
        _previous(number, frame)
