"""TLS by Mozilla's intermediate profile: server side TLS guidelines, version 6.0.

TLS 1.2 and 1.3, the client's order of ciphers, no session tickets. The profile's newest group, X25519MLKEM768, is left
out: OpenSSL knows it from 3.5 on, and the servers here have 3.0 to 3.2, which refuse a list with a name that they do
not know.
"""

from __future__ import annotations

CIPHERS = ":".join(
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-RSA-CHACHA20-POLY1305",
    )
)
"""For TLS 1.2."""

CIPHER_SUITES = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
"""For TLS 1.3."""

CURVES = "X25519:prime256v1:secp384r1"
"""The groups of the key exchange."""
