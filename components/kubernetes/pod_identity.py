"""What the pods of a service account may do on AWS."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components import permissions


class PodIdentity(pulumi.ComponentResource):
    """An IAM role for the pods of one service account in one cluster, by EKS Pod Identity.

    The pods get it through the agent on their node: no key is kept, and the node's own role is out of their reach.
    """

    role_arn: pulumi.Output[str]
    role_name: pulumi.Output[str]
    service_account: pulumi.Output[str]
    """The service account's name, resolved once its pods have the role: pods that start before it do without."""

    def __init__(
        self,
        name: str,
        *,
        cluster_name: pulumi.Input[str],
        namespace: str,
        service_account: str,
        statements: Sequence[permissions.Statement] = (),
        policy_arns: Sequence[str] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Allow the pods of `service_account` in `namespace` what `statements` and AWS's own `policy_arns` say."""
        super().__init__("django-scale:security:PodIdentity", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{name}-pods", assume_role_policy=permissions.assume_tagged("pods.eks.amazonaws.com"), opts=child
        )
        grants: list[pulumi.Resource] = [
            aws.iam.RolePolicyAttachment(
                f"{name}-{arn.rpartition('/')[2].lower().replace('_', '-')}",
                role=role.name,
                policy_arn=arn,
                opts=child,
            )
            for arn in policy_arns
        ]
        if statements:
            grants.append(
                aws.iam.RolePolicy(f"{name}-pods", role=role.id, policy=permissions.document(*statements), opts=child)
            )
        association = aws.eks.PodIdentityAssociation(
            f"{name}-pods",
            cluster_name=cluster_name,
            namespace=namespace,
            service_account=service_account,
            role_arn=role.arn,
            opts=pulumi.ResourceOptions(parent=self, depends_on=grants),
        )
        self.role_arn, self.role_name = role.arn, role.name
        self.service_account = association.service_account
        self.register_outputs({"role_arn": self.role_arn})
