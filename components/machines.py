"""What the servers of every fleet have alike: the role that they take and the launch template that they start from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from components import permissions

# Amazon Linux names its root device so (EC2 guide, "Device names").
_ROOT_DEVICE = "/dev/xvda"


def instance_profile(
    name: str, statements: Sequence[permissions.Statement], parent: pulumi.Resource
) -> aws.iam.InstanceProfile:
    """Return the profile of servers that may do what `statements` say, and be reached by Session Manager."""
    child = pulumi.ResourceOptions(parent=parent)
    role = aws.iam.Role(f"{name}-servers", assume_role_policy=permissions.assume("ec2.amazonaws.com"), opts=child)
    grants: list[pulumi.Resource] = [
        aws.iam.RolePolicy(f"{name}-servers", role=role.id, policy=permissions.document(*statements), opts=child),
        # Session Manager instead of SSH: no port, no key.
        aws.iam.RolePolicyAttachment(
            f"{name}-session-manager",
            role=role.name,
            policy_arn="arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
            opts=child,
        ),
    ]
    return aws.iam.InstanceProfile(
        f"{name}-servers",
        role=role.name,
        # A server that starts before it has its rights can read neither secret nor certificate, and does not serve.
        opts=pulumi.ResourceOptions(parent=parent, depends_on=grants),
    )


def launch_template(
    name: str,
    parent: pulumi.Resource,
    *,
    image_id: pulumi.Input[str],
    keeps_image: bool,
    instance_type: str,
    profile: aws.iam.InstanceProfile,
    security_group_id: pulumi.Input[str],
    volume_gib: int,
    user_data: pulumi.Input[str],
    tags: Mapping[str, str],
    hibernates: bool = False,
) -> aws.ec2.LaunchTemplate:
    """Return the launch template of servers on Amazon Linux with one encrypted volume of `volume_gib`.

    `user_data` is in base64. A template that `keeps_image` stays with the machine image that it was made with. `tags`
    go to all that a launch makes: instances inherit none of the provider's.
    """
    return aws.ec2.LaunchTemplate(
        f"{name}-template",
        image_id=image_id,
        instance_type=instance_type,
        iam_instance_profile={"arn": profile.arn},
        vpc_security_group_ids=[security_group_id],
        # One hop: what runs in a container on a network of its own has no keys to ask for.
        metadata_options={"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1},
        # Without it metrics come every five minutes, and scaling with them.
        monitoring={"enabled": True},
        block_device_mappings=[
            {
                "device_name": _ROOT_DEVICE,
                "ebs": {
                    "volume_type": "gp3",
                    "volume_size": volume_gib,
                    "encrypted": "true",
                    "delete_on_termination": "true",
                },
            }
        ],
        hibernation_options={"configured": True} if hibernates else None,
        user_data=user_data,
        update_default_version=True,
        tag_specifications=[
            {"resource_type": kind, "tags": tags} for kind in ("instance", "volume", "network-interface")
        ],
        opts=pulumi.ResourceOptions(parent=parent, ignore_changes=["imageId"] if keeps_image else None),
    )
