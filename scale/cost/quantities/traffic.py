"""What stands between visitors and servers: load balancers, firewalls, the delivery network, data that leaves."""

from __future__ import annotations

from collections.abc import Iterator

from scale.cost.items import Item, Known, Levels, always, said
from scale.cost.prices import HOURS, Rate
from scale.cost.quantities.resources import component, groups, is_true
from scale.plan.properties import text, texts
from scale.plan.recording import Recording, Resource

BYTES_IN_GB = 1e9
"""AWS bills transfer by 10^9 bytes (EC2 pricing, "Data transfer")."""


def items(update: Recording, known: Known) -> Iterator[Item]:
    """Yield balancers, firewalls and distributions."""
    for balancer in update.all("aws:lb/loadBalancer:LoadBalancer"):
        yield from _balancer(update, known, balancer)
    for acl in update.all("aws:wafv2/webAcl:WebAcl"):
        owner = component(update, acl)
        rules = len(list(groups(acl.properties.get("rules"))))
        yield Item(owner, "web ACL", Rate("web-acl"), "ACLs", always(1))
        yield Item(owner, "rules", Rate("web-acl-rule"), "rules", always(rules))
        yield Item(owner, "inspected requests", Rate("web-acl-request"), "requests", _requests(known))
    for distribution in update.all("aws:cloudfront/distribution:Distribution"):
        owner = component(update, distribution)
        # A distribution has no price of its own; which edges answer, and at which price, is the visitors' place.
        data, asked = said(known.given.delivery_gb), said(known.given.delivery_requests)
        yield Item(owner, "CloudFront data", Rate("delivery"), "GB", data, "--delivery-gb")
        yield Item(owner, "CloudFront requests", Rate("delivery-request"), "requests", asked, "--delivery-requests")


def _balancer(update: Recording, known: Known, balancer: Resource) -> Iterator[Item]:
    owner, type_ = component(update, balancer), text(balancer, "loadBalancerType") or "application"
    if type_ != "application":
        yield Item(owner, f"{type_} load balancer", Rate(f"{type_}-load-balancer"), "hours", always(HOURS))
        yield Item(owner, "capacity units", Rate(f"{type_}-load-balancer-unit"), "LCU hours", (None, None, None))
        yield from _outside(update, known, balancer)
        return
    yield Item(owner, "load balancer", Rate("load-balancer"), "hours", always(HOURS))
    traffic = known.traffic
    units: Levels = (0.0, None, None)
    if traffic is not None and traffic.balancer_units is not None:
        units = (0.0, traffic.balancer_units, traffic.peak_balancer_units)
    yield Item(
        owner,
        "capacity units",
        Rate("load-balancer-unit"),
        "LCU hours",
        units if known.given.response_kib is not None else (None, None, None),
        "--response-kib",
        "at the most: a connection for each request",
    )
    yield from _outside(update, known, balancer)


def _outside(update: Recording, known: Known, balancer: Resource) -> Iterator[Item]:
    """Yield what a balancer has because it faces the internet."""
    if is_true(balancer, "internal"):
        return
    owner = component(update, balancer)
    zones = len(list(texts(balancer.properties.get("subnets"))))
    yield Item(owner, "public addresses", Rate("public-address"), "hours", always(zones * HOURS))
    yield Item(owner, "data to the internet", Rate("egress"), "GB", _egress(known), "--egress-gb")


def _egress(known: Known) -> Levels:
    given, traffic = known.given, known.traffic
    if given.egress_gb is not None:
        return said(given.egress_gb)
    if given.response_kib is None or traffic is None:
        return (None, None, None)
    gb = given.response_kib * 1024 / BYTES_IN_GB
    return (0.0, traffic.requests * gb, traffic.peak_requests * gb)


def _requests(known: Known) -> Levels:
    traffic = known.traffic
    return (0.0, None, None) if traffic is None else (0.0, traffic.requests, traffic.peak_requests)
