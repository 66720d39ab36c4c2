"""A part of the screen: a few rows, or why there are none."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from scale.operate.errors import AccountError

Level = Literal["ok", "warn", "bad"]
Cell = str | int | float | None
"""None where there is no value: a metric without data."""


@dataclass(frozen=True)
class Row:
    """One line of a section; `level` says how much it matters."""

    cells: tuple[Cell, ...]
    level: Level = "ok"


@dataclass(frozen=True)
class Section:
    """What was read. `unread` says in one line why something could not be, and stands in its place."""

    title: str
    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()
    unread: str = ""

    @property
    def level(self) -> Level:
        """The worst of its rows; what could not be read is a warning."""
        levels = {row.level for row in self.rows}
        if "bad" in levels:
            return "bad"
        return "warn" if "warn" in levels or self.unread else "ok"

    def document(self) -> dict[str, object]:
        """Return it as JSON can hold it."""
        rows = [{**dict(zip(self.columns, row.cells, strict=True)), "level": row.level} for row in self.rows]
        return {"level": self.level, "rows": rows, "notes": list(self.notes), "unread": self.unread or None}


Reader = Callable[[], Section]


def read_all(readers: Mapping[str, Reader], seconds: float) -> list[Section]:
    """Return the sections, all read at once, within a time limit in all.

    A section whose reader raises AccountError, or does not answer in time, says so in its place. A reader that hangs
    is left behind in a thread that does not keep the process alive.
    """
    found: dict[str, Section] = {}

    def read(title: str, reader: Reader) -> None:
        try:
            found[title] = reader()
        except AccountError as error:
            found[title] = Section(title, unread=str(error))
        except Exception as error:  # noqa: BLE001 # shown where the section would stand: it must not hide the rest
            found[title] = Section(title, unread=f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=read, args=entry, daemon=True) for entry in readers.items()]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    late = f"no answer within {seconds:g} s"
    return [found.get(title) or Section(title, unread=late) for title in readers]


def worst(levels: Sequence[Level]) -> Level:
    """Return the worst of some levels."""
    return "bad" if "bad" in levels else "warn" if "warn" in levels else "ok"
