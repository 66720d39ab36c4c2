"""Values as bytes: a flag byte, the end in milliseconds, then JSON or a pickle, compressed above a size.

Integers are stored as their decimal digits and nothing else, so that Redis itself can add to them.
"""

from __future__ import annotations

import json
import pickle
import struct
import time
import zlib
from typing import Any

from django.core.exceptions import ImproperlyConfigured

# The high bit is set in every flag byte: no payload looks like the digits of an integer.
_MARK, _JSON, _ZLIB, _ZSTD, _SOFT = 0x80, 0x01, 0x02, 0x04, 0x08
_HEAD = struct.Struct(">BQ")


class Codec:
    """Encodes and decodes values.

    `serializer` is "pickle" or "json", `compressor` "zlib", "zstd" (extra `zstd`) or "" for none, applied from
    `minimum` bytes on. Reads what any of these has written, so that a setting can be changed under traffic.
    """

    def __init__(self, serializer: str = "pickle", compressor: str = "zlib", minimum: int = 1024) -> None:
        if serializer not in {"pickle", "json"}:
            raise ImproperlyConfigured(f"SERIALIZER is pickle or json, not {serializer!r}")
        if compressor not in {"zlib", "zstd", ""}:
            raise ImproperlyConfigured(f"COMPRESSOR is zlib, zstd or nothing, not {compressor!r}")
        self._json = serializer == "json"
        self._minimum = minimum
        self._compressor = compressor
        if compressor == "zstd":
            _zstd()

    def encode(self, value: Any, end: float | None = None, *, soft: bool = False) -> bytes:
        """The bytes of `value`, which ends at `end` in Unix seconds (None: never).

        `soft`: Redis keeps it beyond its end, to be served while it is made anew. TypeError or PicklingError when
        the serializer cannot carry the value.
        """
        if type(value) is int:
            return b"%d" % value
        flags = _MARK | (_SOFT if soft else 0)
        if self._json:
            flags |= _JSON
            body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
        else:
            body = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        if self._compressor and len(body) >= self._minimum:
            smaller, flag = self._compress(body)
            if len(smaller) < len(body):
                body, flags = smaller, flags | flag
        return _HEAD.pack(flags, milliseconds(end)) + body

    def _compress(self, body: bytes) -> tuple[bytes, int]:
        if self._compressor == "zlib":
            # Level 1: a cache is written often, and the higher levels win little on short texts.
            return zlib.compress(body, 1), _ZLIB
        return _zstd().ZstdCompressor(level=3).compress(body), _ZSTD

    def decode(self, data: bytes) -> Any:
        """The value of `data`, ended or not."""
        flags = data[0]
        if not flags & _MARK:
            return int(data)
        body = data[_HEAD.size :]
        if flags & _ZLIB:
            body = zlib.decompress(body)
        elif flags & _ZSTD:
            body = _zstd().ZstdDecompressor().decompress(body)
        return json.loads(body) if flags & _JSON else pickle.loads(body)  # noqa: S301  # as trusted as Django's caches


def milliseconds(end: float | None) -> int:
    """An end as the payload has it."""
    return 0 if end is None else max(1, int(end * 1000))


def is_stale(data: bytes) -> bool:
    """True when `data` is soft and past its end. The end of any other value is Redis's to keep: clocks differ."""
    return data[0] & (_MARK | _SOFT) == _MARK | _SOFT and 0 < _HEAD.unpack_from(data)[1] <= time.time() * 1000


def is_soft(data: bytes) -> bool:
    """True when Redis keeps `data` beyond its end."""
    return data[0] & (_MARK | _SOFT) == _MARK | _SOFT


def end_of(data: bytes) -> float | None:
    """The end of `data` in Unix seconds, None for never. An integer carries none: it counts as ended."""
    if not data[0] & _MARK:
        return 0.0
    end = _HEAD.unpack_from(data)[1]
    return end / 1000 if end else None


def _zstd() -> Any:
    try:
        import zstandard
    except ImportError as error:
        raise ImproperlyConfigured("the cache needs the extra `zstd` of django-scale-runtime") from error
    return zstandard
