"""Clients for tests: one that says exactly what it is told to, and one for ordinary requests."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO


@dataclass(frozen=True)
class Answer:
    """An answer. Names of fields are in lower case; the values of one that came twice are joined with a comma."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body."""
        return self.body.decode()


class Client:
    """A connection that is kept; closed at the end of a `with` block."""

    def __init__(self, port: int, *, tls: ssl.SSLContext | None = None, source: str = "127.0.0.1") -> None:
        given: dict[str, Any] = {"timeout": 60, "source_address": (source, 0)}
        self._connection = (
            http.client.HTTPConnection("127.0.0.1", port, **given)
            if tls is None
            else http.client.HTTPSConnection("127.0.0.1", port, context=tls, **given)
        )

    def ask(
        self, target: str = "/", *, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        """Send one request, and return what came back."""
        self._connection.request(method, target, body=body or None, headers=dict(headers or {}))
        found = self._connection.getresponse()
        fields: dict[str, str] = {}
        for name, value in found.getheaders():
            key = name.lower()
            fields[key] = f"{fields[key]}, {value}" if key in fields else value
        return Answer(found.status, fields, found.read())

    def __enter__(self) -> Client:
        """Nothing is sent yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self._connection.close()


def ask(port: int, target: str = "/", **given: Any) -> Answer:
    """Send one request on a connection of its own."""
    places = {key: given.pop(key) for key in ("tls", "source") if key in given}
    with Client(port, **places) as client:
        return client.ask(target, **given)


def raw(port: int, *pieces: bytes, seconds: float = 30.0, enough: bytes | None = None) -> bytes:
    """Send these bytes, and return all that comes back until the other side closes or says nothing for a while, or
    `enough` has come."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        received = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
            while part := connection.recv(65536):
                received += part
                if enough is not None and enough in received:
                    break
        except (TimeoutError, ConnectionError):
            pass
        return received


def statuses(received: bytes) -> list[int]:
    """Return the status of each answer in what came back."""
    lines = (line for line in received.split(b"\r\n") if line.startswith(b"HTTP/1."))
    return [int(line.split(b" ")[1]) for line in lines]


def pipelined(port: int, targets: Sequence[str], batch: int = 100) -> list[Answer]:
    """Send GET requests on one connection, many at a time, and on another one when it is closed."""
    found: list[Answer] = []
    while len(found) < len(targets):
        with (
            socket.create_connection(("127.0.0.1", port), timeout=60) as connection,
            connection.makefile("rb") as stream,
        ):
            while part := targets[len(found) : len(found) + batch]:
                lines = (f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() for target in part)
                connection.sendall(b"".join(lines))
                answers = [answer for answer in (_answer(stream) for _ in part) if answer is not None]
                found += answers
                if len(answers) < len(part):
                    break
    return found


def _answer(stream: BinaryIO) -> Answer | None:
    first = stream.readline()
    if not first:
        return None
    headers = http.client.parse_headers(stream)
    body = stream.read(int(headers.get("content-length", "0")))
    return Answer(int(first.split()[1]), {name.lower(): value for name, value in headers.items()}, body)
