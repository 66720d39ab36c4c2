"""An application's domain: its certificate, and the name that leads to a load balancer."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

_BALANCERS = ("django-scale:traffic:LoadBalancer", "django-scale:traffic:HaproxyEdge")
"""The components that a domain's records are in, one at a time."""


def certificate(
    name: str,
    domain: str,
    hosted_zone_id: pulumi.Input[str],
    *,
    exportable: bool = False,
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """Return the ARN of a certificate for `domain`, resolved once the domain's zone has proved it.

    The private key of an `exportable` one can be had from ACM, and it is paid for at each issuance (ACM guide,
    "AWS Certificate Manager exportable public certificates").
    """
    made = aws.acm.Certificate(
        f"{name}-certificate",
        domain_name=domain,
        validation_method="DNS",
        options={"export": "ENABLED"} if exportable else None,
        opts=opts,
    )
    proof = made.domain_validation_options[0]
    record = aws.route53.Record(
        f"{name}-certificate",
        zone_id=hosted_zone_id,
        name=proof.resource_record_name,
        type=proof.resource_record_type,
        records=[proof.resource_record_value],
        ttl=300,
        # The same domain's proof is the same record in every stack and after a destroy.
        allow_overwrite=True,
        opts=_kept(name, opts),
    )
    validation = aws.acm.CertificateValidation(
        f"{name}-certificate", certificate_arn=made.arn, validation_record_fqdns=[record.fqdn], opts=opts
    )
    return validation.certificate_arn


def alias(
    name: str,
    domain: str,
    hosted_zone_id: pulumi.Input[str],
    balancer: aws.lb.LoadBalancer,
    opts: pulumi.ResourceOptions,
) -> None:
    """Let `domain` lead to a balancer."""
    aws.route53.Record(
        f"{name}-domain",
        zone_id=hosted_zone_id,
        name=domain,
        type="A",
        aliases=[{"name": balancer.dns_name, "zone_id": balancer.zone_id, "evaluate_target_health": True}],
        opts=_kept(name, opts),
    )


def _kept(name: str, opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    """Return the options of a record that stays when another balancer takes the place of this one.

    Made anew it would be there already, and the old one's deletion would take the new one along.
    """
    place = f"urn:pulumi:{pulumi.get_stack()}::{pulumi.get_project()}"
    parents = [f"{place}::{kind}::{name}" for kind in _BALANCERS]
    return pulumi.ResourceOptions.merge(
        opts, pulumi.ResourceOptions(aliases=[pulumi.Alias(parent=parent) for parent in parents])
    )
