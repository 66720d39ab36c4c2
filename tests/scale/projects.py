"""Small projects on disk, and the project's own stacks, planned once."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path
from textwrap import dedent

from scale.plan.plan import Plan, make_plan

ROOT = Path(__file__).parents[2]

VPC = """
    import pulumi
    import pulumi_aws as aws

    class Net(pulumi.ComponentResource):
        def __init__(self, name):
            super().__init__("test:index:Net", name)
            self.vpc = aws.ec2.Vpc(
                f"{name}-vpc", cidr_block="10.0.0.0/16", opts=pulumi.ResourceOptions(parent=self)
            )
            self.register_outputs({})
"""
"""A program's beginning: a component that is as it should be."""


def project(directory: Path, program: str, config: str = "{}") -> Path:
    """Write a project `shop` with one stack `dev` and return its directory."""
    (directory / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (directory / "Pulumi.dev.yaml").write_text(f"config: {dedent(config).strip()}\n")
    (directory / "__main__.py").write_text(dedent(program))
    return directory


@cache
def own_plan(stack: str) -> Plan:
    """Return the plan of one of this project's stacks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make_plan(ROOT, stack)
