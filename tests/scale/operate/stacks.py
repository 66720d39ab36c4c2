"""Small stacks on disk."""

from __future__ import annotations

from pathlib import Path

from scale.operate.account import Stack, read_stack

SETTINGS = """
  django-scale:application: {name: shop, image: "ghcr.io/example/shop:1.4.0"}
"""


def stack(directory: Path, aws: str = "", settings: str = SETTINGS, *, region: str = "eu-west-1") -> Stack:
    """Write a project with one stack `prod`, `aws` being further lines of its configuration, and read it."""
    directory.mkdir(exist_ok=True)
    (directory / "Pulumi.yaml").write_text("name: django-scale\nruntime: python\n")
    (directory / "__main__.py").write_text("")
    lines = "".join(f"  {line.strip()}\n" for line in aws.strip().splitlines())
    (directory / "Pulumi.prod.yaml").write_text(f"config:\n  aws:region: {region}\n{lines}{settings.lstrip(chr(10))}")
    return read_stack(directory, "prod")
