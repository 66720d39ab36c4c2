"""Static files and media, off the servers' disks and close to the users."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components import permissions
from components.bucket import PrivateBucket
from model.storage import Storage as StorageModel

# Django's ManifestStaticFilesStorage puts twelve hexadecimal digits of the content's MD5 before the suffix
# (django/contrib/staticfiles/storage.py, HashedFilesMixin.file_hash). A path pattern's `?` is any one character.
_HASHED = "/static/*.????????????.*"

# Managed policies of CloudFront; their ids are the same in every account (CloudFront guide, "Use managed ...").
_CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
_CORS_S3_ORIGIN = "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf"


class Storage(pulumi.ComponentResource):
    """A bucket each for static files and media, and a distribution in front of both."""

    static: PrivateBucket
    media: PrivateBucket
    domain: pulumi.Output[str]
    """The distribution's host name; files are under /static/ and /media/."""

    def __init__(self, name: str, storage: StorageModel, opts: pulumi.ResourceOptions | None = None) -> None:
        """Build the buckets and the distribution."""
        super().__init__("django-scale:storage:Storage", name, None, opts)
        self._name = name
        self._model = storage
        self._child = pulumi.ResourceOptions(parent=self)
        self.static = self._create_bucket("static")
        self.media = self._create_bucket("media")
        distribution = self._create_distribution()
        for bucket in (self.static, self.media):
            bucket.grant(_read_by(distribution, bucket))
        self.domain = distribution.domain_name
        self.register_outputs({"domain": self.domain})

    def _create_bucket(self, role: str) -> PrivateBucket:
        return PrivateBucket(
            f"{self._name}-{role}",
            old_version_days=self._model.old_version_days,
            force_destroy=self._model.force_destroy,
            protect=not self._model.force_destroy,
            opts=self._child,
        )

    def _create_distribution(self) -> aws.cloudfront.Distribution:
        access = aws.cloudfront.OriginAccessControl(
            f"{self._name}-cdn",
            origin_access_control_origin_type="s3",
            signing_behavior="always",
            signing_protocol="sigv4",
            opts=self._child,
        )
        hashed = self._create_headers("hashed", f"public, max-age={self._model.hashed_seconds}, immutable")
        unhashed = self._create_headers("unhashed", f"public, max-age={self._model.unhashed_seconds}")
        origins = {"static": self.static, "media": self.media}
        return aws.cloudfront.Distribution(
            f"{self._name}-cdn",
            comment=f"Static files and media of {self._name}",
            enabled=True,
            http_version="http2and3",
            is_ipv6_enabled=True,
            price_class=self._model.price_class,
            origins=[
                {"origin_id": role, "domain_name": bucket.domain, "origin_access_control_id": access.id}
                for role, bucket in origins.items()
            ],
            # The first pattern that matches decides.
            ordered_cache_behaviors=[
                {"path_pattern": _HASHED, **_behavior("static", hashed)},
                {"path_pattern": "/media/*", **_behavior("media", unhashed)},
            ],
            default_cache_behavior=_behavior("static", unhashed),
            restrictions={"geo_restriction": {"restriction_type": "none", "locations": []}},
            viewer_certificate={"cloudfront_default_certificate": True},
            opts=self._child,
        )

    def _create_headers(self, role: str, cache_control: str) -> aws.cloudfront.ResponseHeadersPolicy:
        return aws.cloudfront.ResponseHeadersPolicy(
            f"{self._name}-{role}",
            custom_headers_config={"items": [{"header": "Cache-Control", "value": cache_control, "override": True}]},
            security_headers_config={"content_type_options": {"override": True}},
            opts=self._child,
        )


def _behavior(
    origin: str, headers: aws.cloudfront.ResponseHeadersPolicy
) -> aws.cloudfront.DistributionDefaultCacheBehaviorArgsDict:
    return {
        "target_origin_id": origin,
        "viewer_protocol_policy": "redirect-to-https",
        "allowed_methods": ["GET", "HEAD", "OPTIONS"],
        "cached_methods": ["GET", "HEAD"],
        "compress": True,
        "cache_policy_id": _CACHING_OPTIMIZED,
        "origin_request_policy_id": _CORS_S3_ORIGIN,
        "response_headers_policy_id": headers.id,
    }


def _read_by(distribution: aws.cloudfront.Distribution, bucket: PrivateBucket) -> permissions.Statement:
    return permissions.allow(
        ["s3:GetObject"],
        [pulumi.Output.concat(bucket.arn, "/*")],
        principal={"Service": "cloudfront.amazonaws.com"},
        conditions={"StringEquals": {"aws:SourceArn": distribution.arn}},
    )
