"""One request at a time, over HTTP or HTTPS, with what TLS agreed on."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit

SECONDS = 10
"""How long a connection, or the next byte of an answer, is waited for."""
_MOST_BYTES = 1 << 20

Result = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True)
class Check:
    """The result of one check, with what was seen, and how to mend it where it failed."""

    name: str
    result: Result
    seen: str
    mend: str = ""


@dataclass(frozen=True)
class Answer:
    """An answer: header names in lower case, the first megabyte of the body, what TLS agreed on, if anything."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    tls: str = ""
    certificate: Mapping[str, Any] | None = None


class NoAnswerError(Exception):
    """There was no answer; the text says why."""


def get(url: str) -> Answer:
    """Return the answer to one GET; redirects are not followed. Raises NoAnswerError."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        # The system's authorities, or those of SSL_CERT_FILE; the certificate must be valid for the host.
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(host, parts.port or 443, timeout=SECONDS, context=context)
    else:
        connection = http.client.HTTPConnection(host, parts.port or 80, timeout=SECONDS)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("GET", target, headers={"User-Agent": "django-scale", "Accept": "*/*"})
        tls, certificate = "", None
        if isinstance(connection.sock, ssl.SSLSocket):
            tls, certificate = connection.sock.version() or "", connection.sock.getpeercert()
        response = connection.getresponse()
        headers = {key.lower(): value for key, value in response.getheaders()}
        return Answer(response.status, headers, response.read(_MOST_BYTES), tls, certificate)
    except ssl.SSLCertVerificationError as error:
        raise NoAnswerError(f"the certificate is not valid: {error.verify_message}") from error
    except (OSError, http.client.HTTPException) as error:
        said = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
        raise NoAnswerError(f"{parts.scheme}://{parts.netloc} does not answer: {said}") from error
    finally:
        connection.close()


def below(url: str, path: str) -> str:
    """Return the address of a path on the same host."""
    return urljoin(url, path)
