"""A plan as one JSON document."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from scale.cost.estimate import MAXIMUM, MINIMUM
from scale.plan.differences import differences
from scale.plan.values import plain

if TYPE_CHECKING:
    from model.capacity import Capacity
    from scale.cost.bill import Bill
    from scale.plan.plan import Plan
    from scale.plan.recording import Resource


def document(plan: Plan, other: Plan | None = None) -> dict[str, Any]:
    """Return the document: `stack`, `resources`, `outputs`, `findings`, `capacity` (or null), `cost`.

    Properties are those of the update, secrets as `[secret]`. Resources come parents first, by URN among siblings.
    With another stack's plan, `against` and `differences` say how that one differs.
    """
    resources = sorted(plan.update.all(), key=lambda resource: (resource.urn.count("$"), resource.urn))
    compared = {} if other is None else {"against": other.stack, "differences": _differences(plan, other)}
    return compared | {
        "stack": plan.stack,
        "project": plan.passes.file.project,
        "resources": [_resource(resource) for resource in resources],
        "outputs": plain(dict(plan.update.outputs)),
        "findings": [asdict(finding) for finding in plan.findings],
        "capacity": None if plan.capacity is None else capacity_document(plan.capacity),
        "cost": cost_document(plan.cost),
    }


def cost_document(bill: Bill) -> dict[str, Any]:
    """Return the sums in US dollars a month, and how many items they are without."""
    levels = {"minimum": MINIMUM, "maximum": MAXIMUM}
    return {
        name: {"usd": round(bill.sum(level), 2), "without_unknown": len(bill.unknown(level))}
        for name, level in levels.items()
    }


def _differences(plan: Plan, other: Plan) -> dict[str, Any]:
    return {
        component: {
            "only_here": group.only_here,
            "only_there": group.only_there,
            "properties": [
                {"resource": each.resource, "path": each.path, "here": plain(each.here), "there": plain(each.there)}
                for each in group.properties
            ],
        }
        for component, group in differences(plan, other).items()
    }


def capacity_document(capacity: Capacity) -> dict[str, Any]:
    """Return the budgets with their verdicts, which are properties and not fields."""
    return asdict(capacity) | {
        "connections": [
            asdict(budget) | {"fits": budget.fits, "fits_during_refresh": budget.fits_during_refresh}
            for budget in capacity.connections
        ],
        "memory": [asdict(budget) | {"fits": budget.fits} for budget in capacity.memory],
    }


def _resource(resource: Resource) -> dict[str, Any]:
    return {
        "urn": resource.urn,
        "type": resource.type,
        "name": resource.name,
        "parent": resource.parent,
        "custom": resource.custom,
        "properties": plain(dict(resource.properties)),
        "dependencies": list(resource.dependencies),
        "protect": bool(resource.protect),
        "ignore_changes": list(resource.ignore_changes),
        "aliases": [asdict(alias) for alias in resource.aliases],
    }
