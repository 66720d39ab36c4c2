"""The provider of everything in the cluster, made from the cluster's own outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pulumi
import pulumi_kubernetes as kubernetes

from components.kubernetes.cluster import Cluster

# Keys after `aws:` that sign requests in a way that `aws eks get-token` could only be told in the kubeconfig, which is
# kept in the stack's state.
_UNSHARED = ("accessKey", "secretKey", "token", "assumeRoleWithWebIdentity")


def kubernetes_provider(
    cluster: Cluster,
    *,
    region: str,
    config: Mapping[str, Any],
    after: Sequence[pulumi.Resource],
    opts: pulumi.ResourceOptions,
) -> kubernetes.Provider:
    """Return the provider of `cluster`, which signs in as the AWS provider that `config`, the keys after `aws:`, makes.

    Its kubeconfig says how to get a token, and holds none: the AWS CLI makes one that lasts minutes, at each use.
    Everything in the cluster comes after `after`, and goes before it. Raises pulumi.RunError for a way of signing in
    that the CLI cannot be told.
    """
    command = _command(region, config)
    environment = _environment(config)
    return kubernetes.Provider(
        "kubernetes",
        # One document for every cluster: the engine keeps the resources when the endpoint or the certificate changes.
        cluster_identifier=cluster.arn,
        kubeconfig=pulumi.Output.json_dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [
                    {
                        "name": "cluster",
                        "cluster": {
                            "server": cluster.endpoint,
                            "certificate-authority-data": cluster.certificate_authority,
                        },
                    }
                ],
                "contexts": [{"name": "cluster", "context": {"cluster": "cluster", "user": "deployer"}}],
                "current-context": "cluster",
                "users": [
                    {
                        "name": "deployer",
                        "user": {
                            "exec": {
                                "apiVersion": "client.authentication.k8s.io/v1beta1",
                                "command": "aws",
                                "args": [*command, "--cluster-name", cluster.name],
                                "env": [{"name": name, "value": value} for name, value in environment.items()],
                                "interactiveMode": "Never",
                            }
                        },
                    }
                ],
            }
        ),
        enable_server_side_apply=True,
        # Never `delete_unreachable`: it forgets everything in a cluster that cannot be reached just now, in a refresh
        # too (pulumi-kubernetes#2489), and a private API cannot be reached from the wrong place. Whoever has lost a
        # cluster for good sets PULUMI_K8S_DELETE_UNREACHABLE for that one destroy.
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[*cluster.access, *after])),
    )


def _command(region: str, config: Mapping[str, Any]) -> list[Any]:
    unshared = [key for key in _UNSHARED if config.get(key)]
    if unshared:
        raise pulumi.RunError(
            f"aws:{unshared[0]}: must be absent with compute.kubernetes: the AWS CLI makes the cluster's token, and "
            "takes a profile (aws:profile), a role (aws:assumeRoles) or the environment"
        )
    return ["--region", region, "eks", "get-token", "--output", "json", *_role(config.get("assumeRoles"))]


def _role(roles: Any) -> list[Any]:
    """Return the CLI's argument for the role that the AWS provider takes on; none where it takes on none."""
    if isinstance(roles, str):
        roles = json.loads(roles)
    if not roles:
        return []
    chain = cast("list[Mapping[str, Any]]", roles) if isinstance(roles, list) else []
    role = chain[0].get("roleArn") if len(chain) == 1 else None
    if role is None or chain[0].get("externalId"):
        raise pulumi.RunError(
            "aws:assumeRoles: must be one role without an externalId with compute.kubernetes: the AWS CLI makes the "
            "cluster's token, and is told no more of a role than its ARN; more is said in a profile (aws:profile)"
        )
    return ["--role-arn", role]


def _environment(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the CLI's environment variables for where the AWS provider finds its credentials."""
    files = {"AWS_CONFIG_FILE": "sharedConfigFiles", "AWS_SHARED_CREDENTIALS_FILE": "sharedCredentialsFiles"}
    environment = {variable: _first(key, config[key]) for variable, key in files.items() if config.get(key)}
    return environment | ({"AWS_PROFILE": config["profile"]} if config.get("profile") else {})


def _first(key: str, value: Any) -> Any:
    given = json.loads(value) if isinstance(value, str) else value
    if not isinstance(given, list) or len(cast("list[Any]", given)) != 1:
        raise pulumi.RunError(f"aws:{key}: must be one file with compute.kubernetes, as the AWS CLI takes one")
    return cast("list[Any]", given)[0]
