"""The buckets of the stack in `bench.cdk_app`."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_s3 as s3
from constructs import Construct


def private_bucket(scope: Construct, name: str, versioned: bool = True) -> s3.Bucket:
    """A bucket that is encrypted and closed to the public."""
    return s3.Bucket(
        scope,
        name,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        encryption=s3.BucketEncryption.S3_MANAGED,
        enforce_ssl=True,
        versioned=versioned,
        lifecycle_rules=[s3.LifecycleRule(noncurrent_version_expiration=cdk.Duration.days(30))],
    )


class Storage(Construct):
    """Two buckets and CloudFront in front of them."""

    def __init__(self, scope: Construct, construct_id: str, name: str, domain: str) -> None:
        super().__init__(scope, construct_id)
        self.static, self.media = private_bucket(self, "Static"), private_bucket(self, "Media")
        headers = cloudfront.ResponseHeadersPolicy(
            self,
            "Headers",
            cors_behavior=cloudfront.ResponseHeadersCorsBehavior(
                access_control_allow_credentials=False,
                access_control_allow_headers=["*"],
                access_control_allow_methods=["GET", "HEAD"],
                access_control_allow_origins=[f"https://{domain}"],
                origin_override=True,
            ),
        )

        def behavior(bucket: s3.Bucket, kind: str) -> cloudfront.BehaviorOptions:
            return cloudfront.BehaviorOptions(
                origin=origins.S3BucketOrigin.with_origin_access_control(bucket),
                viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
                allowed_methods=cloudfront.AllowedMethods.ALLOW_GET_HEAD_OPTIONS,
                cache_policy=policies[kind],
                response_headers_policy=headers,
                origin_request_policy=cloudfront.OriginRequestPolicy.CORS_S3_ORIGIN,
                function_associations=[
                    cloudfront.FunctionAssociation(
                        event_type=cloudfront.FunctionEventType.VIEWER_RESPONSE, function=functions[kind]
                    )
                ],
            )

        policies = {
            kind: cloudfront.CachePolicy(
                self,
                f"{kind}Policy",
                default_ttl=cdk.Duration.seconds(seconds),
                max_ttl=cdk.Duration.seconds(seconds),
                min_ttl=cdk.Duration.seconds(0),
                enable_accept_encoding_brotli=True,
                enable_accept_encoding_gzip=True,
            )
            for kind, seconds in (("Hashed", 31536000), ("Unhashed", 300))
        }
        code = (
            "function handler(event) { var r = event.response; r.headers['cache-control'] = {value: '%s'}; return r; }"
        )
        functions = {
            kind: cloudfront.Function(
                self,
                kind,
                code=cloudfront.FunctionCode.from_inline(code % value),
                runtime=cloudfront.FunctionRuntime.JS_2_0,
            )
            for kind, value in (("Hashed", "max-age=31536000, immutable"), ("Unhashed", "max-age=300"))
        }
        cloudfront.Distribution(
            self,
            "Distribution",
            comment=f"Static files and media of {name}",
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            default_behavior=behavior(self.static, "Unhashed"),
            additional_behaviors={
                "/static/*.????????????.*": behavior(self.static, "Hashed"),
                "/media/*": behavior(self.media, "Unhashed"),
            },
        )
