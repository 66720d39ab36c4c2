"""`scale plan`: what it prints and writes, and its exit status."""

from __future__ import annotations

import json
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

from scale.plan.plan import Plan, make_plan
from scale.plan.stackfile import ProgramError

CLEAN, FOUND, WRONG = 0, 1, 2
"""The exit status: nothing wrong; findings of severity error; the settings or the program are wrong."""


@dataclass(frozen=True)
class Request:
    """What the user asked for."""

    stack: str
    directory: Path
    full: bool = False
    as_json: bool = False
    html: Path | None = None
    against: str | None = None


def run(request: Request) -> int:
    """Make the plan, write what was asked for and return the exit status."""
    with warnings.catch_warnings():
        # The SDK warns on standard error of what it also logs, and the report shows what is logged.
        warnings.simplefilter("ignore")
        try:
            plan = make_plan(request.directory, request.stack)
            other = make_plan(request.directory, request.against) if request.against else None
        except ProgramError as error:
            print(error, file=sys.stderr)
            return WRONG
    if request.html is not None:
        _write_page(plan, request.html)
    _print(plan, other, request)
    return FOUND if plan.failed else CLEAN


def _print(plan: Plan, other: Plan | None, request: Request) -> None:
    if request.as_json:
        from scale.plan.document import document

        json.dump(document(plan, other), sys.stdout, indent=2)
        sys.stdout.write("\n")
        return
    from scale.plan import report

    if other is not None:
        report.write_differences(plan, other)
    else:
        report.write(plan, full=request.full)


def _write_page(plan: Plan, path: Path) -> None:
    from scale.plan import page

    path.write_text(page.render(plan), encoding="utf-8")
