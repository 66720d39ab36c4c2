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
    """The account, who deploys, the zones that are used, the servers' machine image, the domain's hosted zone."""

    account_id: pulumi.Output[str]
    deployer_arn: pulumi.Output[str] | None
    """The IAM role or user whose credentials are used; None without a cluster that has to let it in."""
    zone_names: list[pulumi.Output[str]]
    image_id: pulumi.Input[str] | None
    """None where no servers run."""
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
    caller = aws.get_caller_identity_output(opts=opts)
    return Lookups(
        account_id=caller.account_id,
        deployer_arn=None if settings.compute.kubernetes is None else _role(caller.arn, opts),
        zone_names=[zones.names[index] for index in range(settings.network.zones)],
        image_id=_image_id(settings, opts) if settings.compute.servers else None,
        hosted_zone_id=None if zone is None else aws.route53.get_zone_output(name=zone, opts=opts).zone_id,
    )


def _role(caller_arn: pulumi.Output[str], opts: pulumi.InvokeOptions) -> pulumi.Output[str]:
    """Return the ARN of the role whose session `caller_arn` is, with its path, or of the user that it is."""
    return aws.iam.get_session_context_output(arn=caller_arn, opts=opts).issuer_arn


def _image_id(settings: Settings, opts: pulumi.InvokeOptions) -> pulumi.Input[str]:
    if settings.servers.ami.startswith("ami-"):
        return settings.servers.ami
    name = _IMAGE_PARAMETER.format(architecture=settings.application.architecture)
    return aws.ssm.get_parameter_output(name=name, opts=opts).insecure_value
