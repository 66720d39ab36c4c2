"""Kinds whose definitions cannot be had as data, as the references have their fields.

Sources: the AWS Load Balancer Controller's guide, "TargetGroupBinding specification" (which EKS Auto Mode has in a
group of its own: EKS guide, "Configure multi-cluster target groups"); EKS guide, "Create a Node Class for Amazon EKS".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1}
FLAG: Schema = {"type": "boolean"}
TAGS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}


def group(required: Sequence[str], **properties: Schema) -> Schema:
    """Return the schema of a group that has these properties and no others."""
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def choice(*values: str) -> Schema:
    """Return the schema of one of some texts."""
    return {"enum": list(values)}


def some(item: Schema) -> Schema:
    """Return the schema of a list that is not empty."""
    return {"type": "array", "items": item, "minItems": 1}


def selectors(*keys: str) -> Schema:
    """Return the schema of selector terms, each by tags or by one of the other keys."""
    return some({**group((), tags=TAGS, **dict.fromkeys(keys, TEXT)), "minProperties": 1, "maxProperties": 1})


PEER = group((), ipBlock=group(["cidr"], cidr=TEXT), securityGroup=group(["groupID"], groupID=TEXT))
PORT = group((), port={"type": ["integer", "string"]}, protocol=choice("TCP", "UDP"))
BINDING = {
    **group(
        ["serviceRef"],
        serviceRef=group(["name", "port"], name=TEXT, port={"type": ["integer", "string"]}),
        targetGroupARN={"type": "string", "pattern": "^arn:aws[a-z-]*:elasticloadbalancing:"},
        targetGroupName=TEXT,
        targetType=choice("instance", "ip"),
        networking=group((), ingress=some(group(["from", "ports"], **{"from": some(PEER), "ports": some(PORT)}))),
        nodeSelector={"type": "object"},
        ipAddressType=choice("ipv4", "ipv6"),
        vpcID=TEXT,
        multiClusterTargetGroup=FLAG,
        iamRoleArnToAssume=TEXT,
        assumeRoleExternalId=TEXT,
    ),
    "anyOf": [{"required": ["targetGroupARN"]}, {"required": ["targetGroupName"]}],
}
NODE_CLASS = {
    **group(
        ["subnetSelectorTerms", "securityGroupSelectorTerms"],
        role=TEXT,
        instanceProfile=TEXT,
        subnetSelectorTerms=selectors("id"),
        securityGroupSelectorTerms=selectors("id", "name"),
        podSubnetSelectorTerms=selectors("id"),
        podSecurityGroupSelectorTerms=selectors("id", "name"),
        ephemeralStorage=group(
            (),
            size={"type": "string", "pattern": "^[0-9]+(Gi|Ti|G|T)$"},
            iops={"type": "integer"},
            throughput={"type": "integer"},
            kmsKeyID=TEXT,
        ),
        networkPolicy=choice("DefaultAllow", "DefaultDeny"),
        networkPolicyEventLogs=choice("Enabled", "Disabled"),
        snatPolicy=choice("Random", "Disabled"),
        advancedNetworking={"type": "object"},
        advancedSecurity={"type": "object"},
        capacityReservationSelectorTerms={"type": "array"},
        certificateBundles={"type": "array"},
        tags=TAGS,
    ),
    "oneOf": [{"required": ["role"]}, {"required": ["instanceProfile"]}],
}

SPECIFICATIONS: Mapping[tuple[str, str], Schema] = {
    ("elbv2.k8s.aws/v1beta1", "TargetGroupBinding"): BINDING,
    ("eks.amazonaws.com/v1", "TargetGroupBinding"): BINDING,
    ("eks.amazonaws.com/v1", "NodeClass"): NODE_CLASS,
}
"""The schemas of their `spec`, by group and version, and kind."""


def definition(spec: Schema) -> Schema:
    """Return the schema of an object with this `spec`."""
    metadata = {"type": "object"}
    return group(["apiVersion", "kind", "metadata", "spec"], apiVersion=TEXT, kind=TEXT, metadata=metadata, spec=spec)
