"""How the servers of an Auto Scaling group are made, and what they and pods may do."""

from __future__ import annotations

import json

from scale.plan.properties import nested, text, texts
from scale.plan.recording import Recording, Resource
from scale.plan.values import Value, plain, reveal


def server_policies(update: Recording) -> list[str]:
    """Return the documents of the policies that servers have by their instance profile, and pods by Pod Identity."""
    roles = {text(profile, "role") for profile in update.all("aws:iam/instanceProfile:InstanceProfile")}
    pods = update.all("aws:eks/podIdentityAssociation:PodIdentityAssociation")
    roles |= {text(association, "roleArn").rpartition("/")[2] for association in pods}
    return [
        json.dumps(plain(policy.properties.get("policy")))
        for policy in update.all("aws:iam/rolePolicy:RolePolicy")
        if text(policy, "role") in roles
    ]


def template_id(group: Resource) -> str:
    """Return the id of a group's launch template, named directly or in a policy of mixed instances."""
    direct = nested(group, "launchTemplate", "id")
    value: Value = reveal(group.properties.get("mixedInstancesPolicy"))
    for key in ("launchTemplate", "launchTemplateSpecification", "launchTemplateId"):
        value = value.get(key) if isinstance(value, dict) else None
    return direct or (value if isinstance(value, str) else "")


def security_groups(template: Resource) -> Value:
    """Return the ids of the security groups that a launch template's servers are in."""
    direct = template.properties.get("vpcSecurityGroupIds")
    interfaces = reveal(template.properties.get("networkInterfaces"))
    if direct or not isinstance(interfaces, list):
        return direct
    return [group for each in interfaces if isinstance(each, dict) for group in texts(each.get("securityGroups"))]
