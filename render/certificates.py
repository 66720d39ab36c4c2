"""How a pod gets the certificates that sign the database's: the application's own image has Python, and no more."""

from __future__ import annotations

BUNDLE = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"
"""RDS's certificates of all regions (RDS guide, "Using SSL/TLS to encrypt a connection to a DB instance")."""

_SCRIPT = """\
import os, time, urllib.request
for attempt in range({attempts}):
    try:
        with urllib.request.urlopen({url!r}, timeout=10) as answer:
            text = answer.read()
        break
    except OSError as error:
        print(f"attempt {{attempt + 1}} of {attempts} failed: {{error}}", flush=True)
        if attempt + 1 == {attempts}:
            raise
        time.sleep(3 * (attempt + 1))
with open({path!r} + ".part", "wb") as file:
    file.write(text)
os.replace({path!r} + ".part", {path!r})
"""


def fetch_certificates(path: str, url: str = BUNDLE, attempts: int = 5) -> str:
    """Return the Python program that puts what is at `url` into the file at `path`, or fails."""
    return _SCRIPT.format(path=path, url=url, attempts=attempts)
