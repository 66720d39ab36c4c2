"""Prices: tiers, the project's own table, the cache, and AWS's list over HTTP."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scale.cost import cache, pricelist, table
from scale.cost.prices import Price, Rate, Tier, flat
from scale.cost.queries import query
from scale.cost.source import look_up
from scale.operate.account import Account, open_account
from scale.operate.errors import AccountError
from tests.scale.cost.pricelist import PriceList, node, product, reserved, server
from tests.scale.operate.stacks import stack

REGION = "eu-west-1"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
NODE = Rate("cache-node", "valkey cache.r7g.xlarge")
SERVER = Rate("server", "m7g.large")
EGRESS = Price((Tier(0, 0.09), Tier(10240, 0.085), Tier(51200, 0.07)), "a list", "2026-09-16")


@pytest.fixture
def account(price_list: PriceList, tmp_path: Path) -> Account:
    return open_account(stack(tmp_path / "project"))


@pytest.mark.parametrize(
    ("quantity", "usd"),
    [(0, 0), (1, 0.09), (10240, 921.6), (10241, 921.685), (51200, 921.6 + 3481.6), (51300, 921.6 + 3481.6 + 7)],
)
def test_each_unit_costs_what_its_tier_says(quantity: float, usd: float) -> None:
    assert EGRESS.cost(quantity) == pytest.approx(usd)


def test_a_price_is_the_same_once_written_and_read() -> None:
    assert Price.read(json.loads(json.dumps(EGRESS.document()))) == EGRESS


# --- the project's own table


def test_every_price_of_the_table_is_above_zero_and_has_a_source_with_a_date_in_the_past() -> None:
    for (region, rate), price in table.TABLE.items():
        assert all(tier.usd > 0 for tier in price.tiers), rate
        assert [tier.above for tier in price.tiers] == sorted({tier.above for tier in price.tiers}), rate
        assert date.fromisoformat(price.date) <= date(2026, 11, 24), rate
        assert price.source, (region, rate)


def test_every_source_of_the_table_is_used() -> None:
    assert {source for source, _ in table.SOURCES.values()} == {price.source for price in table.TABLE.values()}


def test_what_the_table_has_can_be_asked_for_too() -> None:
    assert all(query(rate, region or REGION) is not None for region, rate in table.TABLE)


def test_a_price_of_another_region_is_not_taken() -> None:
    assert table.find("ap-south-1", SERVER) is None
    assert table.find("ap-south-1", Rate("key")) is not None, "it is the same everywhere"


# --- AWS's list


def test_a_price_is_asked_for_by_attributes_over_all_pages(price_list: PriceList, account: Account) -> None:
    decoys = [node("cache.r7g.xlarge", "9", prefix="EU-ExtendedSupportYr1_Yr2-") for _ in range(3)]
    price_list.products = [*decoys, node("cache.r7g.xlarge", "0.1946")]
    price = pricelist.ask(account, NODE, REGION)
    assert price is not None
    assert (price.first, price.date) == (0.1946, "2026-11-02")
    assert price.source.startswith("Price List API: AmazonElastiCache 20261102100000, SKU ")
    assert len(price_list.requests) == 2
    assert {each["Field"]: each["Value"] for each in price_list.requests[0]["Filters"]} == {
        "cacheEngine": "Valkey",
        "instanceType": "cache.r7g.xlarge",
        "regionCode": REGION,
    }


def test_a_reservation_under_the_heading_of_on_demand_is_not_the_price(price_list: PriceList, account: Account) -> None:
    price_list.products = [reserved(node("cache.r7g.xlarge", "0.1946"))]
    price = pricelist.ask(account, NODE, REGION)
    assert price is not None
    assert price.tiers == (Tier(0, 0.1946),)


def test_tiers_are_read_in_their_order(price_list: PriceList, account: Account) -> None:
    tiers = {"51200": "0.0700000000", "0": "0.0900000000", "10240": "0.0850000000"}
    attributes = {"transferType": "AWS Outbound", "fromRegionCode": REGION}
    price_list.products = [product("AWSDataTransfer", "EU-DataTransfer-Out-Bytes", "GB", tiers, **attributes)]
    price = pricelist.ask(account, Rate("egress"), REGION)
    assert price is not None
    assert price.tiers == EGRESS.tiers


@pytest.mark.parametrize(
    "usage",
    ["EU-Outposts-LoadBalancerUsage", "EU-TS-LoadBalancerUsage", "TS-LoadBalancerUsage", "EU-LoadBalancerUsage2"],
)
def test_cousins_of_a_usage_type_are_passed_over(price_list: PriceList, account: Account, usage: str) -> None:
    balancing = {"operation": "LoadBalancing:Application"}
    price_list.products = [
        product("AWSELB", usage, "Hrs", {"0": "0"}, **balancing),
        product("AWSELB", "EU-LoadBalancerUsage", "Hrs", {"0": "0.0252"}, **balancing),
    ]
    price = pricelist.ask(account, Rate("load-balancer"), REGION)
    assert price is not None
    assert price.first == 0.0252


def test_what_the_list_has_not_is_no_price(price_list: PriceList, account: Account) -> None:
    assert pricelist.ask(account, NODE, REGION) is None
    assert pricelist.ask(account, Rate("spot-server", "m7g.large"), REGION) is None
    assert len(price_list.requests) == 1, "a spot server has no list price to ask for"


@pytest.mark.parametrize(
    ("products", "message"),
    [
        ([node("cache.r7g.xlarge", "0.1"), node("cache.r7g.xlarge", "0.2")], "lists 2 prices of cache-node"),
        (
            [
                product(
                    "AmazonElastiCache",
                    "EU-NodeUsage:cache.r7g.xlarge",
                    "Hrs",
                    {"0": "1"},
                    currency="CNY",
                    instanceType="cache.r7g.xlarge",
                    cacheEngine="Valkey",
                )
            ],
            "in CNY",
        ),
        (
            [
                product(
                    "AmazonElastiCache",
                    "EU-NodeUsage:cache.r7g.xlarge",
                    "Days",
                    {"0": "1"},
                    instanceType="cache.r7g.xlarge",
                    cacheEngine="Valkey",
                )
            ],
            "in 'Days', not Hrs",
        ),
        (
            [
                product(
                    "AmazonElastiCache",
                    "EU-NodeUsage:cache.r7g.xlarge",
                    "Hrs",
                    {"100": "1"},
                    instanceType="cache.r7g.xlarge",
                    cacheEngine="Valkey",
                )
            ],
            "no price of the first unit",
        ),
    ],
)
def test_a_list_that_cannot_be_read_is_no_price_and_says_why(
    price_list: PriceList, account: Account, products: list[dict[str, Any]], message: str
) -> None:
    price_list.products = products
    with pytest.raises(pricelist.PriceListError, match=message):
        pricelist.ask(account, NODE, REGION)


@pytest.mark.parametrize(
    ("region", "usage"),
    [("eu-west-1", "EU-NatGateway-Hours"), ("us-east-1", "NatGateway-Hours"), ("us-east-2", "USE2-NatGateway-Hours")],
)
def test_a_usage_type_is_known_with_any_regions_prefix(region: str, usage: str) -> None:
    asked = query(Rate("nat-gateway"), region)
    assert asked is not None
    assert asked.is_meant(usage)
    assert not asked.is_meant("EU-RegionalNatGateway-Hours")


def test_keys_have_a_prefix_of_their_own() -> None:
    asked = query(Rate("key"), REGION)
    assert asked is not None
    assert asked.is_meant("eu-west-1-KMS-Keys")


# --- the cache


def test_prices_that_were_asked_for_are_kept(price_list: PriceList, account: Account, tmp_path: Path) -> None:
    price_list.products = [server("m7g.large", "0.095")]
    path = tmp_path / "prices.json"
    first = look_up(REGION, [SERVER, NODE], cache.read(path), lambda: account, now=NOW)
    again = look_up(REGION, [SERVER, NODE], cache.read(path), _nobody, now=NOW + cache.KEPT)
    assert first(SERVER) == again(SERVER)
    assert (first.notes, again.notes) == ([], [])
    assert len(price_list.requests) == 2, "one for each price, what the list has not included"


def _nobody() -> Account:
    raise AccountError("nobody is to be asked")


@pytest.mark.parametrize(
    ("later", "refresh"),
    [(cache.KEPT + timedelta(seconds=1), False), (timedelta(), True), (timedelta(days=-1), False)],
    ids=["after a week", "on demand", "with a clock that went back"],
)
def test_prices_are_asked_for_again(
    price_list: PriceList, account: Account, tmp_path: Path, later: timedelta, refresh: bool
) -> None:
    path = tmp_path / "prices.json"
    price_list.products = [server("m7g.large", "0.095")]
    look_up(REGION, [SERVER], cache.read(path), lambda: account, now=NOW)
    price_list.products = [server("m7g.large", "0.096")]
    found = look_up(REGION, [SERVER], cache.read(path), lambda: account, refresh=refresh, now=NOW + later)(SERVER)
    assert found is not None
    assert found.first == 0.096


def test_old_prices_are_better_than_none_and_are_said_to_be_old(tmp_path: Path) -> None:
    kept = cache.Cache(tmp_path / "prices.json")
    kept.put(NODE, flat(0.19, "Price List API: an old one", "2026-01-01"), NOW)
    found = look_up(REGION, [NODE], kept, _nobody, now=NOW + timedelta(days=30))
    assert found(NODE) == flat(0.19, "Price List API: an old one", "2026-01-01")
    assert found.notes == [
        "AWS was not asked for 1 price: nobody is to be asked.",
        "1 price was asked for more than 7 days ago.",
    ]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"prices": [{"kind": "x"}]}', '{"prices": [1]}', "\x00"])
def test_a_cache_that_is_not_one_is_an_empty_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "prices.json"
    path.write_text(text)
    assert cache.read(path).entries == {}


def test_a_cache_folder_that_cannot_be_written_is_said_and_hurts_nobody(
    price_list: PriceList, account: Account, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    price_list.products = [server("m7g.large", "0.095")]
    found = look_up(REGION, [SERVER], cache.read(tmp_path / "file/prices.json"), lambda: account, now=NOW)
    assert [note.partition(" in ")[0] for note in found.notes] == ["The prices could not be kept"]
    price = found(SERVER)
    assert price is not None
    assert price.first == 0.095


@pytest.mark.parametrize(
    ("environment", "folder"),
    [({"XDG_CACHE_HOME": "/c"}, "/c/django-scale"), ({"HOME": "/h"}, "/h/.cache/django-scale")],
)
def test_the_cache_is_in_the_users_cache_folder(
    environment: dict[str, str], folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert cache.folder(environment) == Path(folder)


# --- no access


def test_without_permission_the_table_stands_in_and_it_is_said_once(
    price_list: PriceList, account: Account, tmp_path: Path
) -> None:
    price_list.refusal = "AccessDeniedException"
    found = look_up(REGION, [SERVER, NODE], cache.read(tmp_path / "prices.json"), lambda: account, now=NOW)
    assert found(SERVER) == table.find(REGION, SERVER)
    assert found(NODE) is None
    assert found.notes == [
        "AWS was not asked for 2 prices: pricing:GetProducts is not allowed: add it to the role's policy "
        "(docs/operating.md)."
    ]
    assert len(price_list.requests) == 1, "the next one would be refused too"


def test_one_price_that_cannot_be_read_does_not_hide_the_others(
    price_list: PriceList, account: Account, tmp_path: Path
) -> None:
    price_list.products = [server("m7g.large", "0.095"), node("cache.r7g.xlarge", "1"), node("cache.r7g.xlarge", "2")]
    found = look_up(REGION, [SERVER, NODE], cache.read(tmp_path / "prices.json"), lambda: account, now=NOW)
    price = found(SERVER)
    assert price is not None
    assert price.first == 0.095
    assert found(NODE) is None
    assert found.notes == [
        "cache-node valkey cache.r7g.xlarge: AmazonElastiCache lists 2 prices of cache-node valkey cache.r7g.xlarge."
    ]
