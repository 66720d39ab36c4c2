"""What is checked with a request or two."""

from __future__ import annotations

import re
import ssl
import time
from urllib.parse import urljoin, urlsplit

from scale.operate.verify.smoke.web import Answer, Check, NoAnswerError, below, get

_SOON_DAYS = 21
"""ACM renews a certificate 60 days before it ends (ACM guide, "Managed renewal"): this late, renewal has failed."""

_YEAR_SECONDS = 31_536_000
_HASHED = re.compile(r"\.[0-9a-f]{12}\.[A-Za-z0-9.]+$")
"""The names that Django's ManifestStaticFilesStorage gives: twelve digits of the content's MD5 before the suffix."""


def health(url: str, path: str) -> Check:
    """Check that the health check's path answers 200, as it must for the load balancer."""
    try:
        answer = get(below(url, path))
    except NoAnswerError as error:
        mend = "look at DNS, the security group and the targets: `scale status`"
        return Check("health", "failed", str(error), mend)
    if answer.status == 200:
        return Check("health", "passed", f"{path} answers 200")
    return Check("health", "failed", f"{path} answers {answer.status}", "look at the targets: `scale status`")


def tls(url: str) -> Check:
    """Check the TLS version, the certificate's names and the days that it has left."""
    parts = urlsplit(url)
    if parts.scheme != "https":
        return Check("TLS", "skipped", "the address is plain HTTP: set application.domain")
    try:
        answer = get(below(url, "/"))
    except NoAnswerError as error:
        return Check("TLS", "failed", str(error), "look at the certificate of the HTTPS listener")
    certificate = answer.certificate or {}
    names = [value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"]
    days = int((ssl.cert_time_to_seconds(str(certificate["notAfter"])) - time.time()) // 86_400)
    seen = f"{answer.tls}, for {', '.join(names)}, {days} days left"
    if days < _SOON_DAYS:
        return Check("TLS", "failed", seen, "its renewal has failed: look at the validation record of the certificate")
    return Check("TLS", "passed", seen)


def redirect(url: str, http_port: int = 80) -> Check:
    """Check that plain HTTP leads to the same path on HTTPS."""
    parts = urlsplit(url)
    if parts.scheme != "https":
        return Check("redirect", "skipped", "the address is plain HTTP")
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    plain = f"http://{host}:{http_port}/a/path?q=1" if http_port != 80 else f"http://{host}/a/path?q=1"
    try:
        answer = get(plain)
    except NoAnswerError as error:
        return Check("redirect", "failed", str(error), "look at the listener on port 80")
    target = urlsplit(urljoin(plain, answer.headers.get("location", "")))
    leads = (target.scheme, target.hostname, target.path, target.query) == ("https", parts.hostname, "/a/path", "q=1")
    seen = f"{plain} answers {answer.status} to {answer.headers.get('location', 'nowhere')}"
    if answer.status in (301, 308) and leads:
        return Check("redirect", "passed", seen)
    return Check("redirect", "failed", seen, "`pulumi up --refresh` puts the redirect of the listener back")


def static_files(url: str, static_url: str | None) -> Check:
    """Check the headers of a static file: kept for a year where its name has a hash, and of a type that is said.

    `static_url` is one file's address, or where all files begin: the front page then names one.
    """
    found = _static_file(url, static_url)
    if isinstance(found, Check):
        return found
    try:
        answer = get(found)
    except NoAnswerError as error:
        return Check("static files", "failed", str(error), "look at the distribution and its bucket")
    if answer.status != 200:
        return Check(
            "static files", "failed", f"{found} answers {answer.status}", "run collectstatic with this release"
        )
    problems = _header_problems(found, answer)
    if problems:
        return Check("static files", "failed", f"{found}: {'; '.join(problems)}", "`pulumi up --refresh`")
    return Check("static files", "passed", f"{found}: {answer.headers.get('cache-control', '')}")


def _static_file(url: str, static_url: str | None) -> str | Check:
    begins = urljoin(url, static_url or "/static/")
    if not begins.endswith("/"):
        return begins
    try:
        page = get(below(url, "/"))
    except NoAnswerError as error:
        return Check(
            "static files", "failed", str(error), "put the address right first: the front page names the files"
        )
    links = re.findall(r"""(?:href|src)=["']([^"'#]+)["']""", page.body.decode(errors="replace"))
    files = [urljoin(url, link) for link in links if urljoin(url, link).startswith(begins)]
    if not files:
        return Check("static files", "skipped", f"the front page names no file below {begins}: name one (--static-url)")
    return next((each for each in files if _HASHED.search(urlsplit(each).path)), files[0])


def _header_problems(address: str, answer: Answer) -> list[str]:
    problems: list[str] = []
    kept = answer.headers.get("cache-control", "")
    age = re.search(r"max-age=(\d+)", kept)
    if _HASHED.search(urlsplit(address).path):
        if "immutable" not in kept or age is None or int(age[1]) < _YEAR_SECONDS:
            problems.append(f"its name has a hash, and Cache-Control is {kept or 'absent'}")
    elif "immutable" in kept:
        problems.append(f"its name has no hash, and Cache-Control is {kept}: a new one would not be seen for long")
    if not answer.headers.get("content-type"):
        problems.append("no Content-Type")
    return problems
