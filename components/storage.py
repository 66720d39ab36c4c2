"""Static files and media, off the servers' disks and close to the users."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import permissions
from components.bucket import PrivateBucket
from model.storage import Storage as StorageModel

# Django's ManifestStaticFilesStorage puts twelve hexadecimal digits of the content's MD5 before the suffix
# (django/contrib/staticfiles/storage.py, HashedFilesMixin.file_hash). A path pattern's `?` is any one character.
_HASHED = "/static/*.????????????.*"

# A file's name ends in its suffix, and a hashed one has the hash before it. The function decides by the digits, which
# the pattern cannot.
_CACHE_CONTROL = """\
function handler(event) {{
  var hashed = /^\\/static\\/.*\\.[0-9a-f]{{12}}\\.[^.\\/]+$/.test(event.request.uri);
  event.response.headers["cache-control"] = {{ value: hashed ? "{hashed}" : "{unhashed}" }};
  return event.response;
}}
"""


@dataclass(frozen=True)
class _Viewers:
    """What all answers to browsers have in common: the id of a headers policy, the ARN of a function."""

    headers: pulumi.Output[str]
    cache_control: pulumi.Output[str]


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
        hashed = self._create_cache_policy("hashed", self._model.hashed_seconds)
        unhashed = self._create_cache_policy("unhashed", self._model.unhashed_seconds)
        viewers = _Viewers(self._create_headers(), self._create_cache_control())
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
                {"path_pattern": _HASHED, **_behavior("static", hashed, viewers)},
                {"path_pattern": "/media/*", **_behavior("media", unhashed, viewers)},
            ],
            default_cache_behavior=_behavior("static", unhashed, viewers),
            restrictions={"geo_restriction": {"restriction_type": "none", "locations": []}},
            viewer_certificate={"cloudfront_default_certificate": True},
            opts=self._child,
        )

    def _create_cache_policy(self, role: str, seconds: int) -> pulumi.Output[str]:
        """Return the id of what has edges keep a kind of file as long as browsers do."""
        policy = aws.cloudfront.CachePolicy(
            f"{self._name}-{role}",
            comment=f"{role.capitalize()} names, {seconds} s",
            min_ttl=0,
            default_ttl=seconds,
            max_ttl=seconds,
            parameters_in_cache_key_and_forwarded_to_origin={
                # CloudFront refuses them in a policy that caches nothing (EnableAcceptEncodingGzip, InvalidArgument).
                "enable_accept_encoding_brotli": seconds > 0,
                "enable_accept_encoding_gzip": seconds > 0,
                "cookies_config": {"cookie_behavior": "none"},
                "headers_config": {"header_behavior": "none"},
                "query_strings_config": {"query_string_behavior": "none"},
            },
            opts=self._child,
        )
        return policy.id

    def _create_headers(self) -> pulumi.Output[str]:
        policy = aws.cloudfront.ResponseHeadersPolicy(
            f"{self._name}-files",
            security_headers_config={"content_type_options": {"override": True}},
            # Pages come from another host, and browsers take fonts and modules from it only where it says so.
            cors_config={
                "access_control_allow_credentials": False,
                "access_control_allow_headers": {"items": ["*"]},
                "access_control_allow_methods": {"items": ["GET", "HEAD", "OPTIONS"]},
                "access_control_allow_origins": {"items": ["*"]},
                "origin_override": True,
            },
            opts=self._child,
        )
        return policy.id

    def _create_cache_control(self) -> pulumi.Output[str]:
        """Return the ARN of the function that tells browsers how long to keep a file.

        A headers policy would say it of errors too, and a browser that asked for a file before its upload would keep
        the refusal for a year. No function runs for an origin's answer of 400 and above (CloudFront guide,
        "Restrictions on all edge functions").
        """
        function = aws.cloudfront.Function(
            f"{self._name}-cache-control",
            runtime="cloudfront-js-2.0",
            comment="How long browsers keep a file",
            code=cache_control_code(self._model),
            publish=True,
            opts=self._child,
        )
        return function.arn


def cache_control_code(storage: StorageModel) -> str:
    """Return the function's JavaScript."""
    return _CACHE_CONTROL.format(
        hashed=f"public, max-age={storage.hashed_seconds}, immutable",
        unhashed=f"public, max-age={storage.unhashed_seconds}",
    )


def _behavior(
    origin: str, cache_policy: pulumi.Output[str], viewers: _Viewers
) -> aws.cloudfront.DistributionDefaultCacheBehaviorArgsDict:
    return {
        "target_origin_id": origin,
        "viewer_protocol_policy": "redirect-to-https",
        "allowed_methods": ["GET", "HEAD", "OPTIONS"],
        "cached_methods": ["GET", "HEAD"],
        "compress": True,
        "cache_policy_id": cache_policy,
        "response_headers_policy_id": viewers.headers,
        "function_associations": [{"event_type": "viewer-response", "function_arn": viewers.cache_control}],
    }


def _read_by(distribution: aws.cloudfront.Distribution, bucket: PrivateBucket) -> permissions.Statement:
    return permissions.allow(
        ["s3:GetObject"],
        [pulumi.Output.concat(bucket.arn, "/*")],
        principal={"Service": "cloudfront.amazonaws.com"},
        conditions={"StringEquals": {"aws:SourceArn": distribution.arn}},
    )
