"""What lists do not say of what was selected: attributes, the template's version, the network, a bucket's features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scale.adopt.inventory import Entry
from scale.adopt.selection import Selection, template_reference
from scale.operate.account import Account
from scale.operate.errors import AccountError, CredentialsError, MissingError

# What a bucket may have, each asked for in its own way: the operation, and what the answer must hold.
BUCKET_FEATURES: dict[str, tuple[str, str]] = {
    "versioning": ("get_bucket_versioning", "Status"),
    "block": ("get_public_access_block", "PublicAccessBlockConfiguration"),
    "ownership": ("get_bucket_ownership_controls", "OwnershipControls"),
    "encryption": ("get_bucket_encryption", "ServerSideEncryptionConfiguration"),
    "lifecycle": ("get_bucket_lifecycle_configuration", "Rules"),
    "policy": ("get_bucket_policy", "Policy"),
}


@dataclass(frozen=True)
class Details:
    """Answers about one selection; empty where there is nothing to ask, or where it may not be asked (`unread`)."""

    template: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The launch template's data, of the version that the group runs."""
    listeners: Sequence[Entry] = ()
    balancer: Mapping[str, str] = field(default_factory=dict[str, str])
    target: Mapping[str, str] = field(default_factory=dict[str, str])
    firewall: bool | None = None
    """Whether a web ACL stands before the balancer; None where that is not known."""
    domain: str | None = None
    vpc: Entry | None = None
    subnets: Sequence[Entry] = ()
    gateways: Sequence[str] = ()
    nat_gateways: int = 0
    buckets: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """The features that each bucket has."""
    unread: Mapping[str, str] = field(default_factory=dict[str, str])


def read(account: Account, selection: Selection) -> Details:
    """Return the details. Raises CredentialsError; any other failure is noted by what was asked."""
    return _Reader(account).read(selection)


class _Reader:
    def __init__(self, account: Account) -> None:
        self._account = account
        self._unread: dict[str, str] = {}

    def read(self, selection: Selection) -> Details:
        balancer, target = selection.balancer, selection.target
        vpc_id = _vpc_id(selection)
        listeners = (
            self._items("listeners", "elbv2", "describe_listeners", LoadBalancerArn=balancer["LoadBalancerArn"])
            if balancer
            else []
        )
        return Details(
            template=self._template(selection),
            listeners=listeners,
            balancer=self._attributes("load_balancer", "LoadBalancerArn", balancer),
            target=self._attributes("target_group", "TargetGroupArn", target),
            firewall=self._firewall(balancer),
            domain=self._domain(listeners),
            vpc=next(iter(self._items("VPC", "ec2", "describe_vpcs", VpcIds=[vpc_id])), None) if vpc_id else None,
            subnets=self._in_vpc("subnets", "describe_subnets", "vpc-id", vpc_id),
            gateways=[
                str(each["InternetGatewayId"])
                for each in self._in_vpc("gateways", "describe_internet_gateways", "attachment.vpc-id", vpc_id)
            ],
            nat_gateways=sum(
                each.get("State") == "available"
                for each in self._in_vpc("NAT gateways", "describe_nat_gateways", "vpc-id", vpc_id)
            ),
            buckets={str(bucket["Name"]): self._features(str(bucket["Name"])) for bucket in selection.buckets},
            unread=self._unread,
        )

    def _items(self, what: str, service: str, operation: str, **arguments: Any) -> list[dict[str, Any]]:
        try:
            return self._account.items(service, operation, **arguments)
        except CredentialsError:
            raise
        except AccountError as error:
            self._unread[what] = str(error)
            return []

    def _call(self, what: str, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        try:
            return self._account.call(service, operation, **arguments)
        except CredentialsError:
            raise
        except AccountError as error:
            self._unread[what] = str(error)
            return {}

    def _template(self, selection: Selection) -> Mapping[str, Any]:
        if selection.template is None:
            return {}
        version = template_reference(selection.group).get("Version", "$Default") if selection.group else "$Latest"
        versions = self._items(
            "launch template's version",
            "ec2",
            "describe_launch_template_versions",
            LaunchTemplateId=selection.template["LaunchTemplateId"],
            Versions=[version],
        )
        return versions[0]["LaunchTemplateData"] if versions else {}

    def _attributes(self, kind: str, key: str, entry: Entry | None) -> Mapping[str, str]:
        if entry is None:
            return {}
        found = self._call(f"{kind} attributes", "elbv2", f"describe_{kind}_attributes", **{key: entry[key]})
        return {each["Key"]: each["Value"] for each in found.get("Attributes", ())}

    def _firewall(self, balancer: Entry | None) -> bool | None:
        if balancer is None:
            return None
        arn = balancer["LoadBalancerArn"]
        found = self._call("firewall", "wafv2", "get_web_acl_for_resource", ResourceArn=arn)
        return None if "firewall" in self._unread else "WebACL" in found

    def _domain(self, listeners: Sequence[Entry]) -> str | None:
        arns = [each["CertificateArn"] for listener in listeners for each in listener.get("Certificates", ())]
        if not arns:
            return None
        found = self._call("certificate", "acm", "describe_certificate", CertificateArn=arns[0])
        return found.get("Certificate", {}).get("DomainName")

    def _in_vpc(self, what: str, operation: str, name: str, vpc_id: str | None) -> list[dict[str, Any]]:
        if vpc_id is None:
            return []
        return self._items(what, "ec2", operation, Filters=[{"Name": name, "Values": [vpc_id]}])

    def _features(self, bucket: str) -> frozenset[str]:
        found: set[str] = set()
        for feature, (operation, key) in BUCKET_FEATURES.items():
            try:
                if self._account.call("s3", operation, Bucket=bucket).get(key):
                    found.add(feature)
            except CredentialsError:
                raise
            except MissingError:
                continue  # S3's way to say that the bucket does not have it.
            except AccountError as error:
                self._unread[f"{feature} of bucket {bucket}"] = str(error)
        return frozenset(found)


def _vpc_id(selection: Selection) -> str | None:
    if selection.target and selection.target.get("VpcId"):
        return str(selection.target["VpcId"])
    if selection.balancer and selection.balancer.get("VpcId"):
        return str(selection.balancer["VpcId"])
    for database in selection.databases:
        if vpc := database.get("DBSubnetGroup", {}).get("VpcId"):
            return str(vpc)
    return None
