"""For each rule a stack that AWS refuses, and one that it nearly does."""

from __future__ import annotations

from policies import tokens as t
from tests.policies.stacks import resource
from tests.refusals.cases.builders import Case, subnets, zones

NETWORK = (
    Case("zones", zones(4), zones(3), "gives a new account 3 zones"),
    Case(
        "docker-bridge",
        (resource(t.VPC, {"cidrBlock": "172.17.128.0/20"}),),
        (resource(t.VPC, {"cidrBlock": "172.18.0.0/16"}),),
        "its own bridge",
    ),
    Case("subnet-range", subnets("10.1.0.0/24"), subnets("10.0.1.0/24"), "is not in 10.0.0.0/16"),
    Case("subnet-range", subnets("10.0.0.0/29"), subnets("10.0.0.0/28"), "/16 to /28"),
    Case(
        "subnet-range", subnets("10.0.0.0/24", "10.0.0.0/25"), subnets("10.0.0.0/24", "10.0.1.0/25"), "conflicts with"
    ),
)
