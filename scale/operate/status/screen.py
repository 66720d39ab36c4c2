"""The sections on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scale.operate.status.section import Cell, Level, Section

_STYLES: dict[Level, str] = {"ok": "", "warn": "yellow", "bad": "bold red"}
_MARKS: dict[Level, str] = {"ok": " ", "warn": "!", "bad": "x"}
"""Colours are not everybody's: what matters is marked as well."""


def render(head: str, sections: Sequence[Section], at: datetime) -> Group:
    """Return the screen: the head with the time (UTC), then the sections."""
    parts: list[RenderableType] = [Text.assemble((head, "bold"), f"  {at:%Y-%m-%d %H:%M:%S} UTC")]
    for section in sections:
        parts += [Text(), *_section(section)]
    return Group(*parts)


def _section(section: Section) -> list[RenderableType]:
    title = Text(section.title, style="bold")
    if section.notes:
        title.append(f"  {'; '.join(section.notes)}", style="not bold dim")
    parts: list[RenderableType] = [title]
    if section.unread:
        parts.append(Text(f"! not read: {section.unread}", style=_STYLES["warn"]))
    if section.rows:
        parts.append(_table(section))
    return parts


def _table(section: Section) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", width=1)
    for place, column in enumerate(section.columns):
        numbers = any(isinstance(row.cells[place], int | float) for row in section.rows)
        last = place == len(section.columns) - 1
        table.add_column(column, justify="right" if numbers else "left", no_wrap=not last, overflow="fold")
    for row in section.rows:
        cells = [Text(shown(cell)) for cell in row.cells]
        table.add_row(Text(_MARKS[row.level]), *cells, style=_STYLES[row.level])
    return table


def shown(cell: Cell) -> str:
    """Return a cell as text: a dash where there is no value, no fraction where it says nothing."""
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return f"{cell:g}" if cell < 100_000 else f"{cell:.0f}"
    return str(cell)
