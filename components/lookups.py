"""What is asked of AWS before anything is built. Components are given the answers."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from model.settings import Settings

# Public parameters of Amazon Linux 2023 (AL2023 guide, "Launching from the AWS CLI with the latest AMI").
_IMAGE_PARAMETER = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{architecture}"


@dataclass(frozen=True)
class Lookups:
    """The account, the zones that are used, the servers' machine image, the domain's hosted zone."""

    account_id: pulumi.Output[str]
    zone_names: list[pulumi.Output[str]]
    image_id: pulumi.Input[str]
    hosted_zone_id: pulumi.Output[str] | None


def look_up(settings: Settings, provider: aws.Provider) -> Lookups:
    """Return what the environment needs to know of the account and the region that `provider` stands for."""
    opts = pulumi.InvokeOptions(provider=provider)
    zones = aws.get_availability_zones_output(
        state="available",
        filters=[{"name": "opt-in-status", "values": ["opt-in-not-required"]}],
        opts=opts,
    )
    zone = settings.application.zone
    return Lookups(
        account_id=aws.get_caller_identity_output(opts=opts).account_id,
        zone_names=[zones.names[index] for index in range(settings.network.zones)],
        image_id=_image_id(settings, opts),
        hosted_zone_id=None if zone is None else aws.route53.get_zone_output(name=zone, opts=opts).zone_id,
    )


def _image_id(settings: Settings, opts: pulumi.InvokeOptions) -> pulumi.Input[str]:
    if settings.servers.ami.startswith("ami-"):
        return settings.servers.ami
    name = _IMAGE_PARAMETER.format(architecture=settings.application.architecture)
    return aws.ssm.get_parameter_output(name=name, opts=opts).insecure_value
