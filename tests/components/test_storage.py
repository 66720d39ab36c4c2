"""Buckets for static files and media, and the distribution in front of them."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import pytest

from components.storage import Storage
from scale.testing import Recording, Resource, run
from tests.components.building import BUCKET, BUCKET_POLICY, NAME, component, counts, get, settings, statements

DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
ACCESS = "aws:cloudfront/originAccessControl:OriginAccessControl"
CACHE_POLICY = "aws:cloudfront/cachePolicy:CachePolicy"
FUNCTION = "aws:cloudfront/function:Function"
HEADERS = "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"


@cache
def built(**storage: Any) -> Recording:
    model = settings(storage=storage).storage
    return run(lambda: Storage(NAME, model))


def distribution() -> Resource:
    return built().one(DISTRIBUTION)


def behaviors() -> list[dict[str, Any]]:
    """Return the cache behaviors in the order in which they are asked, the default one last."""
    ordered = get(distribution(), "orderedCacheBehaviors")
    return [*ordered, {**get(distribution(), "defaultCacheBehavior"), "pathPattern": "*"}]


def behavior(path: str) -> dict[str, Any]:
    """Return the behavior that decides about a path."""
    return next(each for each in behaviors() if fnmatchcase(path, each["pathPattern"]))


def test_it_has_exactly_these_resources() -> None:
    assert counts(built()) == {
        "Bucket": 2,
        "BucketLifecycleConfiguration": 2,
        "BucketOwnershipControls": 2,
        "BucketPolicy": 2,
        "BucketPublicAccessBlock": 2,
        "BucketServerSideEncryptionConfiguration": 2,
        "BucketVersioning": 2,
        "CachePolicy": 2,
        "Distribution": 1,
        "Function": 2,
        "OriginAccessControl": 1,
        "ResponseHeadersPolicy": 1,
    }
    assert len(built().children(component(built(), "Storage"))) == 9


@pytest.mark.parametrize("role", ["static", "media"])
def test_each_bucket_is_an_origin_that_only_this_distribution_may_read(role: str) -> None:
    plan = built()
    bucket = plan.one(BUCKET, f"{NAME}-{role}-bucket")
    origin = next(each for each in get(distribution(), "origins") if each["originId"] == role)
    assert origin["domainName"] == bucket.state["bucketRegionalDomainName"]
    assert origin["originAccessControlId"] == plan.one(ACCESS).id
    refusal, reading = statements(plan.one(BUCKET_POLICY, f"{NAME}-{role}-policy"))
    assert refusal["Effect"] == "Deny"
    assert reading == {
        "Effect": "Allow",
        "Action": ["s3:GetObject"],
        "Resource": [f"{bucket.state['arn']}/*"],
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Condition": {"StringEquals": {"aws:SourceArn": distribution().state["arn"]}},
    }


def test_requests_to_the_buckets_are_always_signed() -> None:
    access = built().one(ACCESS)
    assert get(access, "originAccessControlOriginType") == "s3"
    assert (get(access, "signingBehavior"), get(access, "signingProtocol")) == ("always", "sigv4")


def test_behaviors_are_asked_in_this_order() -> None:
    assert [(each["pathPattern"], each["targetOriginId"]) for each in behaviors()] == [
        ("/static/*.????????????.*", "static"),
        ("/media/*", "media"),
        ("*", "static"),
    ]


@pytest.mark.parametrize(
    ("path", "kind", "origin"),
    [
        ("/static/css/app.5f1a2b3c4d5e.css", "hashed", "static"),
        ("/static/css/app.css", "unhashed", "static"),
        ("/static/admin/js/jquery.min.js", "unhashed", "static"),
        ("/media/portraits/me.5f1a2b3c4d5e.jpg", "unhashed", "media"),
    ],
)
def test_a_path_goes_to_its_bucket_and_is_kept_as_its_name_allows(path: str, kind: str, origin: str) -> None:
    plan, decided = built(), behavior(path)
    assert decided["targetOriginId"] == origin
    assert decided["cachePolicyId"] == plan.one(CACHE_POLICY, f"{NAME}-{kind}").id
    assert decided["functionAssociations"] == [
        {"eventType": "viewer-response", "functionArn": plan.one(FUNCTION, f"{NAME}-{kind}").state["arn"]}
    ]


@pytest.mark.parametrize(
    ("kind", "seconds", "header"),
    [
        ("hashed", 31_536_000, "public, max-age=31536000, immutable"),
        ("unhashed", 300, "public, max-age=300"),
    ],
)
def test_edges_and_browsers_keep_a_kind_of_file_for_the_same_time(kind: str, seconds: int, header: str) -> None:
    edges, browsers = built().one(CACHE_POLICY, f"{NAME}-{kind}"), built().one(FUNCTION, f"{NAME}-{kind}")
    assert (get(edges, "minTtl"), get(edges, "defaultTtl"), get(edges, "maxTtl")) == (0, seconds, seconds)
    assert f'event.response.headers["cache-control"] = {{ value: "{header}" }};' in get(browsers, "code")
    assert get(browsers, "runtime") == "cloudfront-js-2.0"
    assert get(browsers, "publish") is True


def test_browsers_are_not_told_to_keep_errors_as_a_headers_policy_would_tell_them() -> None:
    assert "customHeadersConfig" not in built().one(HEADERS).properties


def test_browsers_do_not_guess_types_of_files() -> None:
    headers = built().one(HEADERS)
    assert get(headers, "securityHeadersConfig") == {"contentTypeOptions": {"override": True}}
    assert {each["responseHeadersPolicyId"] for each in behaviors()} == {headers.id}


@pytest.mark.parametrize("parameter", ["cookiesConfig.cookieBehavior", "queryStringsConfig.queryStringBehavior"])
def test_cookies_and_query_strings_do_not_split_the_cache(parameter: str) -> None:
    for policy in built().all(CACHE_POLICY):
        assert get(policy, f"parametersInCacheKeyAndForwardedToOrigin.{parameter}") == "none"


@pytest.mark.parametrize(("seconds", "compressed"), [(300, True), (0, False)])
def test_a_policy_that_caches_nothing_has_no_encodings_which_cloudfront_would_refuse(
    seconds: int, compressed: bool
) -> None:
    policy = built(unhashed_seconds=seconds).one(CACHE_POLICY, f"{NAME}-unhashed")
    key = get(policy, "parametersInCacheKeyAndForwardedToOrigin")
    assert (key["enableAcceptEncodingBrotli"], key["enableAcceptEncodingGzip"]) == (compressed, compressed)


def test_every_behavior_redirects_to_https_compresses_and_only_reads() -> None:
    for each in behaviors():
        assert each["viewerProtocolPolicy"] == "redirect-to-https"
        assert each["compress"] is True
        assert each["allowedMethods"] == ["GET", "HEAD", "OPTIONS"]
        assert each["originRequestPolicyId"] == "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf"


def test_the_distribution_is_on_for_everyone_by_http_2_and_3_and_ipv6() -> None:
    assert get(distribution(), "enabled") is True
    assert get(distribution(), "httpVersion") == "http2and3"
    assert get(distribution(), "isIpv6Enabled") is True
    assert get(distribution(), "restrictions.geoRestriction.restrictionType") == "none"
    assert get(distribution(), "viewerCertificate.cloudfrontDefaultCertificate") is True


@pytest.mark.parametrize("price_class", ["PriceClass_100", "PriceClass_All"])
def test_edges_are_those_of_the_settings(price_class: str) -> None:
    assert get(built(price_class=price_class).one(DISTRIBUTION), "priceClass") == price_class


def test_both_buckets_keep_old_versions() -> None:
    plan = built(old_version_days=60)
    assert len(plan.all(VERSIONING)) == 2
    for lifecycle in plan.all("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"):
        assert get(lifecycle, "rules.1.noncurrentVersionExpiration.noncurrentDays") == 60


def test_buckets_are_protected_unless_what_is_in_them_has_no_value() -> None:
    assert [(each.protect, get(each, "forceDestroy")) for each in built().all(BUCKET)] == [(True, False)] * 2
    forced = built(force_destroy=True).all(BUCKET)
    assert [(each.protect, get(each, "forceDestroy")) for each in forced] == [(False, True)] * 2
