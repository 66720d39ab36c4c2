"""What keeps data: encryption, backups, and nothing deleted by a slip."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from policies import tokens as t
from policies.documents import allows_plain_http
from policies.rule import Rule
from policies.view import UNKNOWN, Resource, Stack

# FSBP RDS.11 asks for at least seven days.
_BACKUP_DAYS = 7


def _is_replica(database: Resource) -> bool:
    return database.has("replicateSourceDb")


def _database_encrypted(database: Resource, _: Stack) -> Iterator[str]:
    if not database.flag("storageEncrypted"):
        yield "stores its data unencrypted"


def _database_tls(group: Resource, _: Stack) -> Iterator[str]:
    if not group.text("family").startswith("postgres"):
        return
    forced = [each.text("value") for each in group.groups("parameters") if each.text("name") == "rds.force_ssl"]
    if forced != ["1"]:
        yield "lets clients connect without TLS: rds.force_ssl is not 1"


def _database_backups(database: Resource, _: Stack) -> Iterator[str]:
    days = database.number("backupRetentionPeriod") or 0
    if not _is_replica(database) and days < _BACKUP_DAYS:
        yield f"keeps backups for {days:g} days, fewer than {_BACKUP_DAYS}"


def _database_deletion_protection(database: Resource, _: Stack) -> Iterator[str]:
    # A replica holds nothing that its primary does not, and is to go when the settings no longer name it.
    if not _is_replica(database) and not database.flag("deletionProtection"):
        yield "can be deleted by one call"


def _replacement_snapshot(resource: Resource, stack: Stack) -> Iterator[str]:
    if resource.protect:
        return
    if resource.type == t.DATABASE:
        if not _is_replica(resource) and (
            resource.flag("skipFinalSnapshot") or not resource.has("finalSnapshotIdentifier")
        ):
            yield "is neither protected nor leaves a final snapshot, so a replacement takes its data along"
    elif resource.flag("forceDestroy") and stack.users(resource, "bucket", t.BUCKET_VERSIONING):
        yield "is neither protected nor kept when it is not empty, so a replacement takes its objects along"


def _cache_encrypted(cache: Resource, _: Stack) -> Iterator[str]:
    if not cache.flag("atRestEncryptionEnabled"):
        yield "stores snapshots and what it swaps to disk unencrypted"


def _cache_tls(cache: Resource, _: Stack) -> Iterator[str]:
    if not cache.flag("transitEncryptionEnabled"):
        yield "is reached without TLS"
    elif cache.text("transitEncryptionMode") == "preferred":
        yield "lets clients in without TLS: its mode is preferred, not required"


def _cache_authenticated(cache: Resource, _: Stack) -> Iterator[str]:
    if not cache.has("userGroupIds") and not cache.has("authToken"):
        yield "lets in every client that reaches its port"


def _bucket_encrypted(bucket: Resource, stack: Stack) -> Iterator[str]:
    if not stack.users(bucket, "bucket", t.BUCKET_ENCRYPTION):
        yield "does not say how it is encrypted"


def _bucket_tls(bucket: Resource, stack: Stack) -> Iterator[str]:
    policies = stack.users(bucket, "bucket", t.BUCKET_POLICY)
    if not policies:
        yield "has no policy that refuses requests without TLS"
    for policy in policies:
        document: Any = json.loads(policy.text("policy") or "{}")
        if allows_plain_http(document):
            yield "has a policy that does not refuse requests without TLS"


def _volume_encrypted(template: Resource, _: Stack) -> Iterator[str]:
    for mapping in template.groups("blockDeviceMappings"):
        if mapping.has("ebs") and not mapping.flag("ebs.encrypted"):
            yield f"gives its servers an unencrypted volume, {mapping.text('deviceName')}"


def _topic_encrypted(topic: Resource, _: Stack) -> Iterator[str]:
    if not topic.has("kmsMasterKeyId"):
        yield "keeps its messages unencrypted"


def _cluster_secrets(cluster: Resource, _: Stack) -> Iterator[str]:
    encrypted = [
        each
        for each in cluster.groups("encryptionConfig")
        if {"secrets", UNKNOWN} & {*each.list("resources")} and each.has("provider.keyArn")
    ]
    if not encrypted:
        yield "keeps Kubernetes' secrets under no key of the account's own"


RULES = (
    Rule(
        "database-encrypted",
        "A lost disk or a shared snapshot must not be readable.",
        "storage_encrypted=True; an instance that exists is restored from an encrypted copy of its snapshot.",
        (t.DATABASE,),
        _database_encrypted,
        control="RDS.3",
    ),
    Rule(
        "database-tls",
        "Passwords and rows must not cross the network in the clear.",
        "Set rds.force_ssl to 1 in the parameter group.",
        (t.DATABASE_PARAMETERS,),
        _database_tls,
        control="RDS.38",
    ),
    Rule(
        "database-backups",
        "A mistake is often noticed days later, and only a backup from before undoes it.",
        "database.backup_days: 7 or more.",
        (t.DATABASE,),
        _database_backups,
        control="RDS.11",
    ),
    Rule(
        "database-deletion-protection",
        "Deleting a production database must take two decisions.",
        "database.deletion_protection: true.",
        (t.DATABASE,),
        _database_deletion_protection,
        control="RDS.8",
    ),
    Rule(
        "replacement-snapshot",
        "A changed property can replace a resource, and what it stored goes with the old one.",
        "database.deletion_protection: true, storage.force_destroy: false; or the option protect.",
        (t.DATABASE, t.BUCKET),
        _replacement_snapshot,
        across=True,
    ),
    Rule(
        "cache-encrypted",
        "Sessions and cached rows reach the disk in snapshots and synchronisation.",
        "at_rest_encryption_enabled=True; an existing group is made anew.",
        (t.CACHE,),
        _cache_encrypted,
        control="ElastiCache.4",
    ),
    Rule(
        "cache-tls",
        "Sessions are as good as passwords, and must not cross the network in the clear.",
        "transit_encryption_enabled=True and transit_encryption_mode='required'.",
        (t.CACHE,),
        _cache_tls,
        control="ElastiCache.5",
    ),
    Rule(
        "cache-authenticated",
        "Reaching the port must not be enough to read or flush everything.",
        "Give the group a user group, or an auth token.",
        (t.CACHE,),
        _cache_authenticated,
        control="ElastiCache.6",
    ),
    Rule(
        "bucket-encrypted",
        "What is stored says itself how it is encrypted, and does not follow an account's default.",
        "Add a BucketServerSideEncryptionConfiguration.",
        (t.BUCKET,),
        _bucket_encrypted,
        "advisory",
        across=True,
    ),
    Rule(
        "bucket-tls",
        "Objects must not cross the network in the clear.",
        "Deny s3:* where aws:SecureTransport is false, in the bucket's policy.",
        (t.BUCKET,),
        _bucket_tls,
        control="S3.5",
        across=True,
    ),
    Rule(
        "volume-encrypted",
        "A server's disk holds its environment and its logs.",
        "encrypted='true' in the launch template's block device mapping.",
        (t.LAUNCH_TEMPLATE,),
        _volume_encrypted,
        control="EC2.3",
    ),
    Rule(
        "topic-encrypted",
        "Alarms name what is weak at the moment.",
        "kms_master_key_id: a key that CloudWatch may use.",
        (t.TOPIC,),
        _topic_encrypted,
    ),
    Rule(
        "cluster-secrets",
        "A copy of the control plane's store must not give out every password in it.",
        "encryption_config: a KMS key for secrets.",
        (t.CLUSTER,),
        _cluster_secrets,
        control="EKS.3",
    ),
)
