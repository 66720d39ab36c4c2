"""The Price List API over HTTP, with documents of the form of AWS's (Billing guide, "GetProducts", examples)."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PAGE = 2
"""Products in a page: few, so that an answer has several."""


def product(
    service: str,
    usage: str,
    unit: str,
    tiers: Mapping[str, str],
    *,
    currency: str = "USD",
    published: str = "2026-11-02T10:00:00Z",
    **attributes: str,
) -> dict[str, Any]:
    """Return a product's document: `tiers` are prices by the first unit that they hold for."""
    sku = f"SKU{abs(hash((service, usage, *attributes.values()))) % 10**10:010}"
    starts = sorted(tiers, key=float)
    dimensions: dict[str, Any] = {
        f"{sku}.JRTCKXETXF.{place}": {
            "unit": unit,
            "beginRange": start,
            "endRange": starts[place + 1] if place + 1 < len(starts) else "Inf",
            "description": f"{tiers[start]} for {usage}",
            "appliesTo": [],
            "rateCode": f"{sku}.JRTCKXETXF.{place}",
            "pricePerUnit": {currency: tiers[start]},
        }
        for place, start in enumerate(starts)
    }
    term: dict[str, Any] = {
        "priceDimensions": dimensions,
        "sku": sku,
        "effectiveDate": "2026-11-01T00:00:00Z",
        "offerTermCode": "JRTCKXETXF",
        "termAttributes": {},
    }
    return {
        "product": {
            "sku": sku,
            "productFamily": attributes.get("productFamily", ""),
            "attributes": {"servicecode": service, "usagetype": usage, "regionCode": "eu-west-1", **attributes},
        },
        "serviceCode": service,
        "terms": {"OnDemand": {f"{sku}.JRTCKXETXF": term}},
        "version": "20261102100000",
        "publicationDate": published,
    }


def reserved(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with the terms of a reservation beside its own, as ElastiCache's list has them."""
    sku = document["product"]["sku"]
    term = {
        "offerTermCode": "6QCMYABX3D",
        "sku": sku,
        "effectiveDate": "2026-11-03T00:00:00Z",
        "termAttributes": {"LeaseContractLength": "1yr", "PurchaseOption": "All Upfront"},
        "priceDimensions": {
            "hours": {"unit": "Hrs", "beginRange": "0", "endRange": "Inf", "pricePerUnit": {"USD": "0.0000000000"}},
            "fee": {"unit": "Quantity", "pricePerUnit": {"USD": "1143.7056"}},
        },
    }
    return {**document, "terms": {"OnDemand": {**document["terms"]["OnDemand"], f"{sku}.6QCMYABX3D": term}}}


def node(type_: str, usd: str, engine: str = "Valkey", prefix: str = "EU-") -> dict[str, Any]:
    """Return a cache node."""
    usage = f"{prefix}NodeUsage:{type_}"
    return product("AmazonElastiCache", usage, "Hrs", {"0": usd}, instanceType=type_, cacheEngine=engine)


def server(type_: str, usd: str) -> dict[str, Any]:
    """Return a server on demand."""
    return product(
        "AmazonEC2",
        f"EU-BoxUsage:{type_}",
        "Hrs",
        {"0": usd},
        instanceType=type_,
        operatingSystem="Linux",
        tenancy="Shared",
        preInstalledSw="NA",
        capacitystatus="Used",
    )


class PriceList:
    """A server of products. `requests` are the queries it was sent; `refusal` is what it answers instead."""

    def __init__(self) -> None:
        self.products: list[dict[str, Any]] = []
        self.requests: list[dict[str, Any]] = []
        self.refusal: str | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> PriceList:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Return the status and the answer to GetProducts."""
        self.requests.append(request)
        if self.refusal is not None:
            return 400, {"__type": self.refusal, "message": "the price list is not for you"}
        found = [
            document
            for document in self.products
            if document["serviceCode"] == request["ServiceCode"]
            and all(_field(document, each["Field"]) == each["Value"] for each in request["Filters"])
        ]
        start = int(request.get("NextToken", "0"))
        page = {"FormatVersion": "aws_v1", "PriceList": [json.dumps(each) for each in found[start : start + PAGE]]}
        return 200, page | ({"NextToken": str(start + PAGE)} if start + PAGE < len(found) else {})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.headers["X-Amz-Target"] == "AWSPriceListService.GetProducts"
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = owner.answer(request)
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        return Handler


def _field(document: dict[str, Any], field: str) -> object:
    product_ = document["product"]
    return product_["productFamily"] if field == "productFamily" else product_["attributes"].get(field)
