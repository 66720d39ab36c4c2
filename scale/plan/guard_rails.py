"""The policy pack's rules over what a program registered, with no engine."""

from __future__ import annotations

from collections.abc import Mapping

from model.policies import Enforcement
from policies.catalogue import RULES
from policies.rule import NotKnownYet, judge_all
from policies.view import UNKNOWN, Resource, Stack
from scale.plan import recording as recorded
from scale.plan.findings import Finding, Severity
from scale.plan.values import Asset, Reference, Secret, Unknown, Value

_SEVERITIES: Mapping[Enforcement, Severity] = {"mandatory": "error", "advisory": "warning"}


def guard_rails(recording: recorded.Recording, levels: Mapping[str, Enforcement]) -> list[Finding]:
    """Return what the rules say of a recording: errors for mandatory rules, warnings for advisory ones.

    `levels` are the stack's own for some rules (`settings.deployment.policies`). What a rule cannot judge because a
    value is not known yet is an info.
    """
    findings: list[Finding] = []
    for level, verdict in judge_all(RULES, levels, view(recording)):
        urn, rule = verdict.resource.urn, verdict.rule
        if isinstance(verdict, NotKnownYet):
            findings.append(Finding("info", rule.id, urn, verdict.message))
        else:
            message = f"{verdict.message}. {rule.why} Mend it: {rule.mend}"
            findings.append(Finding(_SEVERITIES[level], rule.id, urn, message))
    return findings


def view(recording: recorded.Recording) -> Stack:
    """Return a recording as rules see it."""
    return Stack(tuple(_resource(each) for each in recording.all() if each.custom and not each.read))


def _resource(given: recorded.Resource) -> Resource:
    return Resource(
        values={key: _plain(value) for key, value in given.properties.items()},
        type=given.type,
        name=given.name,
        urn=given.urn,
        protect=bool(given.protect),
        ignore_changes=given.ignore_changes,
        property_dependencies=given.property_dependencies,
    )


def _plain(value: Value) -> object:
    match value:
        case Unknown():
            return UNKNOWN
        case Secret(inner):
            return _plain(inner)
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list():
            return [_plain(item) for item in value]
        case Reference(urn, identifier):
            return urn if identifier is None else _plain(identifier)
        case Asset():
            return None
        case _:
            return value
