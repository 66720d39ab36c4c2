"""The EKS cluster: its control plane, what it logs and encrypts, and who may use it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components import permissions
from model import naming
from model.kubernetes import Access, Kubernetes

_POLICIES = {
    "cluster-admin": "AmazonEKSClusterAdminPolicy",
    "admin": "AmazonEKSAdminPolicy",
    "edit": "AmazonEKSEditPolicy",
    "admin-view": "AmazonEKSAdminViewPolicy",
    "view": "AmazonEKSViewPolicy",
}

# EKS guide, "Amazon EKS cluster IAM role" and "Amazon EKS Auto Mode cluster IAM role".
_ROLE_POLICIES = ("AmazonEKSClusterPolicy",)
_AUTO_ROLE_POLICIES = (
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSClusterPolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingPolicy",
)

# EKS guide, "Amazon EKS node IAM role" and "Amazon EKS Auto Mode node IAM role". The pods' network has a role of its
# own by Pod Identity, and images are pulled, never pushed.
NODE_POLICIES = ("AmazonEC2ContainerRegistryPullOnly", "AmazonEKSWorkerNodePolicy", "AmazonSSMManagedInstanceCore")
_AUTO_NODE_POLICIES = ("AmazonEC2ContainerRegistryPullOnly", "AmazonEKSWorkerNodeMinimalPolicy")

# Creating a control plane takes about ten minutes; raising its version, half an hour and more.
_TIMEOUTS = pulumi.CustomTimeouts(create="60m", update="90m", delete="60m")


class Cluster(pulumi.ComponentResource):
    """A control plane whose API is private but for an allow list, and which nobody may use but by an access entry."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    certificate_authority: pulumi.Output[str]
    """The certificate of the API's signer, in base64."""
    version: pulumi.Output[str]
    """Kubernetes' version, resolved once the control plane runs it: nodes and add-ons follow it."""
    security_group_id: pulumi.Output[str]
    """The security group that EKS makes for the control plane and for its nodes, and so for the pods."""
    node_role: aws.iam.Role
    """The role of managed nodes, or of Auto Mode's."""
    access: list[pulumi.Resource]
    """What lets the deployer, and everybody else, in, from wherever they are: whoever speaks to the API waits for it,
    and nobody is shut out before all in the cluster is gone."""

    def __init__(
        self,
        name: str,
        kubernetes: Kubernetes,
        *,
        account_id: pulumi.Input[str],
        deployer_arn: pulumi.Input[str],
        subnet_ids: Sequence[pulumi.Input[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build the cluster `name` in private subnets of two zones or more.

        `deployer_arn` is the IAM role or user that builds it, who is let in first and stays so: another one who
        deploys later is among `access`.
        """
        super().__init__("django-scale:kubernetes:Cluster", name, None, opts)
        self._name = name
        self._model = kubernetes
        self._child = pulumi.ResourceOptions(parent=self)
        auto = kubernetes.nodes == "auto"
        key = self._create_key(account_id)
        role, grants = self._create_role(key, auto)
        self.node_role, node_grants = self._create_node_role(auto)
        logs = aws.cloudwatch.LogGroup(
            f"{name}-control-plane",
            # EKS writes to the group of this name, and makes it without a retention where there is none.
            name=f"/aws/eks/{name}/cluster",
            retention_in_days=kubernetes.log_retention_days,
            opts=self._child,
        )
        cluster = self._create_cluster(role, key, subnet_ids, [*grants, *node_grants, logs])
        self.name, self.arn, self.endpoint = cluster.name, cluster.arn, cluster.endpoint
        self.version = cluster.version
        self.certificate_authority = cluster.certificate_authority.data.apply(_present)
        self.security_group_id = cluster.vpc_config.cluster_security_group_id.apply(_present)
        self.access = [
            self._create_deployer(deployer_arn),
            *(self._create_access(each) for each in kubernetes.access),
            *self._open_endpoint(),
        ]
        self.register_outputs({"name": self.name, "endpoint": self.endpoint})

    def _create_key(self, account_id: pulumi.Input[str]) -> aws.kms.Key:
        administrator = pulumi.Output.concat("arn:aws:iam::", account_id, ":root")
        return aws.kms.Key(
            f"{self._name}-cluster",
            description=f"Kubernetes secrets of {self._name}",
            enable_key_rotation=True,
            # A cluster whose key is gone cannot be mended: a month to notice.
            deletion_window_in_days=30,
            policy=permissions.document(permissions.allow(["kms:*"], ["*"], principal={"AWS": administrator})),
            opts=self._child,
        )

    def _create_role(self, key: aws.kms.Key, auto: bool) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
        trust = permissions.assume_tagged if auto else permissions.assume
        role = aws.iam.Role(f"{self._name}-cluster", assume_role_policy=trust("eks.amazonaws.com"), opts=self._child)
        grants = self._attach("cluster", role, _AUTO_ROLE_POLICIES if auto else _ROLE_POLICIES)
        grants.append(
            aws.iam.RolePolicy(
                f"{self._name}-cluster-key",
                role=role.id,
                policy=permissions.document(
                    permissions.allow(["kms:Encrypt", "kms:Decrypt", "kms:ListGrants", "kms:DescribeKey"], [key.arn])
                ),
                opts=self._child,
            )
        )
        return role, grants

    def _create_node_role(self, auto: bool) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
        role = aws.iam.Role(
            f"{self._name}-nodes", assume_role_policy=permissions.assume("ec2.amazonaws.com"), opts=self._child
        )
        return role, self._attach("nodes", role, _AUTO_NODE_POLICIES if auto else NODE_POLICIES)

    def _attach(self, owner: str, role: aws.iam.Role, policies: Sequence[str]) -> list[pulumi.Resource]:
        return [
            aws.iam.RolePolicyAttachment(
                f"{self._name}-{owner}-{policy.lower()}",
                role=role.name,
                policy_arn=f"arn:aws:iam::aws:policy/{policy}",
                opts=self._child,
            )
            for policy in policies
        ]

    def _create_cluster(
        self,
        role: aws.iam.Role,
        key: aws.kms.Key,
        subnet_ids: Sequence[pulumi.Input[str]],
        before: Sequence[pulumi.Resource],
    ) -> aws.eks.Cluster:
        model, auto = self._model, self._model.nodes == "auto"
        public = [str(block) for block in model.endpoint.public_cidrs]
        return aws.eks.Cluster(
            f"{self._name}-cluster",
            # Tags, log group and policies say the name before the cluster exists.
            name=self._name,
            version=model.version,
            role_arn=role.arn,
            vpc_config={
                "subnet_ids": list(subnet_ids),
                "endpoint_private_access": True,
                "endpoint_public_access": bool(public),
                "public_access_cidrs": public or None,
            },
            access_config={"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": False},
            encryption_config={"provider": {"key_arn": key.arn}, "resources": ["secrets"]},
            enabled_cluster_log_types=list(model.logs),
            upgrade_policy={"support_type": "EXTENDED" if model.extended_support else "STANDARD"},
            zonal_shift_config={"enabled": True},
            deletion_protection=model.deletion_protection,
            # The add-ons are EKS's, of a version that is pinned; Auto Mode has them built in.
            bootstrap_self_managed_addons=False,
            compute_config=(
                {"enabled": True, "node_pools": ["system"], "node_role_arn": self.node_role.arn} if auto else None
            ),
            kubernetes_network_config={"elastic_load_balancing": {"enabled": True}} if auto else None,
            storage_config={"block_storage": {"enabled": True}} if auto else None,
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=list(before), protect=model.deletion_protection, custom_timeouts=_TIMEOUTS
            ),
        )

    def _create_deployer(self, deployer_arn: pulumi.Input[str]) -> pulumi.Resource:
        """Let the deployer in. Whoever deploys next may be another one, and must not lock the first one out."""
        return self._admit("deployer", deployer_arn, "cluster-admin", (), ["principalArn"])

    def _create_access(self, access: Access) -> pulumi.Resource:
        # Two principals may be of one name in two accounts, and a place in the list changes.
        digest = hashlib.sha256(access.principal.encode()).hexdigest()[:5]
        role = f"{naming.squeeze(access.principal.rpartition('/')[2])}-{digest}"
        return self._admit(role, access.principal, access.policy, access.namespaces, None)

    def _admit(
        self,
        role: str,
        principal_arn: pulumi.Input[str],
        policy: str,
        namespaces: Sequence[str],
        ignored: list[str] | None,
    ) -> pulumi.Resource:
        opts = pulumi.ResourceOptions(parent=self, ignore_changes=ignored)
        entry = aws.eks.AccessEntry(
            f"{self._name}-{role}", cluster_name=self.name, principal_arn=principal_arn, type="STANDARD", opts=opts
        )
        return aws.eks.AccessPolicyAssociation(
            f"{self._name}-{role}",
            cluster_name=self.name,
            principal_arn=entry.principal_arn,
            policy_arn=f"arn:aws:eks::aws:cluster-access-policy/{_POLICIES[policy]}",
            access_scope=({"type": "namespace", "namespaces": list(namespaces)} if namespaces else {"type": "cluster"}),
            opts=self._child,
        )

    def _open_endpoint(self) -> list[pulumi.Resource]:
        """Let the private endpoint be reached from beyond the VPC, by a VPN or a peering."""
        return [
            aws.vpc.SecurityGroupIngressRule(
                f"{self._name}-endpoint-{place}",
                security_group_id=self.security_group_id,
                cidr_ipv4=str(block),
                ip_protocol="tcp",
                from_port=443,
                to_port=443,
                description="The API from the private network",
                opts=self._child,
            )
            for place, block in enumerate(self._model.endpoint.private_cidrs, start=1)
        ]


def _present(value: str | None) -> str:
    if value is None:
        raise ValueError("the cluster has no such output")
    return value
