"""What AWS would call a resource: its name, id and ARN, all derived from its URN and its inputs."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from scale.plan import arns
from scale.plan.values import Value, reveal

ACCOUNT = "123456789012"
"""The account that AWS's own documents use."""


@dataclass(frozen=True)
class Request:
    """A resource whose outputs are asked for."""

    type: str
    name: str
    urn: str
    inputs: Mapping[str, Value]
    region: str
    import_id: str = ""

    def digits(self, count: int) -> str:
        """Return `count` hexadecimal digits that belong to this resource alone."""
        return hashlib.sha256(self.urn.encode()).hexdigest()[:count]

    @cached_property
    def uuid(self) -> str:
        """A UUID that belongs to this resource alone."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, self.urn))

    @cached_property
    def kind(self) -> str:
        """The type's own name, as `loadBalancer`."""
        return self.type.split(":")[1].rpartition("/")[2]

    @cached_property
    def module(self) -> str:
        """The provider's module, as `lb`."""
        return self.type.split(":")[1].partition("/")[0]

    @cached_property
    def name_property(self) -> str:
        """The property that is the name in the cloud."""
        return arns.NAME_PROPERTIES.get(self.type, "name")

    @cached_property
    def physical_name(self) -> str:
        """The name in the cloud: the program's, or the logical name with seven digits as Pulumi makes it."""
        given = self.text(self.name_property)
        if given:
            return given
        prefix = self.text(f"{self.name_property}Prefix")
        if prefix:
            return prefix + self.digits(26)
        return f"{self.name}-{self.digits(7)}"

    @cached_property
    def id(self) -> str:
        """The id that AWS gives."""
        if self.import_id:
            return self.import_id
        if prefix := arns.ID_PREFIXES.get(self.type):
            return f"{prefix}-{self.digits(17)}"
        if self.type in arns.ID_IS_ARN and self.type in arns.ARN_FORMS:
            return self.arn
        if self.type == "aws:rds/instance:Instance":
            return f"db-{self.digits(26).upper()}"  # The resource id, not the identifier, since version 6.
        if self.type in arns.ID_IS_UUID:
            return self.uuid
        if self.type in arns.ID_IS_CAPITALS:
            return f"E{self.digits(13).upper()}"
        return self.physical_name

    @cached_property
    def arn(self) -> str:
        """The ARN that AWS gives."""
        form = arns.ARN_FORMS.get(self.type)
        if form is None:
            service = arns.SERVICES.get(self.module, self.module)
            return f"arn:aws:{service}:{self.region}:{ACCOUNT}:{kebab(self.kind)}/{self.id}"
        arn = form.format_map(_ArnParts(self))
        return arn if arn.startswith("arn:") else f"arn:aws:{arn}"

    def text(self, key: str) -> str:
        """Return the input `key`, empty where it is absent or no text."""
        value = reveal(self.inputs.get(key))
        return value if isinstance(value, str) else ""


class _ArnParts(dict[str, str]):
    """The parts of an ARN's form, each computed when the form asks for it."""

    def __init__(self, request: Request) -> None:
        super().__init__(region=request.region, account=ACCOUNT)
        self._request = request

    def __missing__(self, key: str) -> str:
        request = self._request
        match key:
            case "name":
                return request.physical_name
            case "id":
                return request.id
            case "uuid":
                return request.uuid
            case "hex6" | "hex16":
                return request.digits(int(key[3:]))
            case "kind":
                return {"network": "net", "gateway": "gwy"}.get(request.text("loadBalancerType"), "app")
            case "balancer":
                return request.text("loadBalancerArn").partition("loadbalancer/")[2]
            case "listener":
                return request.text("listenerArn").partition("listener/")[2]
            case "group":
                return request.text("autoscalingGroupName")
            case "topic":
                return request.text("topic")
            case "scope":
                return "global" if request.text("scope") == "CLOUDFRONT" else "regional"
            case _:
                raise KeyError(key)


def kebab(text: str) -> str:
    """Return `loadBalancer` as `load-balancer`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", text).lower()
