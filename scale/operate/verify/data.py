"""What holds data: the database and its replicas, the caches, the buckets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scale.operate.errors import MissingError
from scale.operate.verify.difference import BUILD, UP, Danger, Difference, write
from scale.operate.verify.look import Field, Look, compare, is_named, missing, shown, starts
from scale.plan.recording import Resource

INSTANCE = "aws:rds/instance:Instance"
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
BUCKET = "aws:s3/bucket:Bucket"
ACCESS = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"

_RESTORE = "cannot be changed in place: restore an encrypted copy of a snapshot beside it, and move over"
_INSTANCE_FIELDS = (
    Field("storageEncrypted", "StorageEncrypted", "encryption", Danger.DATA, _RESTORE),
    Field("publiclyAccessible", "PubliclyAccessible", "public address", Danger.DATA),
    Field(
        "deletionProtection",
        "DeletionProtection",
        "deletion protection",
        Danger.DATA,
        write("database.deletion_protection"),
    ),
    Field(
        "backupRetentionPeriod", "BackupRetentionPeriod", "days of backups", Danger.DATA, write("database.backup_days")
    ),
    Field("multiAz", "MultiAZ", "standby in another zone", Danger.OUTAGE, write("database.multi_az")),
    Field("instanceClass", "DBInstanceClass", "class", Danger.DRIFT, write("database.instance_class")),
    Field(
        "engineVersion",
        "EngineVersion",
        "version",
        Danger.DRIFT,
        write("database.engine_version"),
        equal=starts,
    ),
    Field("caCertIdentifier", "CACertificateIdentifier", "certificate authority", Danger.OUTAGE),
    Field("storageType", "StorageType", "kind of storage", Danger.DRIFT),
    Field("autoMinorVersionUpgrade", "AutoMinorVersionUpgrade", "minor upgrades", Danger.DRIFT),
)
_CACHE_FIELDS = (
    Field("atRestEncryptionEnabled", "AtRestEncryptionEnabled", "encryption at rest", Danger.DATA),
    Field("transitEncryptionEnabled", "TransitEncryptionEnabled", "encryption in transit", Danger.DATA),
    Field("snapshotRetentionLimit", "SnapshotRetentionLimit", "days of snapshots", Danger.DATA),
    Field("nodeType", "CacheNodeType", "node type", Danger.DRIFT, write("cache")),
)


def databases(look: Look) -> Iterator[Difference]:
    """Yield what differs on the instances; replicas that no longer replicate, and such as are not the program's."""
    planned: dict[str, Resource] = {}
    for resource in look.plan.all(INSTANCE):
        planned[str(look.wanted(resource)["identifier"])] = resource
    found: dict[str, dict[str, Any]] = {}
    for identifier in planned:
        try:
            (found[identifier],) = look.finder.account.items(
                "rds", "describe_db_instances", DBInstanceIdentifier=identifier
            )
        except MissingError:
            continue
    for identifier, resource in planned.items():
        yield from _instance(look, resource, found.get(identifier))
    for described in found.values():
        for replica in described.get("ReadReplicaDBInstanceIdentifiers", []):
            if replica not in planned:
                mend = "delete it in the console, or add it to database.replicas"
                yield Difference(Danger.DRIFT, look.finder.settings.prefix, f"replica {replica}", "none", "there", mend)


def _instance(look: Look, resource: Resource, found: dict[str, Any] | None) -> Iterator[Difference]:
    source = look.wanted(resource).get("replicateSourceDb")
    if found is None:
        mend = BUILD if source else "restore it from its newest snapshot under this name; then `pulumi up --refresh`"
        yield missing(resource, Danger.OUTAGE if source else Danger.DATA, "replica" if source else "database", mend)
        return
    yield from compare(look, resource, found, _INSTANCE_FIELDS)
    yield from _pending(resource, found)
    replicates = found.get("ReadReplicaSourceDBInstanceIdentifier")
    if (source or None) != (replicates or None):
        mend = "it was promoted and holds a database of its own: delete it and run `pulumi up --refresh`"
        yield Difference(Danger.DATA, resource.name, "replicates", shown(source), shown(replicates), mend)


