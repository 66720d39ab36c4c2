"""What cfn-lint's tables and botocore's models refuse: values, patterns, bounds, engines, classes, node types."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from policies import tokens as t
from policies.view import Resource
from scale.plan.refusals import keys, tables
from scale.plan.refusals.refusal import Planned, Refusal, answers
from scale.plan.refusals.schema import Breach, Validator, pattern
from scale.plan.refusals.shapes import SHAPES, Shape, Translation, translate

RULE = "refused-value"

# A resource's schema is asked for values alone. What must be there and what excludes what is CloudFormation's own
# matter in these files: the provider fills in names and leaves out what a replica does not take.
_VALUES_ONLY = frozenset(
    {"type", "required", "requiredXor", "dependentExcluded", "anyOf", "oneOf", "not", "if", "allOf"}
)


@dataclass(frozen=True)
class Extension:
    """A table of cfn-lint: its folder and name.

    It judges the property `key` alone, or all; `blamed` is at fault where the table refuses them together.
    """

    folder: str
    name: str
    regional: bool = False
    key: str = ""
    blamed: str = ""


_DEPRECATED = "engine_version_deprecated"

EXTENSIONS: Mapping[str, tuple[Extension, ...]] = {
    t.DATABASE: (
        Extension("aws_rds_dbinstance", "engine_version"),
        Extension("aws_rds_dbinstance", _DEPRECATED, blamed="EngineVersion"),
        Extension("aws_rds_dbinstance", "dbinstanceclass_enum", regional=True),
        Extension("aws_rds_dbinstance", "db_instance_class"),
        Extension("aws_rds_dbinstance", "backupretentionperiod_maximum"),
    ),
    t.CACHE: (
        Extension("aws_elasticache_cachecluster", "cachenodetype_enum", regional=True, key="CacheNodeType"),
        Extension("aws_elasticache_cachecluster", "engine_version"),
        Extension("aws_elasticache_replicationgroup", "transitencryptionenabled_valkey"),
    ),
    t.LAUNCH_TEMPLATE: (Extension("aws_ec2_instance", "instancetype_enum", regional=True, key="InstanceType"),),
    t.ALARM: (Extension("aws_cloudwatch_alarm", "period"),),
    t.TARGET_GROUP: (Extension("aws_elasticloadbalancingv2_targetgroup", "targettype_restrictions"),),
}
"""What cfn-lint knows of a type besides its schema, in the order it is asked."""


def declared(planned: Planned) -> Iterator[Refusal]:
    """Yield the values that AWS's own descriptions do not take."""
    if planned.region not in tables.regions():
        return  # It is refused as a whole, and every class would be too.
    for resource in planned.stack.resources:
        shape = SHAPES.get(resource.type)
        if shape is None:
            continue
        translation = translated(resource, shape, planned)
        for breach in _first_of_each(
            [*_linted(resource, shape, translation, planned.region), *_requested(shape, translation)]
        ):
            origin = translation.origins.get(breach.path[0] if breach.path else "", "")
            yield Refusal(
                RULE,
                resource,
                answer(shape, translation, breach, planned.region),
                keys.setting(resource, origin, planned.settings),
            )
        if resource.type == t.GROUP:
            yield from _overrides(resource, planned)


def translated(resource: Resource, shape: Shape, planned: Planned) -> Translation:
    """Return a resource in AWS's names; a replica with the engine of its primary, which the tables ask for."""
    translation = translate(resource, shape)
    sources = planned.stack.used(resource, "replicateSourceDb", t.DATABASE)
    if resource.type != t.DATABASE or not sources:
        return translation
    primary = translate(sources[0], shape).properties
    inherited = {key: primary[key] for key in ("Engine", "EngineVersion") if key in primary}
    return Translation(
        {**inherited, **translation.properties}, {**translation.origins, "EngineVersion": "engineVersion"}
    )


def _linted(resource: Resource, shape: Shape, translation: Translation, region: str) -> Iterator[Breach]:
    for extension in EXTENSIONS.get(resource.type, ()):
        # The table of withdrawn versions names whole majors too, of which RDS takes the newest minor one there is.
        if extension.name == _DEPRECATED and "." not in str(translation.properties.get("EngineVersion")):
            continue
        table: Any = tables.extension(extension.folder, extension.name)
        schema = table.get(region, True) if extension.regional else table
        if not extension.key:
            for breach in Validator(schema).breaches(translation.properties):
                path = breach.path or ((extension.blamed,) if extension.blamed else ())
                yield Breach(path, breach.keyword, breach.wanted, breach.value)
        elif extension.key in translation.properties:
            value = translation.properties[extension.key]
            yield from Validator({"properties": {extension.key: schema}}).breaches({extension.key: value})
    schema = tables.resource_schema(region, shape.cloudformation)
    if schema is None:
        yield Breach((), "region", None, shape.cloudformation)
        return
    properties: object = {shape.inside: translation.properties} if shape.inside else translation.properties
    for breach in Validator(schema, _VALUES_ONLY).breaches(properties):
        path = breach.path[1:] if shape.inside else breach.path
        yield Breach(path, breach.keyword, breach.wanted, breach.value)


