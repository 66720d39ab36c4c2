"""What `scale cost` does."""

from __future__ import annotations

import json
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from model.errors import SettingsError
from scale.cost import cache, report
from scale.cost.bill import Bill, bill
from scale.cost.items import Given, Known
from scale.cost.prices import Rate
from scale.cost.quantities import items
from scale.cost.source import Prices, look_up
from scale.cost.usage import replay
from scale.operate.account import Stack, open_account, read_stack
from scale.plan.program import run_stack
from scale.plan.stackfile import ProgramError
from scale.simulate.plant.service import CalibrationError
from scale.simulate.traces import TraceError

WITHIN, ABOVE, WRONG = 0, 1, 2
"""The exit status: as it should be; above the budget; the settings, the program or the trace are wrong."""


@dataclass(frozen=True)
class Request:
    """What the user asked for."""

    stack: str
    directory: Path = field(default_factory=Path)
    trace: Path | None = None
    peak: float | None = None
    calibration: Path | None = None
    given: Given = field(default_factory=Given)
    refresh: bool = False
    network: bool = True
    budget: float | None = None
    as_json: bool = False


def run(request: Request) -> int:
    """Write a stack's bill and return the exit status."""
    try:
        stack = read_stack(request.directory, request.stack)
        with warnings.catch_warnings():
            # The SDK warns of what it also logs; this is not the place to say it.
            warnings.simplefilter("ignore")
            update = run_stack(request.directory, request.stack).update
        traffic = replay(
            stack.settings,
            request.trace,
            peak=request.peak,
            response_kib=request.given.response_kib,
            calibration=request.calibration,
        )
    except (ProgramError, SettingsError, TraceError, CalibrationError) as error:
        print(error, file=sys.stderr)
        return WRONG
    region = stack.settings.region
    quantities = items(update, Known(region, request.given, traffic))
    prices = _prices(request, stack, [item.rate for item in quantities])
    found = bill(quantities, prices)
    notes = [*prices.notes, *_budget(found, request.budget)]
    if request.as_json:
        print(json.dumps(report.document(stack.name, region, found, traffic, notes), indent=2))
    else:
        head = f"{stack.settings.prefix} in {region}: US dollars a month, on demand, without tax"
        Console(soft_wrap=False, highlight=False, markup=False).print(report.summary(head, found, traffic, notes))
    return ABOVE if request.budget is not None and found.sum(1) > request.budget else WITHIN


def _prices(request: Request, stack: Stack, rates: list[Rate]) -> Prices:
    region = stack.settings.region
    if not request.network:
        return Prices(region)
    kept = cache.read(cache.folder() / f"prices-{region}.json")
    return look_up(region, rates, kept, lambda: open_account(stack), refresh=request.refresh)


def _budget(found: Bill, budget: float | None) -> list[str]:
    if budget is None or found.sum(1) <= budget:
        return []
    return [f"The typical month is {found.sum(1) - budget:,.2f} above the budget of {budget:,.2f}."]
