"""For each rule a stack that breaks it, and one that nearly does."""

from __future__ import annotations

from policies import tokens as t
from tests.policies.cases.builders import (
    FORCED,
    LAX,
    TLS_ONLY,
    VERSIONED,
    Case,
    bucket,
    cache,
    database,
    of_bucket,
    policy,
    template,
    volume,
)
from tests.policies.stacks import resource

DATA = (
    Case("database-encrypted", (database(storageEncrypted=False),), (database(storageEncrypted=True),), "unencrypted"),
    Case(
        "database-tls", (resource(t.DATABASE_PARAMETERS, LAX),), (resource(t.DATABASE_PARAMETERS, FORCED),), "force_ssl"
    ),
    Case(
        "database-backups",
        (database(backupRetentionPeriod=6),),
        (database(backupRetentionPeriod=0, replicateSourceDb="primary"),),
        "for 6 days",
    ),
    Case("database-backups", (database(),), (database(backupRetentionPeriod=7),), "for 0 days"),
    Case("database-deletion-protection", (database(),), (database(deletionProtection=True),), "deleted by one call"),
    Case(
        "database-deletion-protection",
        (database(deletionProtection=False),),
        (database(deletionProtection=False, replicateSourceDb="primary"),),
        "deleted by one call",
    ),
    Case(
        "replacement-snapshot",
        (database(skipFinalSnapshot=True, finalSnapshotIdentifier="last"),),
        (database(skipFinalSnapshot=False, finalSnapshotIdentifier="last"),),
        "final snapshot",
    ),
    Case(
        "replacement-snapshot",
        (database(skipFinalSnapshot=False),),
        (resource(t.DATABASE, {"skipFinalSnapshot": True}, protect=True),),
        "final snapshot",
    ),
    Case(
        "replacement-snapshot",
        (resource(t.BUCKET, {"forceDestroy": True}), VERSIONED),
        (resource(t.BUCKET, {"forceDestroy": False}), VERSIONED),
        "objects",
    ),
    Case("cache-encrypted", (cache(),), (cache(atRestEncryptionEnabled=True),), "unencrypted"),
    Case("cache-tls", (cache(),), (cache(transitEncryptionEnabled=True),), "without TLS"),
    Case(
        "cache-tls",
        (cache(transitEncryptionEnabled=True, transitEncryptionMode="preferred"),),
        (cache(transitEncryptionEnabled=True, transitEncryptionMode="required"),),
        "preferred",
    ),
    Case("cache-authenticated", (cache(userGroupIds=[]),), (cache(userGroupIds=["users"]),), "every client"),
    Case("bucket-encrypted", (bucket,), (bucket, of_bucket(t.BUCKET_ENCRYPTION, {})), "does not say"),
    Case(
        "bucket-tls",
        (bucket, policy(t.BUCKET_POLICY, {**TLS_ONLY, "Action": ["s3:GetObject"]}, bucket=[bucket])),
        (bucket, policy(t.BUCKET_POLICY, TLS_ONLY, bucket=[bucket])),
        "does not refuse",
    ),
    Case("bucket-tls", (bucket,), (bucket, policy(t.BUCKET_POLICY, TLS_ONLY, bucket=[bucket])), "no policy"),
    Case(
        "volume-encrypted",
        (template(blockDeviceMappings=volume("false")),),
        (template(blockDeviceMappings=volume("true")),),
        "/dev/xvda",
    ),
    Case("topic-encrypted", (resource(t.TOPIC),), (resource(t.TOPIC, {"kmsMasterKeyId": "key"}),), "unencrypted"),
    Case(
        "cluster-secrets",
        (resource(t.CLUSTER, {"encryptionConfig": {"provider": {}, "resources": ["secrets"]}}),),
        (
            resource(
                t.CLUSTER,
                {"encryptionConfig": {"provider": {"keyArn": "arn:aws:kms:::key/1"}, "resources": ["secrets"]}},
            ),
        ),
        "under no key",
    ),
)
