"""Ports that nobody uses."""

from __future__ import annotations

import os
import socket

from scale.local.servers.errors import ServerError

_FIRST_PORT, _PORTS = 20_000, 12_000
_given: dict[int, int] = {}
"""The ports that were given, with the descriptors that keep others from them."""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens at, below the range of outgoing connections.

    None is given twice while this process lives, to it or to another one that asks here.
    """
    # Apart from where other processes begin: what is found is bound only later.
    begin = os.getpid() * 97 % _PORTS
    for place in range(_PORTS):
        port = _FIRST_PORT + (begin + place) % _PORTS
        if port in _given or not _unused(port):
            continue
        reserved = _reserve(port)
        if reserved is not None:
            _given[port] = reserved
            return port
    raise ServerError("no free port")


def _unused(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _reserve(port: int) -> int | None:
    """Take the abstract name of a port, which is free again when this process ends (unix(7)); None where it is taken.

    The descriptor that holds it.
    """
    holder = socket.socket(socket.AF_UNIX)
    try:
        holder.bind(f"\0django-scale-port-{port}")
    except OSError:
        holder.close()
        return None
    return holder.detach()
