"""What was compared, on a terminal or as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from scale.operate.verify.comparison import Comparison
from scale.operate.verify.difference import Danger
from scale.operate.verify.smoke.web import Check

_STYLES = {Danger.DATA: "bold red", Danger.OUTAGE: "red", Danger.SILENCE: "yellow", Danger.SCALING: "yellow"}
_CHECKS = {"passed": "green", "failed": "bold red", "skipped": "dim"}


def write(console: Console, head: str, comparison: Comparison | None, checks: Sequence[Check]) -> None:
    """Write the differences, the most dangerous first, then what could not be looked at, then the address."""
    console.print(Text(head, style="bold"))
    if comparison is not None:
        _write_comparison(console, comparison)
    if checks:
        console.print()
    for check in checks:
        console.print(Text.assemble((f"{check.result:<8}", _CHECKS[check.result]), f"{check.name}: {check.seen}"))
        if check.mend:
            console.print(Text(f"        -> {check.mend}"))


def _write_comparison(console: Console, comparison: Comparison) -> None:
    for each in comparison.differences:
        console.print()
        console.print(
            Text.assemble((each.danger.word, _STYLES.get(each.danger, "")), f"  {each.resource}: ", (each.what, "bold"))
        )
        console.print(Text(f"  wanted {each.wanted}"))
        console.print(Text(f"  found  {each.found}"))
        console.print(Text(f"  -> {each.mend}"))
    for area, reason in comparison.unread.items():
        console.print()
        console.print(Text(f"not compared: {area}: {reason}", style="yellow"))
    read = [area for area in comparison.areas if area not in comparison.unread]
    count = len(comparison.differences)
    console.print()
    console.print(f"{count} difference{'' if count == 1 else 's'} in {', '.join(read) or 'nothing'}")


def document(comparison: Comparison | None, checks: Sequence[Check]) -> dict[str, object]:
    """Return the same as JSON can hold it."""
    found: dict[str, object] = {}
    if comparison is not None:
        found["compared"] = [area for area in comparison.areas if area not in comparison.unread]
        found["not_compared"] = comparison.unread
        found["differences"] = [each.document() for each in comparison.differences]
    found["checks"] = [
        {"name": each.name, "result": each.result, "seen": each.seen, "mend": each.mend} for each in checks
    ]
    return found
