"""The rules as a CrossGuard pack: from the engine's view of a resource to the rules', and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyComplianceFramework,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy import proxy as engine_values

from model.policies import Enforcement
from policies.rule import NotKnownYet, Rule, Verdict, judge
from policies.view import UNKNOWN, Resource, Stack

_UNKNOWNS = frozenset(
    value for name, value in vars(engine_values).items() if name.startswith("UNKNOWN_") and name.endswith("_VALUE")
)
_FRAMEWORK = PolicyComplianceFramework(
    name="AWS Foundational Security Best Practices",
    reference="https://docs.aws.amazon.com/securityhub/latest/userguide/fsbp-standard.html",
)


def pack(rules: Iterable[Rule], levels: Mapping[str, Enforcement]) -> list[Policy]:
    """Return the rules as the engine's policies, each as strict as `levels` says."""
    return [_policy(rule, EnforcementLevel(levels.get(rule.id, rule.enforcement))) for rule in rules]


def _policy(rule: Rule, level: EnforcementLevel) -> Policy:
    about: dict[str, Any] = {
        "name": rule.id,
        "description": rule.why,
        "enforcement_level": level,
        "remediation_steps": rule.mend,
        "tags": [rule.control] if rule.control else [],
        "framework": _FRAMEWORK if rule.control else None,
    }
    if rule.across:
        return StackValidationPolicy(validate=_stack_validation(rule), **about)
    return ResourceValidationPolicy(validate=_resource_validation(rule), **about)


def _resource_validation(rule: Rule) -> Any:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if args.resource_type not in rule.types:
            return
        resource = Resource(
            values=_plain_group(args.props),
            type=args.resource_type,
            name=args.name,
            urn=args.urn,
            protect=args.opts.protect,
            ignore_changes=tuple(args.opts.ignore_changes),
        )
        unknown: list[NotKnownYet] = []
        for verdict in judge(rule, resource, Stack((resource,))):
            _report(rule, verdict, report, unknown)
        if unknown:
            args.not_applicable(unknown[0].message)

    return validate


def _stack_validation(rule: Rule) -> Any:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        stack = Stack(tuple(_resource(each) for each in args.resources))
        unknown: list[NotKnownYet] = []
        for resource in stack.of(*rule.types):
            for verdict in judge(rule, resource, stack):
                _report(rule, verdict, report, unknown)
        if unknown:
            args.not_applicable("; ".join(f"{each.resource.name}: {each.message}" for each in unknown))

    return validate


def _report(rule: Rule, verdict: Verdict, report: ReportViolation, unknown: list[NotKnownYet]) -> None:
    if isinstance(verdict, NotKnownYet):
        unknown.append(verdict)
        return
    report(f"{verdict.resource.name} {verdict.message}.\nMend it: {rule.mend}", verdict.resource.urn)


def _resource(given: PolicyResource) -> Resource:
    return Resource(
        values=_plain_group(given.props),
        type=given.resource_type,
        name=given.name,
        urn=given.urn,
        protect=given.opts.protect,
        ignore_changes=tuple(given.opts.ignore_changes),
        property_dependencies={
            key: tuple(each.urn for each in found) for key, found in given.property_dependencies.items()
        },
    )


def _plain_group(props: Mapping[str, Any]) -> Mapping[str, object]:
    return cast("Mapping[str, object]", _plain(props))


def _plain(value: Any) -> object:
    """Return what the SDK wraps (it raises where an unknown value is touched) with unknown values marked instead."""
    if isinstance(value, str):
        return UNKNOWN if value in _UNKNOWNS else value
    if isinstance(value, Mapping):
        target = cast("Mapping[str, Any]", value)
        return {str(key): _plain(_item(target, key)) for key in target}
    if isinstance(value, Sequence):
        items = cast("Sequence[Any]", value)
        return [_plain(_item(items, place)) for place in range(len(items))]
    return value


def _item(container: Any, key: Any) -> Any:
    try:
        return container[key]
    except engine_values.UnknownValueError as error:
        return error.unknown_type_sentinel
