"""The network: NAT gateways, public addresses, interface endpoints."""

from __future__ import annotations

from collections.abc import Iterator

from scale.cost.items import Item, Known, always, said
from scale.cost.prices import HOURS, Rate
from scale.cost.quantities.resources import component
from scale.plan.properties import text, texts
from scale.plan.recording import Recording


def items(update: Recording, known: Known) -> Iterator[Item]:
    """Yield what the network is charged for. Gateway endpoints, subnets and routes are free."""
    gateways = update.all("aws:ec2/natGateway:NatGateway")
    if gateways:
        owner = component(update, gateways[0])
        yield Item(owner, "NAT gateways", Rate("nat-gateway"), "hours", always(len(gateways) * HOURS))
        data = said(known.given.nat_gb, idle=True)
        yield Item(owner, "data through NAT", Rate("nat-data"), "GB", data, "--nat-gb")
    addresses = update.all("aws:ec2/eip:Eip")
    if addresses:
        owner = component(update, addresses[0])
        yield Item(owner, "public addresses", Rate("public-address"), "hours", always(len(addresses) * HOURS))
    for endpoint in update.all("aws:ec2/vpcEndpoint:VpcEndpoint"):
        if text(endpoint, "vpcEndpointType") == "Interface":
            zones = len(list(texts(endpoint.properties.get("subnetIds")))) or 1
            name = text(endpoint, "serviceName").rpartition(".")[2]
            hours = always(zones * HOURS)
            yield Item(component(update, endpoint), f"endpoint {name}", Rate("endpoint"), "hours", hours)
