"""A private bucket."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components import permissions


class PrivateBucket(pulumi.ComponentResource):
    """An encrypted S3 bucket that nobody reaches but whom a statement names, and nobody without TLS."""

    bucket_name: pulumi.Output[str]
    """The bucket's name."""
    arn: pulumi.Output[str]
    domain: pulumi.Output[str]
    """The regional domain name, for CloudFront."""

    def __init__(
        self,
        name: str,
        *,
        keep_days: int | None = None,
        old_version_days: int | None = None,
        force_destroy: bool = False,
        protect: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build the bucket.

        Objects are deleted after `keep_days`. With `old_version_days` they are versioned, and an overwritten or
        deleted one is kept for that long.
        """
        super().__init__("django-scale:storage:PrivateBucket", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        bucket = aws.s3.Bucket(
            f"{name}-bucket",
            force_destroy=force_destroy,
            opts=pulumi.ResourceOptions(parent=self, protect=protect),
        )
        aws.s3.BucketOwnershipControls(
            f"{name}-ownership", bucket=bucket.id, rule={"object_ownership": "BucketOwnerEnforced"}, opts=child
        )
        self._name = name
        self._block = aws.s3.BucketPublicAccessBlock(
            f"{name}-block",
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        # Load balancers deliver logs to buckets under S3's own keys only (Elastic Load Balancing guide, "Access logs").
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=bucket.id,
            rules=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}],
            opts=child,
        )
        versioning = self._create_versioning(name, bucket, child) if old_version_days is not None else None
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=bucket.id,
            rules=_lifecycle(keep_days, old_version_days),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning] if versioning else None),
        )
        self.bucket_name = bucket.bucket
        self.arn = bucket.arn
        self.domain = bucket.bucket_regional_domain_name
        self.register_outputs({"bucket_name": self.bucket_name, "arn": self.arn, "domain": self.domain})

    def grant(self, *statements: permissions.Statement) -> aws.s3.BucketPolicy:
        """Create the bucket's policy, once: these statements, and no request without TLS."""
        return aws.s3.BucketPolicy(
            f"{self._name}-policy",
            bucket=self.bucket_name,
            policy=permissions.document(permissions.require_tls(self.arn), *statements),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._block]),
        )

    def _create_versioning(
        self, name: str, bucket: aws.s3.Bucket, child: pulumi.ResourceOptions
    ) -> aws.s3.BucketVersioning:
        return aws.s3.BucketVersioning(
            f"{name}-versioning", bucket=bucket.id, versioning_configuration={"status": "Enabled"}, opts=child
        )


def _lifecycle(
    keep_days: int | None, old_version_days: int | None
) -> list[aws.s3.BucketLifecycleConfigurationRuleArgsDict]:
    rules: list[aws.s3.BucketLifecycleConfigurationRuleArgsDict] = [
        {
            "id": "abandoned-uploads",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
        }
    ]
    if keep_days is not None:
        rules.append({"id": "expire", "status": "Enabled", "filter": {"prefix": ""}, "expiration": {"days": keep_days}})
    if old_version_days is not None:
        rules.append(
            {
                "id": "old-versions",
                "status": "Enabled",
                "filter": {"prefix": ""},
                "noncurrent_version_expiration": {"noncurrent_days": old_version_days},
            }
        )
    return rules
