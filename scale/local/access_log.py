"""What the balancer's access log says: one request a line of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast


@dataclass(frozen=True)
class Request:
    """A request as the balancer saw it. Times in seconds; `upstream_seconds` is None where no server was asked.

    `server` is the name, or the address, of the server that answered.
    """

    status: int
    seconds: float
    upstream_seconds: float | None
    server: str


class AccessLog:
    """Reads what is added to a log. Lines that are no request are passed by."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._place = 0
        self._rest = b""

    def read(self) -> list[Request]:
        """Return the requests that were logged since the last call."""
        try:
            with self._path.open("rb") as log:
                log.seek(self._place)
                added = log.read()
        except FileNotFoundError:
            return []
        self._place += len(added)
        *lines, self._rest = (self._rest + added).split(b"\n")
        return [found for line in lines if (found := parse(line)) is not None]


def parse(line: bytes) -> Request | None:
    """Return the request of a line; None for a line that is none."""
    if b"{" not in line:
        return None
    try:
        entry: object = json.loads(line[line.index(b"{") :])
    except ValueError:
        return None
    if not isinstance(entry, dict) or "status" not in entry:
        return None
    found = cast("Mapping[str, Any]", entry)
    if "milliseconds" in found:
        return _of_haproxy(found)
    return _of_nginx(found) if "seconds" in found else None


def _of_haproxy(found: Mapping[str, Any]) -> Request:
    """HAProxy names a server; -1 is a time that there was none of, and <NOSRV> no server."""
    upstream = float(found.get("upstream_milliseconds", -1))
    server = str(found.get("upstream", ""))
    return Request(
        int(found["status"]),
        max(0.0, float(found["milliseconds"]) / 1000),
        upstream / 1000 if upstream >= 0 else None,
        "" if server.startswith("<") else server,
    )


def _of_nginx(found: Mapping[str, Any]) -> Request:
    """nginx names an address; where it asked several servers, all of them, and the last one answered."""
    return Request(
        int(found["status"]), float(found["seconds"]), _number(found.get("upstream_seconds")), _last(found["upstream"])
    )


def _last(value: object) -> str:
    return str(value).replace(" : ", ", ").rpartition(", ")[2]


def _number(value: object) -> float | None:
    try:
        return float(_last(value))
    except ValueError:
        return None
