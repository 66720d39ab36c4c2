"""What tests of components share: settings to build from, and ways to look at what was registered."""

from __future__ import annotations

import json
from typing import Any, cast

from model.settings import Settings
from scale.testing import Recording, Resource, reveal

NAME = "shop-prod"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:alarms"
SUBNETS = ["subnet-1", "subnet-2", "subnet-3"]
ZONES = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]

ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
SECRET = "django-scale:security:Secret"
BUCKET = "aws:s3/bucket:Bucket"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"


def settings(**groups: Any) -> Settings:
    """Return the settings of `shop` in `prod`, whose groups say only what is given."""
    application = {"name": "shop", "image": "registry.example.com/shop:1", **groups.pop("application", {})}
    return Settings.parse({"application": application, **groups}, stack="prod", region="eu-west-1")


def get(resource: Resource, path: str) -> Any:
    """Return the input at `path` (`metadataOptions.httpTokens`, `steps.0.to`), secrets revealed, None if absent."""
    value: Any = reveal(dict(resource.properties))
    for part in path.split("."):
        if value is None:
            return None
        value = cast("list[Any]", value)[int(part)] if isinstance(value, list) else value.get(part)
    return value


def document(resource: Resource, path: str) -> Any:
    """Return the JSON document in the input at `path`."""
    return json.loads(get(resource, path))


def statements(resource: Resource, path: str = "policy") -> list[dict[str, Any]]:
    """Return the statements of the policy in the input at `path`."""
    return document(resource, path)["Statement"]


def counts(plan: Recording) -> dict[str, int]:
    """Return how many resources there are of each type but components, by the type's last word."""
    found: dict[str, int] = {}
    for resource in plan.all():
        if resource.custom:
            word = resource.type.rpartition(":")[2]
            found[word] = found.get(word, 0) + 1
    return dict(sorted(found.items()))


def waits_for(plan: Recording, resource: Resource, other: Resource) -> bool:
    """Return whether `other` stands before `resource` is made, and falls after it."""
    pending, seen = list(resource.dependencies), set[str]()
    while pending:
        urn = pending.pop()
        if urn == other.urn:
            return True
        if urn not in seen:
            seen.add(urn)
            pending.extend(plan.resources[urn].dependencies)
    return False


def component(plan: Recording, name: str) -> Resource:
    """Return the component whose type ends with `name`."""
    found = [each for each in plan.all() if each.is_component and each.type.endswith(f":{name}")]
    assert len(found) == 1, [each.type for each in found]
    return found[0]
