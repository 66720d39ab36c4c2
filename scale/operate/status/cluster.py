"""Deployments and horizontal autoscalers of a Kubernetes cluster on EKS."""

from __future__ import annotations

import base64
import contextlib
import tempfile
from collections.abc import Generator
from importlib import import_module
from pathlib import Path
from typing import Any

from scale.operate.account import Account
from scale.operate.errors import AccountError, DeniedError, UnavailableError, one_line
from scale.operate.find import Finder
from scale.operate.status.section import Level, Row, Section

TOKEN_SECONDS = 60
_SYSTEM = ("kube-", "amazon-")
_LIMIT = {"_request_timeout": 10}


def token(account: Account, cluster: str) -> str:
    """Return a bearer token for a cluster: a request to STS for the caller's identity, signed and not sent.

    The cluster sends it, and takes the answer for who asks (EKS's authenticator, "API authorization from outside a
    cluster"). The cluster's name is signed with it, so that it serves no other.
    """
    signers: Any = import_module("botocore.signers")
    service, credentials = account.client("sts").meta.service_model.service_id, account.session.get_credentials()
    signer = signers.RequestSigner(service, account.region, "sts", "v4", credentials, account.session.events)
    request = {
        "method": "GET",
        "url": f"https://sts.{account.region}.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
        "body": {},
        "headers": {"x-k8s-aws-id": cluster},
        "context": {},
    }
    url: str = signer.generate_presigned_url(
        request, region_name=account.region, expires_in=TOKEN_SECONDS, operation_name=""
    )
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def workloads(finder: Finder) -> Section:
    """Return deployments with their replicas and autoscalers with their conditions."""
    title, columns = "kubernetes", ("kind", "name", "replicas", "state", "why")
    if finder.cluster is None and finder.settings.compute.kubernetes is not None:
        return Section(title, unread="no cluster has this environment's tags: deploy it, or name its outputs")
    if finder.cluster is None:
        return Section(title, notes=("this environment has no cluster",))
    with _connected(finder) as (client, kubernetes):
        found = kubernetes.AppsV1Api(client).list_deployment_for_all_namespaces(**_LIMIT).items
        scalers = kubernetes.AutoscalingV2Api(client)
        autoscalers = scalers.list_horizontal_pod_autoscaler_for_all_namespaces(**_LIMIT).items
    rows = [_deployment(each) for each in found if not _system(each)]
    rows += [row for each in autoscalers if not _system(each) for row in _autoscaler(each)]
    return Section(title, columns, tuple(rows), (f"cluster {finder.cluster}",))


def deployments(finder: Finder) -> list[Any]:
    """Return the cluster's deployments, the system's aside. Raises AccountError."""
    with _connected(finder) as (client, kubernetes):
        found = kubernetes.AppsV1Api(client).list_deployment_for_all_namespaces(**_LIMIT).items
    return [each for each in found if not _system(each)]


@contextlib.contextmanager
def _connected(finder: Finder) -> Generator[tuple[Any, Any]]:
    """Give a client of the cluster, and the module of its APIs. What the cluster refuses is an AccountError."""
    cluster = finder.cluster
    described = finder.account.call("eks", "describe_cluster", name=cluster)["cluster"]
    kubernetes: Any = import_module("kubernetes.client")
    exceptions: Any = import_module("kubernetes.client.exceptions")
    transport: Any = import_module("urllib3.exceptions")
    with tempfile.TemporaryDirectory() as folder:
        configuration = kubernetes.Configuration(host=described["endpoint"])
        authority = described.get("certificateAuthority", {}).get("data")
        if authority:
            path = Path(folder) / "ca.pem"
            path.write_bytes(base64.b64decode(authority))
            configuration.ssl_ca_cert = str(path)
        configuration.api_key = {"authorization": f"Bearer {token(finder.account, str(cluster))}"}
        configuration.retries = 1
        with kubernetes.ApiClient(configuration) as client:
            try:
                yield client, kubernetes
            except exceptions.ApiException as error:
                if error.status in (401, 403):
                    raise DeniedError(
                        f"the cluster {cluster} refuses {finder.account.caller}: give it an access entry with "
                        "AmazonEKSViewPolicy"
                    ) from error
                raise AccountError(f"the cluster {cluster} answers {error.status}: {error.reason}") from error
            except transport.HTTPError as error:
                raise UnavailableError(f"the cluster {cluster} does not answer: {one_line(str(error))}") from error


def _system(found: Any) -> bool:
    return str(found.metadata.namespace).startswith(_SYSTEM)


def full_name(found: Any) -> str:
    """Return `namespace/name`."""
    return f"{found.metadata.namespace}/{found.metadata.name}"


def _deployment(found: Any) -> Row:
    wanted, ready = found.spec.replicas or 0, found.status.ready_replicas or 0
    updated = found.status.updated_replicas or 0
    failing = [each for each in found.status.conditions or () if each.type == "Progressing" and each.status == "False"]
    level: Level = "bad" if failing or (wanted and not ready) else "ok" if ready == updated == wanted else "warn"
    state = "stopped" if failing else "ready" if level == "ok" else f"{updated} updated"
    why = one_line(str(failing[0].message)) if failing else ""
    return Row(("deployment", full_name(found), f"{ready} of {wanted}", state, why), level)


_WANTED = {"AbleToScale": "True", "ScalingActive": "True", "ScalingLimited": "False"}
"""The conditions of an autoscaler, and what each is where all is well (autoscaling/v2)."""


def _autoscaler(found: Any) -> list[Row]:
    current, wanted = found.status.current_replicas or 0, found.status.desired_replicas or 0
    size = f"{current} of {wanted} ({found.spec.min_replicas or 1} to {found.spec.max_replicas})"
    wrong = [each for each in found.status.conditions or () if _WANTED.get(each.type) not in (None, each.status)]
    if not wrong:
        return [Row(("autoscaler", full_name(found), size, "active", ""))]
    return [
        Row(
            (
                "autoscaler",
                full_name(found),
                size,
                f"{each.type}={each.status}",
                one_line(f"{each.reason}: {each.message}"),
            ),
            "warn" if each.type == "ScalingLimited" else "bad",
        )
        for each in wrong
    ]
