"""The bill: items with their prices, sums of what is known, and what is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from scale.cost.items import Item
from scale.cost.prices import Price, Rate

LEVELS = ("minimum", "typical", "maximum")
Costs = tuple[float | None, float | None, float | None]


@dataclass(frozen=True)
class Line:
    """An item with its price, None where that is not known; costs in US dollars a month."""

    item: Item
    price: Price | None

    @property
    def costs(self) -> Costs:
        """What it costs at each level; None where quantity or price is not known."""
        low, middle, high = (self._cost(quantity) for quantity in self.item.levels)
        return (low, middle, high)

    def _cost(self, quantity: float | None) -> float | None:
        if quantity == 0:
            return 0.0
        return None if quantity is None or self.price is None else self.price.cost(quantity)


@dataclass(frozen=True)
class Bill:
    """A stack's month."""

    lines: tuple[Line, ...]

    def sum(self, level: int) -> float:
        """Return the sum, in US dollars, of what is known at a level (0, 1, 2)."""
        return sum(line.costs[level] or 0.0 for line in self.lines)

    def unknown(self, level: int) -> list[Line]:
        """Return the lines that the sum of a level is without."""
        return [line for line in self.lines if line.costs[level] is None]

    @property
    def components(self) -> list[str]:
        """The components, in the order of their first line."""
        return list(dict.fromkeys(line.item.component for line in self.lines))

    def of(self, component: str) -> list[Line]:
        """Return a component's lines."""
        return [line for line in self.lines if line.item.component == component]


def bill(items: Iterable[Item], price: Callable[[Rate], Price | None]) -> Bill:
    """Return the bill. Items that are the same thing are one line, such as two replicas of a class."""
    merged: dict[tuple[str, str, Rate], Item] = {}
    for item in items:
        key = (item.component, item.label, item.rate)
        merged[key] = _add(merged[key], item) if key in merged else item
    return Bill(tuple(Line(item, price(item.rate)) for item in merged.values()))


def _add(one: Item, other: Item) -> Item:
    low, middle, high = (
        None if here is None or there is None else here + there
        for here, there in zip(one.levels, other.levels, strict=True)
    )
    return Item(one.component, one.label, one.rate, one.unit, (low, middle, high), one.option, one.note)
