"""Nodes that are always there: managed node groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from model.instances import Architecture
from model.nodes import GroupPart, NodeGroup, NodeImage

_IMAGES: Mapping[tuple[NodeImage, Architecture], str] = {
    ("bottlerocket", "arm64"): "BOTTLEROCKET_ARM_64",
    ("bottlerocket", "x86_64"): "BOTTLEROCKET_x86_64",
    ("al2023", "arm64"): "AL2023_ARM_64_STANDARD",
    ("al2023", "x86_64"): "AL2023_x86_64_STANDARD",
}

# Bottlerocket keeps its system on the first device and images, logs and emptyDir volumes on the second (Bottlerocket's
# documentation, "Default volumes"); Amazon Linux has one.
_SYSTEM_GIB = 4
_DEVICES = {"bottlerocket": ("/dev/xvda", "/dev/xvdb"), "al2023": ("/dev/xvda",)}

_TIMEOUTS = pulumi.CustomTimeouts(create="60m", update="3h", delete="60m")


def volumes(image: NodeImage, gib: int) -> list[tuple[str, int]]:
    """Return the devices of a node and their sizes in GiB, `gib` for the one that images and logs are on."""
    devices = _DEVICES[image]
    return [*((device, _SYSTEM_GIB) for device in devices[:-1]), (devices[-1], gib)]


class Nodes(pulumi.ComponentResource):
    """Managed node groups: of one model group one on demand, one of spot capacity, or both."""

    groups: list[pulumi.Resource]
    """The node groups: what needs a node to run on waits for them."""

    def __init__(
        self,
        name: str,
        groups: Sequence[NodeGroup],
        architecture: Architecture,
        *,
        tags: Mapping[str, str],
        cluster_name: pulumi.Input[str],
        version: pulumi.Input[str],
        node_role_arn: pulumi.Input[str],
        subnet_ids: Sequence[pulumi.Input[str]],
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build the groups in a cluster.

        `subnet_ids` are those of the zones, in order. `after` is what a node needs before its first pod, the network
        above all: it outlives the nodes too, or their pods' network interfaces would be left behind
        (pulumi/pulumi-eks#1226).
        """
        super().__init__("django-scale:kubernetes:Nodes", name, None, opts)
        self._name = name
        self._architecture: Architecture = architecture
        self._tags = {**tags, "Name": f"{name}-nodes"}
        self._cluster_name, self._kubernetes_version = cluster_name, version
        self._node_role_arn = node_role_arn
        self._subnet_ids = subnet_ids
        self._after = after
        self.groups = [
            self._create_group(group, part, template)
            for group in groups
            for template in (self._create_template(group),)
            for part in group.parts
        ]
        self.register_outputs({})

    def _create_template(self, group: NodeGroup) -> aws.ec2.LaunchTemplate:
        # It names neither image nor security group: EKS takes the image of `ami_type` and the cluster's own group.
        return aws.ec2.LaunchTemplate(
            f"{self._name}-{group.name}",
            # One hop: pods do not reach the node's credentials; they have their own by Pod Identity.
            metadata_options={"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1},
            monitoring={"enabled": True},
            block_device_mappings=[
                {
                    "device_name": device,
                    "ebs": {
                        "volume_type": "gp3",
                        "volume_size": gib,
                        "encrypted": "true",
                        "delete_on_termination": "true",
                    },
                }
                for device, gib in volumes(group.image, group.volume_gib)
            ],
            update_default_version=True,
            tag_specifications=[
                {"resource_type": kind, "tags": self._tags} for kind in ("instance", "volume", "network-interface")
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _create_group(self, group: NodeGroup, part: GroupPart, template: aws.ec2.LaunchTemplate) -> aws.eks.NodeGroup:
        capacity = part.capacity.lower().replace("_", "-")
        places = group.zones or range(1, len(self._subnet_ids) + 1)
        return aws.eks.NodeGroup(
            f"{self._name}-{group.name}-{capacity}",
            cluster_name=self._cluster_name,
            node_role_arn=self._node_role_arn,
            # Nodes follow the control plane: its version is known once it runs it.
            version=self._kubernetes_version,
            ami_type=_IMAGES[group.image, self._architecture],
            capacity_type=part.capacity,
            instance_types=list(group.instance_types),
            subnet_ids=[self._subnet_ids[place - 1] for place in places],
            scaling_config={"min_size": part.min, "max_size": part.max, "desired_size": part.desired},
            update_config={"max_unavailable_percentage": 33},
            node_repair_config={"enabled": True},
            labels={"django-scale/group": group.name},
            launch_template={"id": template.id, "version": template.latest_version.apply(str)},
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(self._after), custom_timeouts=_TIMEOUTS),
        )
