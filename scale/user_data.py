"""EC2's user data, as launch templates hold it: base64, of a script or of a script that gzip has compressed."""

from __future__ import annotations

import base64
import binascii
import gzip
import zlib

_GZIP = b"\x1f\x8b"


def script(user_data: str) -> str | None:
    """Return the script that `user_data` is; None where it is no base64, or ends in the middle of what is packed.

    Bytes that are no text are replaced by a mark.
    """
    try:
        content = base64.b64decode(user_data, validate=True)
        if content.startswith(_GZIP):
            content = gzip.decompress(content)
    except (binascii.Error, ValueError, EOFError, OSError, zlib.error):
        return None
    return content.decode("utf-8", errors="replace")
