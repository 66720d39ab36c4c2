"""Resources in words, for reports."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from scale.plan.recording import PROVIDER_PREFIX, Recording, Resource

_ABBREVIATIONS: dict[str, str] = {"Acl": "ACL", "Eip": "Elastic IP", "Vpc": "VPC"}

_NOUNS: dict[str, str] = {
    "aws:autoscaling/group:Group": "Auto Scaling group",
    "aws:autoscaling/policy:Policy": "scaling policy",
    "aws:autoscaling/schedule:Schedule": "scheduled action",
    "aws:elasticache/user:User": "cache user",
    "aws:elasticache/userGroup:UserGroup": "cache user group",
    "aws:kms/key:Key": "encryption key",
    "aws:rds/instance:Instance": "database instance",
    "aws:route53/record:Record": "DNS record",
}
"""Types whose own name says too little."""


def kind(type_: str) -> str:
    """Return a type's own name: `Subnet`, `Network`."""
    return type_.rpartition(":")[2]


def noun(type_: str, count: int = 1) -> str:
    """Return a type in lower-case words: `route table`, `2 subnets` for a count above one."""
    if type_.startswith(PROVIDER_PREFIX):
        return f"provider {kind(type_)}"
    text = _NOUNS.get(type_) or " ".join(
        _ABBREVIATIONS.get(found.group(), found.group().lower())
        for found in re.finditer(r"[A-Z][a-z0-9]*|[a-z0-9]+", kind(type_))
    )
    if count == 1:
        return text
    if text.endswith("controls"):  # a plural already
        return text
    if text.endswith("y") and not text.endswith(("ay", "ey", "oy")):
        return f"{text[:-1]}ies"
    return f"{text}es" if text.endswith(("s", "x")) else f"{text}s"


def contents(resources: Iterable[Resource]) -> list[str]:
    """Return what there is of each type, `9 subnets`, the most first."""
    counts = Counter(resource.type for resource in resources if not resource.is_component)
    ranked = sorted(counts.items(), key=lambda entry: (-entry[1], noun(entry[0])))
    return [f"{count} {noun(type_, count)}" for type_, count in ranked]


def label(type_: str, name: str) -> str:
    """Return a resource in words: `subnet public-1`; a provider named for its package is said once."""
    text = noun(type_)
    return text if not name or text == f"provider {name}" else f"{text} {name}"


def prefix(recording: Recording) -> str:
    """Return what the names of all components begin with, `shop-prod`; empty where there is no such thing."""
    names = [resource.name for resource in recording.all() if resource.is_component]
    return common_prefix(names)


def common_prefix(names: Sequence[str]) -> str:
    """Return the longest run of whole words, parted by hyphens, that all names begin with."""
    common: list[str] = []
    for parts in zip(*(name.split("-") for name in names), strict=False):
        if len(set(parts)) > 1:
            break
        common.append(parts[0])
    return "-".join(common)


def without(prefix: str, name: str) -> str:
    """Return `name` without the prefix that is common to the stack; empty where it is all of it."""
    return "" if name == prefix else name.removeprefix(f"{prefix}-") if prefix else name


def title(component: Resource, prefix: str) -> str:
    """Return a component's kind and what is its own of its name: `Cache sessions`."""
    return f"{kind(component.type)} {without(prefix, component.name)}".rstrip()


def number(count: int, word: str) -> str:
    """Return `1 error`, `2 errors`."""
    if count == 1:
        return f"1 {word}"
    return f"{count} {word[:-1]}ies" if word.endswith("ty") else f"{count} {word}s"
