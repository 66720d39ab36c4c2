"""What is read from cfn-lint's and botocore's data, held against the two themselves."""

# botocore comes without types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore import session as botocore_session

from policies import tokens as t
from policies.view import UNKNOWN, Resource, Stack
from scale.plan import program
from scale.plan.guard_rails import view
from scale.plan.recording import Recording
from scale.plan.refusals import tables
from scale.plan.refusals.declared import declared, translated
from scale.plan.refusals.refusal import Planned
from scale.plan.refusals.schema import Validator
from scale.plan.refusals.shapes import SHAPES
from tests.policies.stacks import resource

ROOT = Path(__file__).parents[2]
# Classes by region and by engine, versions and withdrawn ones; instance types; node types, engines of caches.
JUDGES = {"E3025", "E3062", "E3690", "E3691", "W3691", "E3628", "E3647", "E3695"}


@dataclass(frozen=True)
class Asked:
    """A resource, and the same for cfn-lint."""

    resource: Resource
    kind: str
    properties: dict[str, Any]
    region: str = "eu-west-1"


def database(instance_class: str, version: str = "17", region: str = "eu-west-1") -> Asked:
    given = {"instanceClass": instance_class, "engine": "postgres", "engineVersion": version}
    properties = {"DBInstanceClass": instance_class, "Engine": "postgres", "EngineVersion": version}
    return Asked(resource(t.DATABASE, given), "AWS::RDS::DBInstance", properties, region)


def server(kind: str, region: str = "eu-west-1") -> Asked:
    properties = {"LaunchTemplateData": {"InstanceType": kind}}
    return Asked(resource(t.LAUNCH_TEMPLATE, {"instanceType": kind}), "AWS::EC2::LaunchTemplate", properties, region)


def node(kind: str, engine: str = "valkey", version: str = "8.0", region: str = "eu-west-1") -> Asked:
    given = {"nodeType": kind, "engine": engine, "engineVersion": version, "transitEncryptionEnabled": True}
    # cfn-lint judges node types and versions of single clusters alone; a group's nodes are the same ones.
    properties = {"CacheNodeType": kind, "Engine": engine, "EngineVersion": version, "NumCacheNodes": 1}
    return Asked(resource(t.CACHE, given), "AWS::ElastiCache::CacheCluster", properties, region)


ASKED = (
    database("db.r7g.large"),
    database("db.t4g.micro"),
    database("db.m77g.large"),
    database("db.m8g.large", region="eu-west-1"),
    database("db.m8g.large", region="ap-southeast-3"),
    database("db.r8a.large", "13.23"),
    database("db.r8a.large", "17.6"),
    database("db.r7g.large", "17.99"),
    database("db.r7g.large", "16.2"),
    server("m7g.large"),
    server("m77g.large"),
    server("m9g.large", "eu-west-1"),
    server("m9g.large", "ap-southeast-3"),
    node("cache.r7g.large"),
    node("cache.r77g.large"),
    node("cache.c7gn.large", region="eu-west-1"),
    node("cache.c7gn.large", region="ap-southeast-3"),
    node("cache.t4g.small", "redis", "7.1"),
    node("cache.t4g.small", "redis", "7.9"),
    node("cache.t4g.small", "valkey", "7.1"),
)

LINT = """
import json, sys
from cfnlint.api import lint
from cfnlint.config import ManualArgs
for kind, properties, region in json.load(sys.stdin):
    template = {"Resources": {"It": {"Type": kind, "Properties": properties}}}
    found = lint(json.dumps(template), config=ManualArgs(regions=[region]))
    print(json.dumps(sorted({match.rule.id for match in found})))
"""


@cache
def lint() -> list[set[str]]:
    """Return the ids of cfn-lint's findings on each question, from a process of its own: it loads a great deal."""
    questions = json.dumps([[asked.kind, asked.properties, asked.region] for asked in ASKED])
    done = subprocess.run([sys.executable, "-c", LINT], input=questions, capture_output=True, text=True, check=True)
    return [set(json.loads(line)) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    "place",
    range(len(ASKED)),
    ids=[f"{place}: {list(asked.properties.values())} {asked.region}" for place, asked in enumerate(ASKED)],
)
def test_cfn_lint_itself_says_the_same(place: int) -> None:
    asked = ASKED[place]
    planned = Planned(Stack((asked.resource,)), asked.region, None)

    said = lint()[place] & JUDGES
    if "." not in str(asked.properties.get("EngineVersion", ".")):
        said.discard("W3691")  # It takes the major version 17 for its first minor one, which RDS does not.
    assert bool(list(declared(planned))) == bool(said)


def test_cfn_lint_is_not_imported_for_its_data() -> None:
    code = (
        "import sys; from scale.plan.refusals import declared, tables; tables.regions();"
        "tables.extension('aws_rds_dbinstance', 'engine_version'); tables.service_model('rds');"
        "print([name for name in ('cfnlint', 'botocore', 'sympy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("type_", [each for each, shape in SHAPES.items() if shape.service])
def test_a_request_s_members_are_those_of_botocore_s_own_model(type_: str) -> None:
    shape = SHAPES[type_]
    own = tables.service_model(shape.service)
    name = own["operations"][shape.operation]["input"]["shape"]

    theirs = botocore_session.get_session().get_service_model(shape.service).operation_model(shape.operation)

    assert theirs.input_shape is not None
    assert name == theirs.input_shape.name
    for member, inner in theirs.input_shape.members.items():
        described = own["shapes"][own["shapes"][name]["members"][member]["shape"]]
        assert described["type"] == inner.type_name
        assert list(described.get("enum", [])) == list(getattr(inner, "enum", []))
        for bound in ("min", "max", "pattern"):
            assert described.get(bound) == inner.metadata.get(bound)


@pytest.fixture(scope="module")
def prod() -> Recording:
    return program.run_stack(ROOT, "prod").update


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_property_that_production_sets_has_a_name_of_aws_s(prod: Recording) -> None:
    planned = Planned(view(prod), "eu-west-1", None)
    unknown: set[str] = set()
    for each in planned.stack.resources:
        shape = SHAPES.get(each.type)
        if shape is None:
            continue
        schema = tables.resource_schema("eu-west-1", shape.cloudformation) or {}
        if shape.inside:
            schema = schema["definitions"][shape.inside]
        names = {name.lower() for name in schema["properties"]}
        if shape.service:
            model = tables.service_model(shape.service)
            names |= {
                name.lower()
                for name in model["shapes"][model["operations"][shape.operation]["input"]["shape"]]["members"]
            }
        for name in translated(each, shape, planned).properties:
            if name.lower() not in names:
                unknown.add(f"{shape.cloudformation}.{name}")

    assert unknown == set()


def test_an_unknown_value_breaks_nothing() -> None:
    schema = {
        "if": {"properties": {"Engine": {"const": "postgres"}}, "required": ["Engine"]},
        "then": {"properties": {"Version": {"enum": ["17"]}}},
    }
    validator = Validator(schema)

    assert [each.path for each in validator.breaches({"Engine": "postgres", "Version": "1"})] == [("Version",)]
    assert list(validator.breaches({"Engine": "postgres", "Version": UNKNOWN})) == []
    assert list(validator.breaches({"Engine": UNKNOWN, "Version": "1"})) == []
    assert list(validator.breaches(UNKNOWN)) == []
