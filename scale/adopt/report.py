"""What was found and what would become of it, for a terminal and as one JSON document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Group
from rich.table import Table
from rich.text import Text

from scale.adopt.changes import RANKS, Change
from scale.adopt.matching import Match
from scale.plan import words
from scale.plan.findings import Finding
from scale.plan.recording import Resource

_HEADS = {
    "loses data": "Would be built anew, and what is in it is gone",
    "replaces": "Would be built anew",
    "refused": "AWS would refuse",
    "interrupts": "Interrupts the service, restarts or moves it",
    "changes": "Would be changed in place",
    "tags": "Tags",
}


@dataclass(frozen=True)
class Adoption:
    """Everything that there is to say."""

    matches: Sequence[Match]
    changes: Sequence[Change]
    created: Sequence[Resource]
    unmatched: Sequence[tuple[str, str]]
    notes: Sequence[str]
    unread: dict[str, str]
    files: Sequence[Path]
    provider: str
    stack: str
    objections: Sequence[Finding] = ()
    """The errors that `scale plan` will find in the settings: what was built by hand may be what nothing should be."""

    @property
    def loses_data(self) -> bool:
        """Whether a database, a cache or a bucket would be built anew."""
        return any(change.rank == "loses data" for change in self.changes)


def document(found: Adoption) -> dict[str, object]:
    """Return everything as plain data."""
    return {
        "stack": found.stack,
        "matched": [
            {"urn": match.resource.urn, "type": match.resource.type, "id": match.import_id} for match in found.matches
        ],
        "changes": [asdict(change) for change in found.changes],
        "objections": [asdict(finding) for finding in found.objections],
        "created": [resource.urn for resource in found.created],
        "unmatched": [{"kind": kind, "name": name} for kind, name in found.unmatched],
        "notes": list(found.notes),
        "unread": found.unread,
        "files": [str(path) for path in found.files],
    }


def summary(found: Adoption) -> Group:
    """Return the terminal's view, the most dangerous first."""
    parts: list[Text | Table] = []
    for rank in RANKS:
        mine = [change for change in found.changes if change.rank == rank]
        if mine:
            parts += [Text(_HEADS[rank], "bold red" if rank == RANKS[0] else "bold"), _changes(mine), Text()]
    parts += _list(
        f"scale plan {found.stack} will object, and say how to mend or to allow it", _objections(found.objections)
    )
    parts += _list("Not read", [f"{what}: {why}" for what, why in found.unread.items()])
    parts += _list("Found, and not in the program", [f"{kind} {name}" for kind, name in found.unmatched])
    parts += _list("What the settings do not say", found.notes)
    parts += _list(
        "Matched", [f"{words.label(m.resource.type, m.resource.name)}: {m.import_id}" for m in found.matches]
    )
    contents = ", ".join(words.contents(found.created))
    parts += _list(f"Would be built beside: {words.number(len(found.created), 'resource')}", [contents])
    parts += [Text(f"Written: {', '.join(map(str, found.files))}"), Text("Then, in the project:"), *_steps(found)]
    return Group(*parts)


def _objections(findings: Sequence[Finding]) -> list[str]:
    lines: dict[str, None] = {}
    for finding in findings:
        parts = finding.resource.split("::")
        what = words.label(parts[2].rpartition("$")[2], parts[3]) if finding.resource else finding.message
        lines[f"{finding.rule}: {what}"] = None
    return list(lines)


def _changes(changes: Sequence[Change]) -> Table:
    grid = Table.grid(padding=(0, 1))
    for _ in range(3):
        grid.add_column(overflow="fold")
    for change in changes:
        arrow = f"{change.live} -> {change.planned}" if change.live else change.planned
        grid.add_row(f"  {change.resource}", change.property, arrow)
        if change.mend:
            grid.add_row("", "before:", change.mend)
    return grid


def _list(head: str, lines: Sequence[str]) -> list[Text | Table]:
    if not lines:
        return []
    grid = Table.grid(padding=(0, 0))
    for line in lines:
        grid.add_row("  ", line)
    return [Text(head, "bold"), grid, Text()]


def _steps(found: Adoption) -> list[Text | Table]:
    imports = next(path for path in found.files if path.suffix == ".json")
    return [
        Text(f"  pulumi up -s {found.stack} --target '{found.provider}'"),
        Text(f"  pulumi import -s {found.stack} --file {imports} --generate-code=false"),
        Text(f"  pulumi preview -s {found.stack} --diff"),
    ]
