"""All checks of one address."""

from __future__ import annotations

from dataclasses import dataclass

from model.settings import Settings
from scale.operate.verify.smoke import checks
from scale.operate.verify.smoke.limits import limit
from scale.operate.verify.smoke.web import Check


@dataclass(frozen=True)
class Address:
    """What is checked: the application's address, where its static files are, and whether limits are tried."""

    url: str
    static_url: str | None = None
    http_port: int = 80
    limits: bool = False


def smoke(address: Address, settings: Settings) -> list[Check]:
    """Return the results of all checks, in order. The limits come last, as they lock this client out for a while."""
    found = [
        checks.health(address.url, settings.traffic.health_check.path),
        checks.tls(address.url),
        checks.redirect(address.url, address.http_port),
        checks.static_files(address.url, address.static_url),
    ]
    limits = settings.traffic.limits
    if not address.limits:
        found.append(Check("limits", "skipped", "they send hundreds of requests: ask for it with --limits"))
    elif settings.traffic.firewall is None or not limits:
        found.append(Check("limits", "skipped", "the stack has no firewall to hold them"))
    else:
        found += [limit(address.url, role, rate) for role, rate in limits.items()]
    return found
