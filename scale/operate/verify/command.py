"""`scale verify`: what it compares, what it prints, and its exit status."""

from __future__ import annotations

import json
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console

from scale.operate.asking import finder as find
from scale.operate.errors import AccountError
from scale.operate.find import Finder
from scale.operate.verify import report
from scale.operate.verify.comparison import Comparison, compare
from scale.operate.verify.smoke.run import Address, smoke
from scale.operate.verify.smoke.web import Check
from scale.plan.program import run_stack

EQUAL, DIFFERENT, UNSEEN = 0, 1, 2
"""The exit status: all as it should be; something is not; something could not be looked at, whatever else is found."""


@dataclass(frozen=True)
class Request:
    """What the user asked for. Without `resources` only the address is checked, without `address` only resources."""

    stack: str
    directory: Path
    outputs: Path | None = None
    as_json: bool = False
    resources: bool = True
    address: bool = True
    url: str | None = None
    static_url: str | None = None
    http_port: int = 80
    limits: bool = False


def run(request: Request) -> int:
    """Compare, check, print, and return the exit status. Raises what `asking.refusing` turns into a line."""
    _refuse_no_address(request.url)
    comparison, checks = None, list[Check]()
    if not request.resources and request.url:
        # An address that is given needs no account.
        from scale.operate.account import read_stack

        settings = read_stack(request.directory, request.stack).settings
        head = f"{settings.prefix} at {request.url}"
        checks = smoke(Address(request.url, request.static_url, request.http_port, request.limits), settings)
    else:
        stack, finder = find(request.directory, request.stack, request.outputs)
        head = f"{stack.settings.prefix} in {finder.account.region}, account {finder.account.id}"
        if request.resources:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # The SDK warns of what `scale plan` reports.
                plan = run_stack(request.directory.resolve(), request.stack).update
            comparison = compare(finder, plan)
        if request.address:
            checks = _check_address(finder, request)
    if request.as_json:
        json.dump({"stack": request.stack, **report.document(comparison, checks)}, sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        report.write(Console(soft_wrap=True), head, comparison, checks)
    return status(comparison, checks)


def _refuse_no_address(url: str | None) -> None:
    """Raise AccountError for a text that is no address of a site."""
    try:
        parts = urlsplit(url or "https://host")
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # A port that is no number, a bracket that is left open.
        valid = False
    if not valid:
        raise AccountError(f"--url must be such as https://shop.example.com, is {url!r}")


def _check_address(finder: Finder, request: Request) -> list[Check]:
    try:
        url = request.url or finder.url
    except AccountError as error:
        return [Check("address", "failed", str(error), "name it with --url")]
    if url is None:
        return [Check("address", "failed", "the environment has none", "deploy it, or name it with --url")]
    static = request.static_url or finder.outputs.texts("environment").get("STATIC_URL")
    return smoke(Address(url, static, request.http_port, request.limits), finder.settings)


def status(comparison: Comparison | None, checks: list[Check]) -> int:
    """Return the exit status."""
    if comparison is not None and comparison.unread:
        return UNSEEN
    differs = comparison is not None and bool(comparison.differences)
    return DIFFERENT if differs or any(check.result == "failed" for check in checks) else EQUAL