def _pending(resource: Resource, found: dict[str, Any]) -> Iterator[Difference]:
    """Yield what was changed and waits for the maintenance window, or for a restart."""
    for key in sorted(found.get("PendingModifiedValues", {})):
        mend = "wait for the maintenance window, or set database.apply_immediately"
        yield Difference(Danger.DRIFT, resource.name, f"pending change of {key}", "none", "waiting", mend)
    for group in found.get("DBParameterGroups", []):
        if group.get("ParameterApplyStatus") == "pending-reboot":
            mend = f"restart it: `aws rds reboot-db-instance --db-instance-identifier {found['DBInstanceIdentifier']}`"
            yield Difference(Danger.DRIFT, resource.name, "parameters", "in use", "waiting for a restart", mend)


def caches(look: Look) -> Iterator[Difference]:
    """Yield what differs on the replication groups: shards, replicas, encryption, fail-over."""
    for resource in look.plan.all(CACHE):
        role = "sessions" if "-sessions-" in resource.name else "cache"
        identifier = look.finder.caches.get(role)
        try:
            (found,) = (
                look.finder.account.items("elasticache", "describe_replication_groups", ReplicationGroupId=identifier)
                if identifier
                else [{}]
            )
        except MissingError:
            found = {}
        if not found:
            yield missing(resource, Danger.DATA if role == "sessions" else Danger.OUTAGE, "replication group")
            continue
        yield from compare(look, resource, found, _CACHE_FIELDS)
        yield from _shards(look, resource, found, f"cache.{'sessions' if role == 'sessions' else 'data'}")


def _shards(look: Look, resource: Resource, found: dict[str, Any], setting: str) -> Iterator[Difference]:
    wanted, groups = look.wanted(resource), found.get("NodeGroups", [])
    if len(groups) != int(wanted["numNodeGroups"]):
        told = shown(wanted["numNodeGroups"]), str(len(groups))
        yield Difference(Danger.SCALING, resource.name, "shards", *told, mend=write(f"{setting}.shards"))
    replicas = int(wanted["replicasPerNodeGroup"])
    for group in groups:
        there = len(group.get("NodeGroupMembers", [])) - 1
        if there != replicas:
            what = f"replicas of shard {group['NodeGroupId']}"
            yield Difference(
                Danger.OUTAGE, resource.name, what, str(replicas), str(there), write(f"{setting}.replicas")
            )
    switches = (
        ("automaticFailoverEnabled", "AutomaticFailover", "fail-over"),
        ("multiAzEnabled", "MultiAZ", "nodes in several zones"),
    )
    for key, theirs, what in switches:
        state = found.get(theirs) in ("enabled", "enabling")
        if key in wanted and bool(wanted[key]) != state:
            yield Difference(Danger.OUTAGE, resource.name, what, shown(wanted[key]), shown(state), UP)


def buckets(look: Look) -> Iterator[Difference]:
    """Yield what differs on the buckets: that they are there, encrypted and closed to the public."""
    s3, live = look.finder.account, [arn.rpartition(":")[2] for arn in look.finder.arns("s3")]
    for resource in look.plan.all(BUCKET):
        found = [name for name in live if is_named(resource, name)]
        if not found:
            yield missing(resource, Danger.DATA, "bucket")
            continue
        name, begins = found[0], resource.name.removesuffix("-bucket")
        for block in (each for each in look.plan.all(ACCESS) if each.name == f"{begins}-block"):
            try:
                answer = s3.call("s3", "get_public_access_block", Bucket=name)
                given: dict[str, Any] = answer["PublicAccessBlockConfiguration"]
            except MissingError:
                given = {}
            fields = [
                Field(key, key[0].upper() + key[1:], f"public access: {key}", Danger.DATA)
                for key in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
            ]
            yield from compare(look, block, given, fields)
        if any(each.name == f"{begins}-encryption" for each in look.plan.all(ENCRYPTION)):
            try:
                s3.call("s3", "get_bucket_encryption", Bucket=name)
            except MissingError:
                yield Difference(Danger.DATA, resource.name, "encryption", "on", "off", UP)
