"""Plausible outputs of a resource, as AWS would return them, all derived from its URN and its inputs.

Most follow from the outputs that the SDK declares for the resource's type and the names of these; what has a
form of its own is in the table at the end. Names, ids and ARNs are `scale.plan.identity`'s.
"""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from typing import get_args

import pulumi
from pulumi.type_token import get_type_token

from scale.plan.identity import ACCOUNT, Request, kebab
from scale.plan.values import UNKNOWN, Secret, Value, reveal


def answer(request: Request) -> dict[str, Value]:
    """Return what a provider computes for a resource; inputs come back as they are and are not among it."""
    if request.type.startswith(_KUBERNETES):
        return completed(request.type, request.inputs, f"{request.name}-{request.digits(8)}")
    outputs: dict[str, Value] = {"arn": request.arn, request.name_property: request.physical_name}
    special = _SPECIAL.get(request.type)
    if special is not None:
        outputs |= special(request)
    for key, kind in _declared(request.type).items():
        if key not in outputs and key not in request.inputs:
            outputs[key] = _by_shape(request, key, kind)
    found = {key: value for key, value in outputs.items() if value is not None and _missing(request.inputs.get(key))}
    return found | completed(request.type, request.inputs, f"sg-{request.digits(17)}")


_KUBERNETES = "kubernetes:"


def completed(type_: str, inputs: Mapping[str, Value], added: Value) -> dict[str, Value]:
    """Return the inputs to which a provider adds an output of its own.

    A cluster's network gets a security group, and the metadata of an object in a cluster a name, where it has none.
    """
    metadata = inputs.get("metadata")
    if type_.startswith(_KUBERNETES) and isinstance(metadata, dict) and "name" not in metadata:
        return {"metadata": {**metadata, "name": added}}
    network = reveal(inputs.get("vpcConfig"))
    if type_ != "aws:eks/cluster:Cluster" or not isinstance(network, dict):
        return {}
    return {"vpcConfig": {**network, "clusterSecurityGroupId": added}}


def _missing(value: Value) -> bool:
    return value is None or value is UNKNOWN


_classes: dict[str, type] = {}
_declarations: dict[str, dict[str, object]] = {}


def _declared(token: str) -> dict[str, object]:
    """Return the outputs of a type that are not inputs too, with their Python types; none for a type not loaded."""
    if token not in _declarations:
        if token not in _classes:
            _classes.update({get_type_token(kind) or "": kind for kind in _subclasses(pulumi.CustomResource)})
        if token not in _classes:
            return {}
        _declarations[token] = dict(_computed(_classes[token]))
    return _declarations[token]


def _subclasses(kind: type) -> list[type]:
    direct = kind.__subclasses__()
    return [*direct, *(below for child in direct for below in _subclasses(child))]


def _computed(kind: type) -> Iterator[tuple[str, object]]:
    """Yield the properties of a generated resource class that its constructor does not take."""
    constructor = getattr(kind, "_internal_init", kind.__init__)
    inputs = inspect.signature(constructor).parameters
    for attribute, member in vars(kind).items():
        if isinstance(member, property) and attribute not in inputs:
            returned = get_args(inspect.get_annotations(member.fget).get("return")) if member.fget else ()
            if returned:
                yield str(getattr(member.fget, "_pulumi_name", attribute)), returned[0]


def _by_shape(request: Request, key: str, kind: object) -> Value:
    if kind is bool:
        return False
    if kind is int or kind is float:
        return 1
    if key == "tagsAll":
        return request.inputs.get("tags") or {}
    if kind is not str:
        return None
    if key == "region":
        return request.region
    if key.endswith(("accountId", "ownerId", "registryId")):
        return ACCOUNT
    if key.lower().endswith("arn"):
        return request.arn
    if re.search(r"(dnsName|[dD]omainName|[eE]ndpoint|[aA]ddress)$", key):
        return f"{request.physical_name}.{request.digits(8)}.{request.region}.amazonaws.com".lower()
    if key.endswith("Id"):
        return f"{kebab(key.removesuffix('Id'))}-{request.digits(17)}"
    return f"{request.physical_name}-{kebab(key)}"


def _balancer(request: Request) -> dict[str, Value]:
    return {
        "arnSuffix": request.arn.partition("loadbalancer/")[2],
        "dnsName": f"{request.physical_name}-{int(request.digits(8), 16)}.{request.region}.elb.amazonaws.com",
        "zoneId": f"Z{request.digits(13).upper()}",
    }


def _target_group(request: Request) -> dict[str, Value]:
    return {"arnSuffix": request.arn.rpartition(":")[2]}