def _overrides(group: Resource, planned: Planned) -> Iterator[Refusal]:
    """Yield the further instance types that the region does not have."""
    table: Any = tables.extension("aws_ec2_instance", "instancetype_enum").get(planned.region, {})
    for policy in group.groups("mixedInstancesPolicy"):
        for template in policy.groups("launchTemplate"):
            for override in template.groups("overrides"):
                name = override.text("instanceType")
                if name and name not in table.get("enum", [name]):
                    text = _no_instance_type(name, table["enum"], planned.region)
                    yield Refusal(RULE, group, text, keys.instance_type(name, planned.settings))


def _requested(shape: Shape, translation: Translation) -> Iterator[Breach]:
    """Yield what botocore's model of the request does not take."""
    if not shape.service:
        return
    model = tables.service_model(shape.service)
    request = model["operations"][shape.operation]["input"]["shape"]
    yield from _members(model["shapes"], request, translation.properties, ())


def _members(shapes: Mapping[str, Any], name: str, value: object, path: tuple[str, ...]) -> Iterator[Breach]:
    shape = shapes[name]
    kind = shape["type"]
    if kind == "structure" and isinstance(value, Mapping):
        members = {key.lower(): (key, member) for key, member in shape["members"].items()}
        for key, inner in cast("Mapping[str, object]", value).items():
            if key.lower() in members:  # CloudFormation writes DBName and MultiAZ where a request may write otherwise.
                yield from _members(shapes, members[key.lower()][1]["shape"], inner, (*path, key))
    elif kind == "list" and isinstance(value, list):
        items = cast("list[object]", value)
        yield from _sized(shape, len(items), items, path, "Items")
        for place, item in enumerate(items):
            yield from _members(shapes, shape["member"]["shape"], item, (*path, str(place)))
    elif kind == "string" and isinstance(value, str):
        yield from _sized(shape, len(value), value, path, "Length")
        if "enum" in shape and value not in shape["enum"]:
            yield Breach(path, "enum", shape["enum"], value)
        if "pattern" in shape and not pattern(shape["pattern"]).fullmatch(value):
            yield Breach(path, "pattern", shape["pattern"], value)
    elif kind in ("integer", "long", "double", "float") and isinstance(value, int | float):
        yield from _sized(shape, value, value, path, "imum")


def _sized(shape: Mapping[str, Any], size: float, value: object, path: tuple[str, ...], unit: str) -> Iterator[Breach]:
    if "min" in shape and size < shape["min"]:
        yield Breach(path, f"min{unit}", shape["min"], value)
    if "max" in shape and size > shape["max"]:
        yield Breach(path, f"max{unit}", shape["max"], value)


def _first_of_each(breaches: list[Breach]) -> list[Breach]:
    """Return the first breach of each property: what one table refuses, the next often does too."""
    first: dict[str, Breach] = {}
    for breach in breaches:
        first.setdefault(breach.path[0] if breach.path else "", breach)
    return list(first.values())


def answer(shape: Shape, translation: Translation, breach: Breach, region: str) -> str:
    """Return what AWS would say of a breach."""
    properties, value = translation.properties, breach.value
    place = breach.path[0] if breach.path else ""
    match place:
        case "":
            return answers(shape.operation, "UnsupportedOperation", f"{region} has no {value}")
        case "DBInstanceClass":
            pairs = [f"{key}={properties[key]}" for key in (place, "Engine", "EngineVersion") if key in properties]
            text = f"RDS does not support creating a DB instance with the following combination: {', '.join(pairs)}"
            return answers(
                shape.operation, "InvalidParameterCombination", f"{text} in {region}{_near(value, breach.wanted)}"
            )
        case "EngineVersion":
            text = f"Cannot find version {properties['EngineVersion']} for {properties['Engine']}"
            return answers(shape.operation, "InvalidParameterCombination", f"{text}{_near(value, breach.wanted)}")
        case "CacheNodeType":
            text = f"{value} is not a node type of {region}{_near(value, breach.wanted)}"
            return answers(shape.operation, "InvalidParameterValue", text)
        case "InstanceType":
            return _no_instance_type(str(value), breach.wanted, region)
        case _:
            return answers(shape.operation, "ValidationError", _constraint(breach))


def _no_instance_type(name: str, known: list[str], region: str) -> str:
    text = f"The requested configuration is currently not supported: {region} has no {name}{_near(name, known)}"
    return answers("RunInstances", "Unsupported", text)


def _constraint(breach: Breach) -> str:
    """Return a broken constraint in the words of AWS's services."""
    wanted = breach.wanted
    must = {
        "enum": f"satisfy enum value set: {wanted}",
        "pattern": f"satisfy regular expression pattern: {wanted}",
        "minimum": f"have value greater than or equal to {wanted}",
        "maximum": f"have value less than or equal to {wanted}",
        "minLength": f"have length greater than or equal to {wanted}",
        "maxLength": f"have length less than or equal to {wanted}",
        "multipleOf": f"be a multiple of {wanted}",
    }.get(breach.keyword, f"satisfy {breach.keyword}: {wanted}")
    shown = repr(breach.value) if len(repr(breach.value)) <= 80 else f"{repr(breach.value)[:77]}..."
    return f"Value {shown} at '{'.'.join(breach.path)}' failed to satisfy constraint: Member must {must}"


def _near(value: object, known: object) -> str:
    """Return the known values nearest to one that is not, as the end of a sentence."""
    if not isinstance(value, str) or not isinstance(known, list):
        return ""
    close = difflib.get_close_matches(value, [str(each) for each in cast("list[object]", known)], n=3)
    return f" (near it: {', '.join(close)})" if close else ""
