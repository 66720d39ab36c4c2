"""What AWS would refuse of a plan, or silently not honour."""

from __future__ import annotations

from collections.abc import Iterable

from model.settings import Settings
from policies.view import NotKnownYetError
from scale.plan.findings import Finding
from scale.plan.guard_rails import view
from scale.plan.recording import Recording
from scale.plan.refusals.account import account
from scale.plan.refusals.balancing import balancing
from scale.plan.refusals.cache import cache
from scale.plan.refusals.database import database
from scale.plan.refusals.declared import declared
from scale.plan.refusals.network import network
from scale.plan.refusals.refusal import Check, Planned, Refusal
from scale.plan.refusals.servers import servers

CHECKS: tuple[Check, ...] = (network, declared, database, cache, servers, balancing, account)


def refusals(recording: Recording, settings: Settings | None, region: str) -> list[Finding]:
    """Return what AWS would refuse in a region, each with the setting to change; one finding for a setting and a rule.

    Without `settings` (the program is another one) resources are judged all the same, and no setting is named.
    """
    planned = Planned(view(recording), region, settings)
    return [refusal.finding for refusal in once(judged(planned))]


def judged(planned: Planned) -> list[Refusal]:
    """Return the refusals of all checks."""
    found: list[Refusal] = []
    for check in CHECKS:
        try:
            found.extend(check(planned))
        except NotKnownYetError as error:
            text = f"{error.path} is not known yet, so {check.__name__} is judged when it is deployed"
            found.append(Refusal("not-known-yet", None, text, "nothing", "info"))
    return found


def once(found: Iterable[Refusal]) -> list[Refusal]:
    """Return the first refusal of each setting by each rule: a class that three instances have is one mistake."""
    first: dict[tuple[str, str, str], Refusal] = {}
    for refusal in found:
        owner = "" if refusal.setting or refusal.resource is None else refusal.resource.urn
        first.setdefault((refusal.rule, refusal.setting, owner), refusal)
    return list(first.values())