def _certificate(request: Request) -> dict[str, Value]:
    others = request.inputs.get("subjectAlternativeNames")
    names = [str(name) for name in others] if isinstance(others, list) else []
    options: list[Value] = []
    for name in dict.fromkeys([request.text("domainName"), *names]):
        digits = hashlib.sha256(f"{request.urn}{name}".encode()).hexdigest()
        options.append(
            {
                "domainName": name,
                "resourceRecordName": f"_{digits[:32]}.{name.removeprefix('*.')}.",
                "resourceRecordType": "CNAME",
                "resourceRecordValue": f"_{digits[32:]}.acm-validations.aws.",
            }
        )
    return {"domainValidationOptions": options, "status": "ISSUED"}


def _database(request: Request) -> dict[str, Value]:
    host = f"{request.physical_name}.c{request.digits(12)}.{request.region}.rds.amazonaws.com"
    port = request.inputs.get("port") or (3306 if request.text("engine") in {"mysql", "mariadb"} else 5432)
    return {
        "address": host,
        "port": port,
        "endpoint": f"{host}:{port}",
        "hostedZoneId": f"Z{request.digits(13).upper()}",
        "resourceId": request.id,
        "status": "available",
    }


def _replication_group(request: Request) -> dict[str, Value]:
    name, suffix = request.physical_name, f"{request.digits(6)}.{request.region}.cache.amazonaws.com"
    shards, replicas = request.inputs.get("numNodeGroups"), request.inputs.get("replicasPerNodeGroup")
    shard_count = shards if isinstance(shards, int) else 1
    nodes = 1 + (replicas if isinstance(replicas, int) else 0)
    members: list[Value] = [
        f"{name}-{shard:04}-{node:03}" for shard in range(1, shard_count + 1) for node in range(1, nodes + 1)
    ]
    return {
        "configurationEndpointAddress": f"clustercfg.{name}.{suffix}",
        "primaryEndpointAddress": f"master.{name}.{suffix}",
        "readerEndpointAddress": f"replica.{name}.{suffix}",
        "memberClusters": members,
        "port": request.inputs.get("port") or 6379,
    }


def _bucket(request: Request) -> dict[str, Value]:
    name = request.physical_name
    return {
        "bucketDomainName": f"{name}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{name}.s3.{request.region}.amazonaws.com",
        "bucketRegion": request.region,
        "hostedZoneId": f"Z{request.digits(13).upper()}",
    }


def _distribution(request: Request) -> dict[str, Value]:
    # Z2FDTNDATAQYW2 is CloudFront's own zone, the same for every distribution (Route 53 API, AliasTarget).
    return {"domainName": f"d{request.digits(13)}.cloudfront.net", "hostedZoneId": "Z2FDTNDATAQYW2"}


def _zone(request: Request) -> dict[str, Value]:
    return {"zoneId": request.id, "nameServers": [f"ns-{number}.awsdns-{number:02}.com" for number in range(4)]}


def _secret_version(request: Request) -> dict[str, Value]:
    owner = request.text("secretId")
    return {"arn": owner, "secretArn": owner, "versionId": request.uuid}


def _address(request: Request) -> dict[str, Value]:
    return {"allocationId": request.id, "publicIp": f"203.0.113.{1 + int(request.digits(4), 16) % 254}"}


def _kubernetes_cluster(request: Request) -> dict[str, Value]:
    host = f"https://{request.digits(32).upper()}.gr7.{request.region}.eks.amazonaws.com"
    issuer = f"https://oidc.eks.{request.region}.amazonaws.com/id/{request.digits(32).upper()}"
    return {
        "endpoint": host,
        "certificateAuthorities": [{"data": "Q0VSVElGSUNBVEU="}],
        "certificateAuthority": {"data": "Q0VSVElGSUNBVEU="},
        "identities": [{"oidcs": [{"issuer": issuer}]}],
    }


def _key_id(request: Request) -> dict[str, Value]:
    return {"keyId": request.uuid}


def _unique_id(request: Request) -> dict[str, Value]:
    return {"uniqueId": f"AROA{request.digits(17).upper()}"}


def _secret_key(request: Request) -> dict[str, Value]:
    return {"secret": Secret(request.digits(40))}


_SPECIAL: dict[str, Callable[[Request], dict[str, Value]]] = {
    "aws:acm/certificate:Certificate": _certificate,
    "aws:cloudfront/distribution:Distribution": _distribution,
    "aws:ec2/eip:Eip": _address,
    "aws:eks/cluster:Cluster": _kubernetes_cluster,
    "aws:elasticache/replicationGroup:ReplicationGroup": _replication_group,
    "aws:iam/accessKey:AccessKey": _secret_key,
    "aws:iam/role:Role": _unique_id,
    "aws:kms/key:Key": _key_id,
    "aws:lb/loadBalancer:LoadBalancer": _balancer,
    "aws:lb/targetGroup:TargetGroup": _target_group,
    "aws:rds/instance:Instance": _database,
    "aws:route53/zone:Zone": _zone,
    "aws:s3/bucket:Bucket": _bucket,
    "aws:s3/bucketV2:BucketV2": _bucket,
    "aws:secretsmanager/secretVersion:SecretVersion": _secret_version,
}
