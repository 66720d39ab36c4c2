"""Where a bill's prices come from: the cache, AWS's list, the project's own table, in this order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from scale.cost import pricelist, table
from scale.cost.cache import KEPT, Cache
from scale.cost.prices import Price, Rate
from scale.operate.account import Account
from scale.operate.errors import AccountError
from scale.plan import words


@dataclass
class Prices:
    """Prices of one region. `notes` say what could not be asked, and what stands in its place."""

    region: str
    known: dict[Rate, Price] = field(default_factory=dict[Rate, Price])
    notes: list[str] = field(default_factory=list[str])

    def __call__(self, rate: Rate) -> Price | None:
        """Return a price, the table's where nothing better was found; None where it is not known."""
        return self.known.get(rate) or table.find(self.region, rate)


def look_up(
    region: str,
    rates: Iterable[Rate],
    cache: Cache,
    open_account: Callable[[], Account],
    *,
    refresh: bool = False,
    now: datetime | None = None,
) -> Prices:
    """Ask for what the cache has not, and write it there; with `refresh` for everything.

    The account is not opened where the cache has all. What fails is a note, and no error.
    """
    now = now or datetime.now(UTC)
    prices, wanted = Prices(region), sorted(set(rates))
    missing = [rate for rate in wanted if refresh or not cache.fresh(rate, now)]
    asked = _ask(prices, missing, cache, open_account, now) if missing else 0
    if asked:
        try:
            cache.write()
        except OSError as error:
            prices.notes.append(f"The prices could not be kept in {cache.path}: {error.strerror}.")
    prices.known = {rate: price for rate in wanted if (price := cache.price(rate)) is not None}
    old = [rate for rate in prices.known if not cache.fresh(rate, now)]
    if old:
        verb = "price was" if len(old) == 1 else "prices were"
        prices.notes.append(f"{len(old)} {verb} asked for more than {KEPT.days} days ago.")
    return prices


def _ask(prices: Prices, rates: list[Rate], cache: Cache, open_account: Callable[[], Account], now: datetime) -> int:
    """Ask for each rate; return how many answers there were."""
    answers = 0
    try:
        account = open_account()
        for rate in rates:
            try:
                cache.put(rate, pricelist.ask(account, rate, prices.region), now)
                answers += 1
            except pricelist.PriceListError as error:
                prices.notes.append(f"{rate}: {error}.")
    except AccountError as error:
        prices.notes.append(f"AWS was not asked for {words.number(len(rates) - answers, 'price')}: {error}.")
    return answers
