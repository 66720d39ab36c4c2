"""A bill for a terminal and as one JSON document."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from scale.cost.bill import LEVELS, Bill, Line
from scale.cost.items import Traffic
from scale.cost.prices import HOURS, Price


def document(stack: str, region: str, bill: Bill, traffic: Traffic | None, notes: Sequence[str]) -> dict[str, object]:
    """Return everything as plain data: US dollars a month; null where a quantity or a price is not known."""
    return {
        "stack": stack,
        "region": region,
        "currency": "USD",
        "hours": HOURS,
        "trace": None if traffic is None else traffic.name,
        "sums": {level: round(bill.sum(place), 2) for place, level in enumerate(LEVELS)},
        "unknown": {level: len(bill.unknown(place)) for place, level in enumerate(LEVELS)},
        "lines": [_line(line) for line in bill.lines],
        "notes": list(notes),
    }


def _line(line: Line) -> dict[str, object]:
    item = line.item
    return {
        "component": item.component,
        "item": item.label,
        "unit": item.unit,
        "quantity": dict(zip(LEVELS, item.levels, strict=True)),
        "cost": dict(zip(LEVELS, line.costs, strict=True)),
        "price": None if line.price is None else line.price.document(),
        "option": item.option,
        "note": item.note,
    }


def summary(head: str, bill: Bill, traffic: Traffic | None, notes: Sequence[str]) -> Group:
    """Return the terminal's view: what costs what, what is not known, and where each price is from."""
    sources = list(dict.fromkeys(_source(line.price) for line in bill.lines if line.price and _shown(line)))
    parts: list[Text | Table | Padding] = [Text(head, "bold"), _table(bill, sources)]
    unknown = [line for line in bill.lines if None in line.costs]
    if unknown:
        parts += [Text(), Text("Not known, and in no sum", "bold"), _unknown(unknown)]
    parts += [Text(), *(Padding(Text(f"[{place}] {source}"), 0) for place, source in enumerate(sources, start=1))]
    if traffic is not None:
        parts.append(Text(f"Typical is {traffic.name}, {traffic.requests:,.0f} requests a month."))
    parts += [Text(note, "yellow") for note in notes]
    return Group(*parts)


def _shown(line: Line) -> bool:
    return any(line.costs)


def _source(price: Price) -> str:
    return f"{price.source}, {price.date}"


def _table(bill: Bill, sources: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    for level in LEVELS:
        table.add_column(level, justify="right")
    table.add_column("a unit", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for component in bill.components:
        lines = [line for line in bill.of(component) if _shown(line)]
        if not lines:
            continue
        table.add_row(Text(component, "bold"))
        for line in lines:
            table.add_row(f"  {line.item.label}", *map(money, line.costs), *_priced(line.price, sources))
    sums = (Text(f"{bill.sum(place):,.2f}", "bold") for place in range(len(LEVELS)))
    table.add_row(Text(f"Sum, {without(bill)}", "bold"), *sums)
    return table


def without(bill: Bill, levels: Sequence[int] = range(len(LEVELS))) -> str:
    """Return what the sums leave out: `without 3 unknown`, or `without 3, 4, 3 unknown` where levels differ."""
    counts = [len(bill.unknown(level)) for level in levels]
    return f"without {', '.join(map(str, dict.fromkeys(counts) if len(set(counts)) == 1 else counts))} unknown"


def _priced(price: Price | None, sources: Sequence[str]) -> tuple[str, str]:
    if price is None:
        return "", ""
    tiers = " and less" if len(price.tiers) > 1 else ""
    return f"{_exact(price.first)}{tiers}", f"[{sources.index(_source(price)) + 1}]"


def _unknown(lines: Sequence[Line]) -> Table:
    grid = Table.grid(padding=(0, 2))
    for column in range(3):
        grid.add_column(no_wrap=column < 2)
    for line in lines:
        item = line.item
        quantities = [quantity for quantity in item.levels if quantity]
        amount = f"{_range(quantities)} {item.unit}" if quantities else item.unit
        asked = f"give {item.option}" if item.option and not quantities else ""
        reason = asked or ("the trace does not say" if line.price else "no price")
        note = f" ({item.note})" if item.note and not asked else ""
        grid.add_row(f"  {item.component}", item.label, f"{amount}: {reason}{note}")
    return grid


def _range(quantities: Sequence[float]) -> str:
    low, high = min(quantities), max(quantities)
    return f"{low:,.0f}" if low == high else f"{low:,.0f} to {high:,.0f}"


def money(cost: float | None) -> str:
    """Return US dollars with cents; `unknown` for None."""
    return "unknown" if cost is None else f"{cost:,.2f}"


def _exact(usd: float) -> str:
    """Return a unit's price with all its digits and no exponent."""
    return f"{usd:.10f}".rstrip("0").rstrip(".")
