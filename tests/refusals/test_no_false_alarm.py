"""Settings that are right are refused by nobody."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from model import capacity, instances
from model.settings import Settings
from policies.rule import Violation, judge_all
from scale.plan import program
from scale.plan.findings import Finding
from scale.plan.guard_rails import view
from scale.plan.recording import Recording
from scale.plan.refusals import refusals, tables
from scale.plan.stackfile import Configuration
from tests.strategies import REGIONS, Group, Stack, stacks

ROOT = Path(__file__).parents[2]

# The strategies know nothing of AWS's regions, sizes and words. What is drawn is moved to what AWS has everywhere, and
# everything else stays as it was drawn.
MACHINES = {"arm64": ["m7g.large", "t4g.medium", "c7g.xlarge"], "x86_64": ["m6i.large", "t3.medium", "r6i.xlarge"]}
DATABASES = ["db.t4g.medium", "db.m6g.large", "db.r6g.large"]
NODES = ["cache.t4g.small", "cache.m6g.large", "cache.r6g.xlarge"]


@st.composite
def taken(draw: st.DrawFn) -> Stack:
    """Return a stack with settings that AWS takes."""
    stack = draw(stacks())
    config = json.loads(json.dumps(stack.config))
    servers: Group = config["servers"]
    architecture = instances.architecture(servers["instance_type"])
    machines = MACHINES[architecture]
    servers["instance_type"] = draw(st.sampled_from(machines))
    if "other_instance_types" in servers:
        servers["other_instance_types"] = draw(st.lists(st.sampled_from(machines), unique=True))
    haproxy: Group = config.get("traffic", {}).get("haproxy", {})
    if "instance_type" in haproxy:
        haproxy["instance_type"] = draw(st.sampled_from(machines))
    servers["root_volume_gib"] = 200
    config["network"] = {**config.get("network", {}), "cidr": "10.0.0.0/16"}
    _everywhere(config, draw)
    if len(config["application"].get("domain") or "") > 64:
        del config["application"]["domain"]
        config["application"].pop("hosted_zone", None)
    return Stack(stack.name, draw(st.sampled_from(REGIONS)), config, stack.secret)


def _everywhere(config: dict[str, Any], draw: st.DrawFn) -> None:
    """Give database and caches classes and versions that every region has, and names that nobody reserves."""
    database: Group = config.setdefault("database", {})
    database |= {"instance_class": draw(st.sampled_from(DATABASES)), "engine_version": "17", "port": 5432}
    database |= {"name": "shop", "user": "shopper"}
    for replica in database.get("replicas", ()):
        replica.pop("instance_class", None)
    for group in ("data", "sessions"):
        caches: Group = config.get("cache") or {}
        if caches.get(group):
            nodes: Group = caches[group]
            nodes |= {"node_type": draw(st.sampled_from(NODES)), "shards": min(nodes.get("shards", 1), 20)}


@cache
def run(stack: str, region: str, text: str, secret: tuple[str, ...]) -> Recording:
    """Return what the program registers for a configuration."""
    config = json.loads(text)
    values = {f"django-scale:{key}": _text(value) for key, value in config.items()} | {"aws:region": region}
    configuration = Configuration(values, tuple(f"django-scale:{key}" for key in secret), {})
    build = (ROOT / "__main__.py").read_text()
    code = compile(build, str(ROOT / "__main__.py"), "exec")
    return program.run(
        lambda: exec(code, {"__name__": "__main__"}),  # noqa: S102 # the project's own program
        project="django-scale",
        stack=stack,
        configuration=configuration,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(taken())
def test_valid_settings_give_no_error(stack: Stack) -> None:
    own = stack.settings()
    recording = run(stack.name, stack.region, json.dumps(stack.config), stack.secret)

    found = refusals(recording, own, stack.region)

    note("\n".join(str(each) for each in found))
    assert _errors(found, own) == []


def _errors(found: list[Finding], own: Settings) -> list[Finding]:
    """Return errors, but for subnets that the largest fleets of the strategies really do not fit."""
    roomy = capacity.capacity(own).servers_during_refresh < 2000
    return [each for each in found if each.severity == "error" and (roomy or each.rule != "subnet-size")]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(taken())
def test_rules_that_no_setting_can_break_are_broken_by_none(stack: Stack) -> None:
    from policies.catalogue import RULES

    recording = run(stack.name, stack.region, json.dumps(stack.config), stack.secret)

    broken = {each.rule.id for _, each in judge_all(RULES, {}, view(recording)) if isinstance(each, Violation)}

    # Each of these has a setting that is laxer in an environment that holds nothing of value.
    by_settings = {
        "bounded-maximum",
        "cache-failover",
        "cluster-logs",
        "database-backups",
        "database-deletion-protection",
        "database-multi-az",
        "firewall",
        "flow-logs",
        "https",
        "passable-health-check",
        "replacement-snapshot",
        "replica-zones",
        "room-to-scale",
        "subnet-public-addresses",
    }
    assert broken <= by_settings


def test_what_the_test_calls_everywhere_is_everywhere() -> None:
    for region in REGIONS:
        enums: Any = tables.extension("aws_ec2_instance", "instancetype_enum")[region]["enum"]
        assert {name for names in MACHINES.values() for name in names} <= set(enums)
        nodes: Any = tables.extension("aws_elasticache_cachecluster", "cachenodetype_enum")[region]["enum"]
        assert set(NODES) <= set(nodes)
