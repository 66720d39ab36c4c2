"""Clients that ask without a pause."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from scale.local.servers import Server
from tests.runtime.real.application import Client


@dataclass(frozen=True)
class Request:
    """One request: when it began and ended by `time.monotonic()`, its status (0: no answer) and body."""

    began: float
    ended: float
    status: int
    body: Any


@dataclass
class Load:
    """What the clients have seen."""

    requests: list[Request] = field(default_factory=lambda: list[Request]())

    def failures(self, since: float = 0) -> list[Request]:
        """Requests that began after `since` and failed."""
        return [r for r in self.requests if r.began >= since and r.status != 200]

    def since(self, moment: float) -> list[Request]:
        """Requests that began after `moment`."""
        return [r for r in self.requests if r.began >= moment]


@contextmanager
def load(application: Server, path: str, clients: int = 8) -> Generator[Load]:
    """`clients` threads that ask for `path` while the block runs, each 100 times a second at most."""
    found, stopped = Load(), threading.Event()

    def run() -> None:
        client = Client(application)
        while not stopped.wait(0.01):
            began = time.monotonic()
            try:
                answer = client.get(path)
                status, body = answer.status, answer.body
            except OSError as error:
                status, body = 0, repr(error).encode()
            found.requests.append(Request(began, time.monotonic(), status, body))

    threads = [threading.Thread(target=run, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        stopped.set()
        for thread in threads:
            thread.join(20)
