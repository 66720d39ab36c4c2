"""Prices from AWS's Price List API: GetProducts, and what its documents say.

A document has a product and its terms; a term on demand has dimensions, which are the tiers of a price.
Source: "AWS Price List Query API", and "Reading the service price list files" (Billing guide).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from scale.cost.prices import Price, Rate, Tier
from scale.cost.queries import Query, query
from scale.operate.account import Account

ENDPOINT_REGION = "us-east-1"
"""The API is in few regions, and tells of all of them."""

# The code of ordinary on-demand terms; others under the same heading are of reservations ("Reading the service price
# list files", offerTermCode).
_ON_DEMAND = "JRTCKXETXF"


class PriceListError(ValueError):
    """An answer that gives no price, or more than one; the text says what."""


def ask(account: Account, rate: Rate, region: str) -> Price | None:
    """Return a rate's price in a region; None where it has no list price.

    Raises PriceListError for an answer that cannot be read, scale.operate.errors.AccountError where there is none.
    """
    wanted = query(rate, region)
    if wanted is None:
        return None
    fields = {**wanted.attributes, **({"regionCode": region} if wanted.regional else {})}
    if wanted.service == "AWSDataTransfer":
        # A transfer has two ends, and its region is the one that it leaves.
        fields["fromRegionCode"] = fields.pop("regionCode")
    filters = [{"Type": "TERM_MATCH", "Field": key, "Value": value} for key, value in sorted(fields.items())]
    products: list[Any] = account.items(
        "pricing",
        "get_products",
        "PriceList",
        region=ENDPOINT_REGION,
        ServiceCode=wanted.service,
        Filters=filters,
        FormatVersion="aws_v1",
    )
    documents = [_document(product) for product in products]
    found = {price for document in documents if (price := _price(document, wanted)) is not None}
    prices = {price.tiers for price in found}
    if not prices:
        return None
    if len(prices) > 1:
        raise PriceListError(f"{wanted.service} lists {len(prices)} prices of {rate}")
    return max(found, key=lambda price: price.date)


def _document(text: object) -> dict[str, Any]:
    try:
        # botocore gives the text of a document, or the document.
        parsed = json.loads(text) if isinstance(text, str) else text
    except json.JSONDecodeError as error:
        raise PriceListError(f"a product that is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise PriceListError("a product that is not a JSON object")
    return cast("dict[str, Any]", parsed)


def _price(document: Mapping[str, Any], wanted: Query) -> Price | None:
    """Return a product's price on demand; None for a product that is not the one meant, or that has none."""
    product = document.get("product", {})
    attributes = product.get("attributes", {})
    if not wanted.is_meant(str(attributes.get("usagetype", ""))):
        return None
    terms = list(document.get("terms", {}).get("OnDemand", {}).values())
    ordinary = [term for term in terms if term.get("offerTermCode", _ON_DEMAND) == _ON_DEMAND]
    if not ordinary:
        return None
    term = max(ordinary, key=lambda each: str(each.get("effectiveDate", "")))
    tiers = tuple(sorted(_tiers(term, wanted), key=lambda tier: tier.above))
    if not tiers or tiers[0].above != 0:
        raise PriceListError(f"{wanted.service} lists no price of the first unit for {attributes.get('usagetype')}")
    version = document.get("version", "")
    source = f"{wanted.service} {version}, SKU {product.get('sku')}".replace(" ,", ",")
    date = str(document.get("publicationDate") or term.get("effectiveDate", ""))[:10]
    return Price(tiers, f"Price List API: {source}", date)


def _tiers(term: Mapping[str, Any], wanted: Query) -> Iterator[Tier]:
    for dimension in term.get("priceDimensions", {}).values():
        unit, prices = dimension.get("unit"), dimension.get("pricePerUnit", {})
        if unit not in wanted.units:
            raise PriceListError(f"{wanted.service} counts {wanted.usage} in {unit!r}, not {wanted.units[0]}")
        if "USD" not in prices:
            raise PriceListError(f"{wanted.service} gives {wanted.usage} in {', '.join(prices) or 'no currency'}")
        yield Tier(float(dimension.get("beginRange", 0)), float(prices["USD"]))
